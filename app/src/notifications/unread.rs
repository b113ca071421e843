use leptos::prelude::*;
use leptos_router::components::A;

use super::queries;
use crate::error::ApiError;

/// The way to the notifications, for the bar. What is unread is read by the frame: a resource that is made inside a `Transition` has another
/// place on the server than in the browser.
pub fn in_the_bar() -> ViewFn {
    let unread = queries::unread();
    ViewFn::from(move || view! { <Unread unread/> })
}

/// The way to the notifications, and how many are unread. A count that can not be read is none: it is in the bar of every page.
#[component]
fn Unread(unread: Resource<Result<i64, ApiError>>) -> impl IntoView {
    let count = move || {
        let count = unread.get()?.ok().filter(|count| *count > 0)?;
        Some(
            view! { " "<span class="badge" data-variant="primary">{count}<span class="sr-only">" unread"</span></span> },
        )
    };
    view! { <A href="/notifications"><span>"Notifications"</span>{count}</A> }
}
