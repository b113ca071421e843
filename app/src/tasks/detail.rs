use leptos::prelude::*;
use leptos_meta::Title;
use model::Problem;
use model::problem::Thing;
use model::rbac::{Action, Relation, allowed};
use model::tasks::{Origin, Progress, Task, TaskKind, TaskNamed, TaskSeen, TaskStatus};
use uuid::Uuid;

use super::actions::{Actions, Buttons};
use super::deliveries::Deliveries;
use super::failures::{DeadLetter, FailedAttempts};
use super::queries;
use super::results::ResultView;
use super::table::{owner_of, title_of};
use super::timeline::timeline;
use crate::auth::{CurrentUser, ForSignedIn};
use crate::ui::{Loading, Moment, PriorityBadge, Refusal, Refused, StatusBadge, Values, id_in_address};

/// One task, live.
#[component]
pub fn TaskPage() -> impl IntoView {
    let id = id_in_address();
    let shown = move || match id.get() {
        Some(id) => view! { <Detail id/> }.into_any(),
        None => view! { <Refused problem=Problem::NotFound { what: Thing::Task }/> }.into_any(),
    };
    view! {
        <Title text="Task"/>
        <ForSignedIn>{shown}</ForSignedIn>
    }
}

#[component]
fn Detail(id: Uuid) -> impl IntoView {
    let task = queries::one(move || id);
    let actions = Actions::new();
    actions.keep_current(id);
    let shown = move || {
        task.get().map(|read| match read {
            Ok(seen) => filled(seen, actions).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href="/tasks">"All tasks"</a></p>
        <Refusal problem=Memo::new(move |_| actions.problem())/>
        <Transition fallback=|| view! { <Loading/> }>{shown}</Transition>
        <Deliveries id/>
    }
}

fn filled(TaskSeen { task, owner, related, origin }: TaskSeen, actions: Actions) -> impl IntoView {
    let stopping = task.cancel_requested && !task.status.has_ended();
    let is_for_people = TaskKind::by_name(&task.task_type).is_some();
    let is_waiting = task.next_attempt_at.is_some();
    let progress = task.progress.clone().filter(|_| task.status == TaskStatus::Running);
    view! {
        <article class="stack" aria-live="polite">
            <header class="actions" data-spread="">
                <h1>{title_of(&task.task_type)}" "<StatusBadge status=task.status/></h1>
                <Buttons id=task.id status=task.status is_told=task.cancel_requested is_waiting is_for_people actions/>
            </header>
            {stopping.then(|| view! { <p class="notice" data-tone="warn">"The task was told to stop."</p> })}
            {progress.map(|progress| view! { <Percent progress/> })}
            {task.dead_reason.map(|reason| view! { <DeadLetter reason/> })}
            {(!task.errors.is_empty()).then(|| view! { <FailedAttempts errors=task.errors.clone()/> })}
            {task.result.clone().map(|result| view! { <ResultView id=task.id task_type=task.task_type.clone() result/> })}
            {timeline(&task)}
            {bound("Comes after", related.comes_after)}
            {bound("Followed by", related.followed_by)}
            <Facts task=task.clone() owner origin/>
            <Values title="Payload" value=task.payload/>
        </article>
    }
}

#[component]
fn Percent(progress: Progress) -> impl IntoView {
    let percent = format!("{:.0} %", progress.percent);
    view! {
        <section class="panel">
            <h2>"Progress"</h2>
            <progress class="progress" max="100" value=progress.percent.to_string() aria-label="Progress">{percent.clone()}</progress>
            <p>{percent}{progress.message.map(|message| format!(" · {message}"))}</p>
        </section>
    }
}

#[component]
fn Facts(task: Task, owner: Option<String>, origin: Option<Origin>) -> impl IntoView {
    let moment = |label: &'static str, at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| view! { <dt>{label}</dt><dd><Moment at/></dd> })
    };
    let CurrentUser(user) = expect_context();
    let sees_others = allowed(user.role, Action::ReadTask, Relation::Other);
    let owner = sees_others.then(|| view! { <dt>"Owner"</dt><dd>{owner_of(&task, owner)}</dd> });
    let origin = origin.map(|Origin { title, address }| {
        view! { <dt>"Made by"</dt><dd><a href=address>{title}</a></dd> }
    });
    view! {
        <section class="panel">
            <h2>"Details"</h2>
            <dl class="kv">
                <dt>"Id"</dt><dd><code>{task.id.to_string()}</code></dd>
                <dt>"Attempts"</dt><dd>{format!("{} of {}", task.current_attempt, task.max_attempts)}</dd>
                <dt>"Priority"</dt><dd><PriorityBadge priority=task.priority/></dd>
                {owner}
                {origin}
                {moment("Created", Some(task.created_at))}
                {moment("Scheduled for", task.scheduled_at)}
                {moment("Next attempt", task.next_attempt_at.filter(|at| task.scheduled_at != Some(*at)))}
                {moment("Started", task.started_at)}
                {moment("Ended", task.completed_at)}
            </dl>
        </section>
    }
}

/// Other tasks of its chain or batch.
fn bound(title: &'static str, tasks: Vec<TaskNamed>) -> Option<AnyView> {
    let row = |task: TaskNamed| {
        view! { <li><a href=format!("/tasks/{}", task.id)>{title_of(&task.task_type)}</a>" "<StatusBadge status=task.status/></li> }
    };
    (!tasks.is_empty()).then(|| {
        let rows = tasks.into_iter().map(row).collect_view();
        view! { <section class="panel"><h2>{title}</h2><ul class="names">{rows}</ul></section> }.into_any()
    })
}
