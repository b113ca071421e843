use leptos::prelude::*;

/// The way to the first and the next part of a list, as links that also work without JavaScript.
#[component]
pub fn Pager(
    /// How many rows match in all, in words.
    total: String,
    /// The address of the first part, unless it is shown.
    first: Option<String>,
    /// The address of the next part, if there is one.
    next: Option<String>,
) -> impl IntoView {
    view! {
        <nav class="pager" aria-label="Pages">
            <span>{total}</span>
            <span class="actions">
                {first.map(|href| view! { <a class="btn" data-variant="outline" href=href>"Newest"</a> })}
                {next.map(|href| view! { <a class="btn" data-variant="outline" rel="next" href=href>"Older"</a> })}
            </span>
        </nav>
    }
}
