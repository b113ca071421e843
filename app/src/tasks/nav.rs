use leptos::prelude::*;
use model::rbac::{Action, Relation, allowed};

use crate::auth::CurrentUser;

/// The head of the pages that show many tasks, with the ways between them.
pub(super) fn nav(title: &'static str, current: &'static str) -> AnyView {
    let CurrentUser(user) = expect_context();
    let is_operator = allowed(user.role, Action::OperateQueue, Relation::Other);
    let link = |href: &'static str, words: &'static str| {
        view! { <a href=href aria-current=(href == current).then_some("page")>{words}</a> }
    };
    view! {
        <header class="actions" data-spread="">
            <h1>{title}</h1>
            <a class="btn" href="/tasks/new">"New task"</a>
        </header>
        <nav class="tabs" aria-label="Tasks">
            {link("/tasks", "All tasks")}
            {link("/tasks/dead", "Dead letter")}
            {is_operator.then(|| link("/tasks/overview", "Queue"))}
        </nav>
    }
    .into_any()
}
