//! The frame around every page.

use leptos::prelude::*;
use leptos_router::components::A;
use model::auth::AuthUser;
use model::rbac::{Action, Relation, allowed};

use crate::auth::{Whoami, current_user};
use crate::palette::Palette;
use crate::tasks::live;
use crate::ui::SaidLate;

/// What everybody has things of: address and words. The palette has them as well.
pub(crate) const FEATURES: &[(&str, &str)] = &[
    // One a line.
    ("/tasks", "Tasks"),
    ("/notes", "Notes"),
];

/// What else features show in the bar of whoever is signed in. Each makes what it reads at once, and its view when it is shown.
const BAR: &[fn() -> ViewFn] = &[
    // One a line.
    crate::notifications::in_the_bar,
];

/// What the browser forgets of somebody who has logged out.
const FORGETTING: &[fn()] = &[
    // One a line.
    crate::notes::forget_drafts,
];

/// Skip link, top bar, the page, and the footer.
#[component]
pub fn Layout(children: Children) -> impl IntoView {
    // Made once for all who read it: resources must be made in the same order on the server and in the browser.
    let user = current_user();
    let bar: Vec<_> = BAR.iter().map(|make| make()).collect();
    live::follow(user);
    view! {
        <a class="skip-link" href="#content">"Skip to the content"</a>
        <header class="topbar">
            <a href="/">"starter"</a>
            <Navigation user bar/>
            <button class="btn" data-variant="ghost" data-size="icon" type="button" data-theme-toggle="" aria-label="Dark mode">"◐"</button>
        </header>
        <Impersonation/>
        <main class="page stack" id="content" tabindex="-1"><SaidLate/>{children()}</main>
        <footer class="footer">
            <a href="/api-docs" rel="external">"REST API"</a>
            <a href="/health" rel="external">"Health"</a>
            <Palette user/>
        </footer>
    }
}

#[component]
fn Navigation(user: Resource<Whoami>, bar: Vec<ViewFn>) -> impl IntoView {
    let links = move || {
        user.get().map(|user| match user {
            Ok(Some(user)) => signed_in(user, &bar).into_any(),
            _ => view! {
                <A href="/login">"Log in"</A>
                <A href="/register">"Register"</A>
            }
            .into_any(),
        })
    };
    view! { <nav aria-label="Main"><Transition>{links}</Transition></nav> }
}

/// Says on every page that an administrator acts as somebody else. Ending it is a plain form, so the next page starts with nothing of them.
#[component]
fn Impersonation() -> impl IntoView {
    let user = current_user();
    let banner = move || {
        let user = user.get().and_then(Result::ok).flatten()?;
        let admin = user.impersonated_by?;
        Some(view! {
            <aside class="notice" data-tone="warn" aria-label="Impersonation">
                <form class="actions" method="post" action="/api/users/end_impersonation">
                    <span>{admin}", you act as "<strong>{user.username}</strong>"."</span>
                    <button class="btn" data-size="sm" type="submit">"End"</button>
                </form>
            </aside>
        })
    };
    view! { <Transition>{banner}</Transition> }
}

/// Logging out is a plain form, so the next page starts with nothing of the last person.
fn signed_in(user: AuthUser, bar: &[ViewFn]) -> impl IntoView + use<> {
    let bar = bar.iter().map(ViewFn::run).collect_view();
    let may = |action: Action| allowed(user.role, action, Relation::Other);
    view! {
        <A href="/dashboard">"Dashboard"</A>
        {FEATURES.iter().map(|(href, label)| view! { <A href=*href exact=true>{*label}</A> }).collect_view()}
        {may(Action::OperateQueue).then(|| view! { <A href="/tasks/overview">"Queue"</A> })}
        {bar}
        {may(Action::ListUsers).then(|| view! { <A href="/users">"Users"</A> })}
        {may(Action::ReadAuditLog).then(|| view! {
            <A href="/admin/audit-log">"Audit log"</A>
            <A href="/admin/permissions">"Permissions"</A>
        })}
        <A href="/account">"Account"</A>
        <form method="post" action="/api/auth/log_out" on:submit=|_| FORGETTING.iter().for_each(|forget| forget())>
            <button class="btn" data-variant="ghost" data-size="sm" type="submit" title=format!("Signed in as {}", user.username)>"Log out"</button>
        </form>
    }
}
