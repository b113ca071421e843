use leptos::prelude::*;
use model::tasks::{Task, TaskKind};

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

/// Tasks as rows; on a phone each row is a card. A row is drawn anew only when its task has changed, so a link keeps the focus.
#[component]
pub fn TaskTable(#[prop(into)] tasks: Signal<Vec<Task>>) -> impl IntoView {
    let key = |task: &Task| (task.id, task.status, task.current_attempt);
    view! {
        <table class="data-table">
            <thead>
                <tr>
                    <th scope="col">"Task"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Priority"</th>
                    <th scope="col">"Attempts"</th>
                    <th scope="col">"Created"</th>
                </tr>
            </thead>
            <tbody><Rows rows=tasks key row/></tbody>
        </table>
    }
}

fn row(task: Task) -> AnyView {
    view! {
        <tr>
            <td data-label="Task"><a id=format!("task-{}", task.id) href=format!("/tasks/{}", task.id)>{title_of(&task.task_type)}</a></td>
            <td data-label="State"><StatusBadge status=task.status/></td>
            <td data-label="Priority"><PriorityBadge priority=task.priority/></td>
            <td data-label="Attempts">{format!("{} of {}", task.current_attempt, task.max_attempts)}</td>
            <td data-label="Created"><Moment at=task.created_at/></td>
        </tr>
    }
    .into_any()
}
