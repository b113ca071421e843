use chrono::{DateTime, Utc};
use leptos::prelude::*;
use model::tasks::{Task, TaskKind, TaskListed, TaskStatus};

use super::actions::{Actions, Again};
use super::columns::Column;
use crate::ui::{Moment, PriorityBadge, Rows, StatusBadge};

/// The words for a type; a type that this build does not know keeps its name.
pub(super) fn title_of(task_type: &str) -> String {
    match (TaskKind::by_name(task_type), task_type) {
        (Some(kind), _) => kind.title(),
        (None, "bulk") => "Many tasks at once",
        (None, "maintenance") => "Maintenance",
        (None, other) => other,
    }
    .to_owned()
}

/// Tasks as rows; on a phone each row is a card. A row stays while its task changes; only what is different is drawn anew.
#[component]
pub fn TaskTable(
    #[prop(into)] tasks: Signal<Vec<TaskListed>>,
    columns: Vec<Column>,
    /// What is done from a row.
    #[prop(optional_no_strip)]
    actions: Option<Actions>,
) -> impl IntoView {
    let heads = columns.iter().map(|column| view! { <th scope="col">{column.title()}</th> }).collect_view();
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Task"</th>
                    {heads}
                    {actions.map(|_| view! { <th scope="col">"What to do"</th> })}
                </tr>
            </thead>
            <tbody><Rows rows=tasks key=|listed| listed.task.id row=move |listed| row(tasks, &columns, actions, listed)/></tbody>
        </table>
    }
}

/// What changes while a task is looked at.
#[derive(Clone, PartialEq)]
struct Changing {
    status: TaskStatus,
    attempts: (i32, i32),
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    error: Option<String>,
    /// For its start or its next attempt.
    is_waiting: bool,
}

impl Changing {
    fn of(task: &Task) -> Self {
        Self {
            status: task.status,
            attempts: (task.current_attempt, task.max_attempts),
            started_at: task.started_at,
            ended_at: task.completed_at,
            error: task.last_error.clone(),
            is_waiting: task.next_attempt_at.is_some(),
        }
    }
}

fn row(
    tasks: Signal<Vec<TaskListed>>,
    columns: &[Column],
    actions: Option<Actions>,
    TaskListed { task, owner }: TaskListed,
) -> AnyView {
    let (id, first) = (task.id, Changing::of(&task));
    let now = Memo::new(move |_| {
        let found =
            |tasks: &Vec<TaskListed>| tasks.iter().find(|one| one.task.id == id).map(|one| Changing::of(&one.task));
        tasks.with(found).unwrap_or_else(|| first.clone())
    });
    let cell = |column: &Column| {
        let content = match column {
            Column::State => (move || view! { <StatusBadge status=now.get().status/> }).into_any(),
            Column::Priority => view! { <PriorityBadge priority=task.priority/> }.into_any(),
            Column::Attempts => {
                (move || now.with(|now| format!("{} of {}", now.attempts.0, now.attempts.1))).into_any()
            }
            Column::Owner => owner_of(&task, owner.clone()),
            Column::Created => view! { <Moment at=task.created_at/> }.into_any(),
            Column::Started => (move || now.get().started_at.map(|at| view! { <Moment at/> })).into_any(),
            Column::Ended => (move || now.get().ended_at.map(|at| view! { <Moment at/> })).into_any(),
            Column::Error => (move || now.get().error).into_any(),
        };
        view! { <td data-label=column.title()>{content}</td> }
    };
    let title = title_of(&task.task_type);
    let act = actions.map(|actions| {
        let (of, state) = (title.clone(), Memo::new(move |_| now.with(|now| (now.status, now.is_waiting))));
        let again = move || {
            let (status, is_waiting) = state.get();
            view! { <Again id status is_waiting of=of.clone() actions/> }
        };
        view! { <td>{again}</td> }
    });
    view! {
        <tr>
            <td data-label="Task"><a id=format!("task-{id}") href=format!("/tasks/{id}")>{title}</a></td>
            {columns.iter().map(cell).collect_view()}
            {act}
        </tr>
    }
    .into_any()
}

/// Nobody owns what the program itself has queued.
pub(super) fn owner_of(task: &Task, name: Option<String>) -> AnyView {
    match (task.created_by, name) {
        (Some(id), Some(name)) => view! { <a href=format!("/users/{id}")>{name}</a> }.into_any(),
        (Some(_), None) => "somebody".into_any(),
        (None, _) => "the program".into_any(),
    }
}
