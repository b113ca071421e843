use chrono::{DateTime, Utc};
use leptos::prelude::*;
use model::tasks::{Task, TaskStatus};

use crate::ui::{Moment, duration};

/// One step in the life of a task.
struct Step {
    at: DateTime<Utc>,
    what: String,
    /// How long something took.
    more: Option<String>,
    tone: &'static str,
}

fn step(at: DateTime<Utc>, what: impl Into<String>, more: Option<String>, tone: &'static str) -> Step {
    Step { at, what: what.into(), more, tone }
}

/// Seconds between two moments, in words.
fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    duration((to - from).num_milliseconds() as f64 / 1000.0)
}

/// What has happened to the task, the oldest first: queued, each attempt that failed, the attempt that runs or ran last, the end. The errors have
/// a table of their own.
fn steps(task: &Task) -> Vec<Step> {
    let mut steps = vec![step(task.created_at, "Queued", None, "")];
    if let Some(at) = task.scheduled_at {
        steps.push(step(at, "Asked to start", None, ""));
    }
    for failed in &task.errors {
        steps.push(step(failed.at, format!("Attempt {} failed", failed.attempt), None, "error"));
    }
    let last_failure = task.errors.last().map(|last| last.at);
    if let Some(at) = task.started_at.filter(|at| last_failure.is_none_or(|failed| *at > failed)) {
        let ready_at = last_failure.or(task.scheduled_at).unwrap_or(task.created_at);
        let waited = format!("after {}", between(ready_at, at));
        steps.push(step(at, format!("Attempt {} started", task.current_attempt.max(1)), Some(waited), "info"));
    }
    if let Some(at) = task.completed_at {
        let ran = task.started_at.filter(|_| task.status == TaskStatus::Completed);
        let ran = ran.map(|from| format!("ran {}", between(from, at)));
        let (what, tone) = match task.status {
            TaskStatus::Completed => ("Completed", "success"),
            TaskStatus::Cancelled => ("Cancelled", ""),
            _ => ("Put into the dead letter", "error"),
        };
        steps.push(step(at, what, ran, tone));
    }
    // The clock of whoever asked for a start may be another one, and a replay keeps the old errors.
    steps.sort_by_key(|step| step.at);
    steps
}

/// The life of the task.
pub(super) fn timeline(task: &Task) -> AnyView {
    let row = |step: Step| {
        view! {
            <li data-tone=step.tone>
                <strong>{step.what}</strong>" "<Moment at=step.at/>
                {step.more.map(|more| view! { <p>{more}</p> })}
            </li>
        }
    };
    let rows = steps(task).into_iter().map(row).collect_view();
    view! {
        <section class="panel">
            <h2>"What happened"</h2>
            <ol class="timeline">{rows}</ol>
        </section>
    }
    .into_any()
}
