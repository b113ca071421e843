use leptos::prelude::*;
use leptos_meta::Title;

/// A page that says that something was done, and leads on.
#[component]
pub(super) fn Told(
    heading: &'static str,
    words: &'static str,
    href: &'static str,
    link: &'static str,
) -> impl IntoView {
    view! {
        <Title text=heading/>
        <section class="narrow">
            <h1>{heading}</h1>
            <div class="panel stack">
                <p role="status">{words}</p>
                <a class="btn" href=href>{link}</a>
            </div>
        </section>
    }
}
