use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::Problem;
use model::problem::Thing;
use model::tasks::Task;
use uuid::Uuid;

use super::api::CancelTask;
use super::queries;
use super::table::title_of;
use crate::auth::ForSignedIn;
use crate::error::ApiError;
use crate::ui::{Loading, Moment, PriorityBadge, Refusal, Refused, StatusBadge, Values};

/// One task, live.
#[component]
pub fn TaskPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<Uuid>().ok()));
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
    let cancel = ServerAction::<CancelTask>::new();
    let problem = Signal::derive(move || cancel.value().get().and_then(Result::err).map(|error: ApiError| error.0));
    let shown = move || {
        task.get().map(|read| match read {
            Ok(task) => filled(task, cancel).into_any(),
            Err(error) => view! { <Refused problem=error.0/> }.into_any(),
        })
    };
    view! {
        <p><a href="/tasks">"All tasks"</a></p>
        <Refusal problem/>
        <Suspense fallback=|| view! { <Loading/> }>{shown}</Suspense>
    }
}

fn filled(task: Task, cancel: ServerAction<CancelTask>) -> impl IntoView {
    let can_cancel = !task.status.has_ended() && !task.cancel_requested;
    let stopping = task.cancel_requested && !task.status.has_ended();
    view! {
        <article class="stack" aria-live="polite">
            <header class="actions" data-spread="">
                <h1>{title_of(&task.task_type)}" "<StatusBadge status=task.status/></h1>
                {can_cancel.then(|| view! { <Cancel id=task.id cancel/> })}
            </header>
            {stopping.then(|| view! { <p class="notice" data-tone="warn">"The task was told to stop."</p> })}
            {task.last_error.clone().map(|error| view! { <Failure error has_ended=task.status.has_ended()/> })}
            {task.result.clone().map(|result| view! { <Values title="Result" value=result/> })}
            <Facts task=task.clone()/>
            <Values title="Payload" value=task.payload/>
        </article>
    }
}

#[component]
fn Cancel(id: Uuid, cancel: ServerAction<CancelTask>) -> impl IntoView {
    view! {
        <ActionForm action=cancel>
            <input type="hidden" name="id" value=id.to_string()/>
            <button class="btn" data-variant="destructive" type="submit" disabled=move || cancel.pending().get()>"Cancel task"</button>
        </ActionForm>
    }
}

#[component]
fn Failure(error: String, has_ended: bool) -> impl IntoView {
    let title = if has_ended { "Error" } else { "Error of the last attempt" };
    view! {
        <section class="notice" data-tone="error">
            <h2>{title}</h2>
            <p>{error}</p>
        </section>
    }
}

#[component]
fn Facts(task: Task) -> impl IntoView {
    let moment = |label: &'static str, at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| view! { <dt>{label}</dt><dd><Moment at/></dd> })
    };
    view! {
        <section class="panel">
            <h2>"Progress"</h2>
            <dl class="kv">
                <dt>"Id"</dt><dd><code>{task.id.to_string()}</code></dd>
                <dt>"Attempts"</dt><dd>{format!("{} of {}", task.current_attempt, task.max_attempts)}</dd>
                <dt>"Priority"</dt><dd><PriorityBadge priority=task.priority/></dd>
                {moment("Created", Some(task.created_at))}
                {moment("Scheduled for", task.scheduled_at)}
                {moment("Started", task.started_at)}
                {moment("Ended", task.completed_at)}
            </dl>
        </section>
    }
}
