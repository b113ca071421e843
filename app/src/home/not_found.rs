use leptos::prelude::*;
use leptos_meta::Title;

/// The page for addresses that lead nowhere.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::ssr::set_status(&model::Problem::NotFound { what: model::problem::Thing::Page });
    view! {
        <Title text="Not found"/>
        <section class="empty">
            <h1>"This page does not exist"</h1>
            <p>"The address may be mistyped, or the page was moved."</p>
            <a class="btn" href="/">"Go to the first page"</a>
        </section>
    }
}
