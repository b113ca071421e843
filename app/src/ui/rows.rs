use std::hash::Hash;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::HtmlElement;

/// The rows of a list that is read again while somebody is at it. A row is drawn anew only when its key is another one. What had the focus
/// in a row that is drawn anew, or moves, has it again afterwards, by its id; when it is gone, `or` has it.
#[component]
pub fn Rows<T, K>(
    #[prop(into)] rows: Signal<Vec<T>>,
    key: fn(&T) -> K,
    row: impl Fn(T) -> AnyView + Clone + Send + 'static,
    /// The id of what is there in any case; the page itself when it is not said.
    #[prop(default = "content")]
    or: &'static str,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Eq + Hash + Send + 'static,
{
    let each = move || {
        keep_focus(or);
        rows.get()
    };
    view! { <For each key children=row/> }
}

/// Called before the rows are changed; looks when they are.
fn keep_focus(or: &'static str) {
    if cfg!(feature = "ssr") {
        return;
    }
    let focused = || document().active_element();
    let Some(id) = focused().map(|element| element.id()).filter(|id| !id.is_empty()) else { return };
    request_animation_frame(move || {
        if focused().is_none_or(|element| element.tag_name() == "BODY") {
            let element = document().get_element_by_id(&id).or_else(|| document().get_element_by_id(or));
            let element = element.and_then(|element| element.dyn_into::<HtmlElement>().ok());
            drop(element.map(|element| element.focus()));
        }
    });
}
