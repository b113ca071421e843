//! Who is signed in, as all pages share it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use leptos_router::NavigateOptions;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_navigate;
use model::Problem;
use model::auth::AuthUser;

use super::api::me;
use crate::cached::{cached, derived};
use crate::error::ApiError;
use crate::ui::{Loading, Refused};

/// The answer to "who am I".
pub type Whoami = Result<Option<AuthUser>, ApiError>;

/// The person that a page below [`ForSignedIn`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser(pub AuthUser);

fn whoami() -> QueryScope<(), Whoami> {
    let stale_time = std::time::Duration::from_secs(60);
    QueryScope::new(|()| me()).with_options(QueryOptions::new().with_stale_time(stale_time))
}

/// Who is signed in, from the query cache.
pub fn current_user() -> Resource<Whoami> {
    cached(whoami(), || ())
}

/// Shows its children to somebody who is signed in and sends everybody else to the login. Who that is gets read again now and then: what
/// people type below stays as long as it is the same person, in the same role.
#[component]
pub fn ForSignedIn(children: ChildrenFn) -> impl IntoView {
    let user = current_user();
    let children = StoredValue::new(children);
    view! { <Transition fallback=|| view! { <Loading/> }><ForThem user children/></Transition> }
}

#[component]
fn ForThem(user: Resource<Whoami>, children: StoredValue<ChildrenFn>) -> impl IntoView {
    let known = derived(move |before: Option<&Option<Whoami>>| {
        let (before, now) = (before.cloned().flatten(), user.get());
        let is_same = match (&before, &now) {
            (Some(Ok(Some(before))), Some(Ok(Some(now)))) => (before.id, before.role) == (now.id, now.role),
            // That nobody could be asked just now says nothing of them.
            (Some(Ok(Some(_))), Some(Err(ApiError(Problem::Unavailable { .. }))) | None) => true,
            _ => false,
        };
        if is_same { before } else { now }
    });
    move || {
        known.get().map(|user| match user {
            Ok(Some(user)) => {
                provide_context(CurrentUser(user));
                children.with_value(|children| children()).into_any()
            }
            Ok(None) => view! { <LogInFirst/> }.into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    }
}

/// The browser follows the redirect of a login before it has forgotten that nobody was signed in, so it asks once more.
#[component]
fn LogInFirst() -> impl IntoView {
    if cfg!(feature = "ssr") {
        return view! { <Redirect path="/login"/> }.into_any();
    }
    let (client, navigate) = (expect_context::<QueryClient>(), use_navigate());
    spawn_local(async move {
        match me().await {
            Ok(Some(_)) => client.invalidate_query_scope(whoami()),
            _ => navigate("/login", NavigateOptions::default()),
        }
    });
    view! { <Loading/> }.into_any()
}
