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

/// Tasks as rows; on a phone each row is a card. A row stays while its task changes; only what is different is drawn anew.
#[component]
pub fn TaskTable(#[prop(into)] tasks: Signal<Vec<Task>>) -> impl IntoView {
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
            <tbody><Rows rows=tasks key=|task| task.id row=move |task| row(tasks, &task)/></tbody>
        </table>
    }
}

fn row(tasks: Signal<Vec<Task>>, task: &Task) -> AnyView {
    let of = |task: &Task| (task.status, task.current_attempt, task.max_attempts);
    let (id, first) = (task.id, of(task));
    let now = Memo::new(move |_| tasks.with(|tasks| tasks.iter().find(|one| one.id == id).map_or(first, of)));
    view! {
        <tr>
            <td data-label="Task"><a id=format!("task-{id}") href=format!("/tasks/{id}")>{title_of(&task.task_type)}</a></td>
            <td data-label="State">{move || view! { <StatusBadge status=now.get().0/> }}</td>
            <td data-label="Priority"><PriorityBadge priority=task.priority/></td>
            <td data-label="Attempts">{move || format!("{} of {}", now.get().1, now.get().2)}</td>
            <td data-label="Created"><Moment at=task.created_at/></td>
        </tr>
    }
    .into_any()
}
