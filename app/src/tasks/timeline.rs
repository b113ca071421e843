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

/// What has happened to the task, the oldest first: queued, each attempt and how it failed, the attempt that runs or ran last, the end. The
/// errors have a table of their own.
fn steps(task: &Task) -> Vec<Step> {
    let mut steps = vec![step(task.created_at, "Queued", None, "")];
    if let Some(at) = task.scheduled_at {
        steps.push(step(at, "Asked to start", None, ""));
    }
    // Until when nobody could have begun the next attempt.
    let mut ready_at = task.scheduled_at.map_or(task.created_at, |at| at.max(task.created_at));
    let started = |attempt: i32, at, ready_at| {
        let waited = (at > ready_at).then(|| format!("after {}", between(ready_at, at)));
        step(at, format!("Attempt {attempt} started"), waited, "info")
    };
    for failed in &task.errors {
        steps.extend(failed.started_at.map(|at| started(failed.attempt, at, ready_at)));
        let ran = failed.started_at.map(|from| format!("ran {}", between(from, failed.at)));
        steps.push(step(failed.at, format!("Attempt {} failed", failed.attempt), ran, "error"));
        ready_at = failed.at;
    }
    if let Some(at) = task.started_at.filter(|at| task.errors.is_empty() || *at > ready_at) {
        steps.push(started(task.current_attempt.max(1), at, ready_at));
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn told(task: serde_json::Value) -> Vec<(i64, String, Option<String>)> {
        let mut whole = json!({
            "id": uuid::Uuid::nil(), "task_type": "delay_task", "status": "completed", "priority": "normal", "payload": {}, "metadata": {},
            "max_attempts": 3, "current_attempt": 1, "retry_strategy": "none", "result": null, "progress": null, "last_error": null,
            "errors": [], "dead_reason": null, "cancel_requested": false, "created_by": null, "created_at": at(0), "updated_at": at(0),
            "scheduled_at": null, "started_at": null, "completed_at": null, "next_attempt_at": null,
        });
        whole.as_object_mut().unwrap().extend(task.as_object().unwrap().clone());
        let steps = steps(&serde_json::from_value(whole).unwrap());
        steps.into_iter().map(|step| (step.at.timestamp(), step.what, step.more)).collect()
    }

    fn is(at: i64, what: &str, more: &str) -> (i64, String, Option<String>) {
        (at, what.to_owned(), Some(more.to_owned()).filter(|more| !more.is_empty()))
    }

    #[test]
    fn each_attempt_says_how_long_it_waited_and_ran() {
        let errors = json!([{"attempt": 1, "started_at": at(2), "at": at(5), "error": "no"}]);
        let task = json!({"current_attempt": 2, "errors": errors, "started_at": at(15), "completed_at": at(16)});
        let life = [
            is(0, "Queued", ""),
            is(2, "Attempt 1 started", "after 2 s"),
            is(5, "Attempt 1 failed", "ran 3 s"),
            is(15, "Attempt 2 started", "after 10 s"),
            is(16, "Completed", "ran 1 s"),
        ];
        assert_eq!(told(task), life);
    }

    #[test]
    fn one_that_died_shows_its_only_attempt_and_one_that_runs_has_no_end() {
        let errors = json!([{"attempt": 1, "started_at": at(70), "at": at(71), "error": "no"}]);
        let dead = json!({"status": "failed", "scheduled_at": at(60), "errors": errors, "started_at": at(70), "completed_at": at(71)});
        let life = [
            is(0, "Queued", ""),
            is(60, "Asked to start", ""),
            is(70, "Attempt 1 started", "after 10 s"),
            is(71, "Attempt 1 failed", "ran 1 s"),
            is(71, "Put into the dead letter", ""),
        ];
        assert_eq!(told(dead), life);
        // Its errors were written by a program that did not note the start.
        let errors = json!([{"attempt": 1, "at": at(5), "error": "no"}]);
        let running = json!({"status": "running", "current_attempt": 2, "errors": errors, "started_at": at(6)});
        let life = [is(0, "Queued", ""), is(5, "Attempt 1 failed", ""), is(6, "Attempt 2 started", "after 1 s")];
        assert_eq!(told(running), life);
    }
}
