use leptos::prelude::*;
use leptos_meta::Title;
use model::PageRequest;
use model::tasks::{TaskFilter, TaskStats, TaskStatus};

use crate::auth::{CurrentUser, ForSignedIn, UnverifiedNotice};
use crate::tasks::{Column, TaskTable, queries};
use crate::ui::{Empty, Loading, Refused};

/// How many tasks the dashboard lists.
const LATEST: i64 = 5;

/// What the signed-in person sees first.
#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <Title text="Dashboard"/>
        <ForSignedIn>
            <Greeting/>
            <UnverifiedNotice/>
            <Figures/>
            <Latest/>
        </ForSignedIn>
    }
}

#[component]
fn Greeting() -> impl IntoView {
    let CurrentUser(user) = expect_context();
    view! {
        <header class="actions" data-spread="">
            <div>
                <h1>"Hello, "{user.username}</h1>
                <p class="field-help">"Signed in as "{user.email}", role "{user.role.name()}</p>
            </div>
            <a class="btn" href="/tasks/new">"New task"</a>
        </header>
    }
}

#[component]
fn Figures() -> impl IntoView {
    let overview = queries::overview();
    view! {
        <Transition fallback=|| view! { <Loading/> }>
            {move || overview.get().map(|read| match read {
                Ok(stats) => figures(&stats).into_any(),
                Err(error) => view! { <Refused problem=error.0/> }.into_any(),
            })}
        </Transition>
    }
}

fn figures(stats: &TaskStats) -> impl IntoView + use<> {
    let figure = |status: TaskStatus, count: i64| {
        let href = format!("/tasks?status={}", status.name());
        view! {
            <a class="stat" href=href>
                <span>{status.name()}</span>
                <strong>{count}</strong>
            </a>
        }
    };
    view! {
        <section class="grid-cards" data-small="" aria-label="Tasks by state">
            {figure(TaskStatus::Pending, stats.pending)}
            {figure(TaskStatus::Running, stats.running)}
            {figure(TaskStatus::Retrying, stats.retrying)}
            {figure(TaskStatus::Completed, stats.completed)}
            {figure(TaskStatus::Failed, stats.failed)}
            {figure(TaskStatus::Cancelled, stats.cancelled)}
        </section>
    }
}

#[component]
fn Latest() -> impl IntoView {
    let CurrentUser(user) = expect_context();
    let latest = queries::list(|| (TaskFilter::default(), PageRequest { limit: Some(LATEST), ..Default::default() }));
    let shown = move || {
        latest.get().map(|read| match read {
            Ok(page) if page.items.is_empty() => view! { <FirstTask/> }.into_any(),
            Ok(page) => view! { <TaskTable tasks=page.items columns=Column::standard(user.role)/> }.into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <section class="stack">
            <h2>"Latest tasks"</h2>
            <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
        </section>
    }
}

#[component]
fn FirstTask() -> impl IntoView {
    view! {
        <Empty>
            <p>"No task yet. Queue one and watch a worker run it."</p>
            <a class="btn" href="/tasks/new">"Queue your first task"</a>
        </Empty>
    }
}
