use leptos::prelude::*;
use model::tasks::{Priority, TaskStatus};

/// Where a task stands; by word as well as by colour.
#[component]
pub fn StatusBadge(status: TaskStatus) -> impl IntoView {
    view! { <span class="status" data-status=status.name()>{status.name()}</span> }
}

/// How urgent a task is.
#[component]
pub fn PriorityBadge(priority: Priority) -> impl IntoView {
    view! { <span class="badge" data-variant="outline" data-priority=priority.name()>{priority.name()}</span> }
}
