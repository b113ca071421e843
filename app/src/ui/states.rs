use leptos::prelude::*;
use model::Problem;
use model::problem::Thing;

use crate::auth::confirm_address;

/// Data is on its way.
#[component]
pub fn Loading() -> impl IntoView {
    view! { <div class="skeleton" role="status"><span class="sr-only">"Loading"</span></div> }
}

/// Nothing is there yet, and what to do about it.
#[component]
pub fn Empty(children: Children) -> impl IntoView {
    view! { <div class="empty">{children()}</div> }
}

/// The data was refused or could not be read. A fault of ours names its request, so that the log can be searched for it.
#[component]
pub fn Refused(problem: Problem) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::ssr::set_status(&problem);
    let next = match &problem {
        Problem::PasswordChangeRequired => view! { <a class="btn" href="/account">"Choose a password"</a> }.into_any(),
        Problem::NotSignedIn => view! { <a class="btn" href="/login">"Log in"</a> }.into_any(),
        Problem::ReauthenticationRequired => {
            view! { <a class="btn" href=confirm_address().get_untracked()>"Confirm your password"</a> }.into_any()
        }
        Problem::NotFound { what: Thing::Note } => view! { <a class="btn" href="/notes">"All notes"</a> }.into_any(),
        Problem::NotFound { what: Thing::Task } => view! { <a class="btn" href="/tasks">"All tasks"</a> }.into_any(),
        Problem::NotFound { .. } => view! { <a class="btn" href="/dashboard">"Dashboard"</a> }.into_any(),
        _ => view! { <a class="btn" data-variant="outline" href="">"Try again"</a> }.into_any(),
    };
    view! {
        <div class="empty" role="alert">
            <p>{problem.to_string()}</p>
            {next}
        </div>
    }
}
