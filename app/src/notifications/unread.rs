use leptos::prelude::*;
use leptos_router::components::A;

use super::queries;

/// The way to the notifications, and how many are unread. A count that can not be read is none: it is in the bar of every page.
#[component]
pub fn Unread() -> impl IntoView {
    let unread = queries::unread();
    let count = move || {
        let count = unread.get()?.ok().filter(|count| *count > 0)?;
        Some(
            view! { " "<span class="badge" data-variant="primary">{count}<span class="sr-only">" unread"</span></span> },
        )
    };
    view! { <A href="/notifications">"Notifications"<Suspense>{count}</Suspense></A> }
}
