use leptos::prelude::*;
use model::Problem;

use super::form::{Around, Length, described_by, first_value, id_of, input_name, problem_of};

/// Several lines of text. The only place with a raw `textarea`: Leptos 0.8 does not escape its text on the server, this does.
#[component]
pub fn TextArea(
    field: &'static str,
    label: &'static str,
    problem: Memo<Option<Problem>>,
    #[prop(optional)] help: &'static str,
    #[prop(default = true)] required: bool,
    #[prop(optional, into)] initial: String,
    #[prop(default = 6)] rows: u32,
    /// Most characters.
    #[prop(default = None, into)]
    limit: Option<usize>,
    /// Tells the fields of one name apart where a page has several forms; the id `content` is the page's own.
    #[prop(optional)]
    form: &'static str,
) -> impl IntoView {
    let length = Length::of(limit, false);
    let error = problem_of(field, problem, length);
    let id = id_of(form, field);
    let text = first_value(field, &initial);
    // The browser makes a text of it, the server HTML.
    let text = if cfg!(feature = "ssr") { escaped(&text) } else { text };
    view! {
        <Around id=id.clone() label help error length>
            <textarea class="textarea" id=id.clone() name=input_name(field) rows=rows required=required
                aria-describedby=described_by(&id, help, length)
                aria-invalid=move || error.get().is_some().then_some("true")>
                {text}
            </textarea>
        </Around>
    }
}

/// HTML swallows a first line break, so one more goes before it.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("\n{escaped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_the_text_area() {
        assert_eq!(escaped("</textarea><script>&amp;"), "\n&lt;/textarea&gt;&lt;script&gt;&amp;amp;");
    }
}
