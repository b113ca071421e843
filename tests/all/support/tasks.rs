//! What people and workers do with tasks, and how tests move the rows.

use std::time::Duration;

use model::tasks::{Task, TaskStatus};
use serde_json::{Value, json};
use server::tasks::{queue, testing};
use uuid::Uuid;

use super::{Person, TestApp, id_of, within_patience};

pub const BULK: &str = "/api/v1/tasks/bulk";

/// A task that waits for this many seconds.
pub fn delay(seconds: u32) -> Value {
    json!({"task_type": "delay_task", "payload": {"delay_seconds": seconds}})
}

/// A task that adds numbers up.
pub fn sum(numbers: &[i32]) -> Value {
    json!({"task_type": "data_processing", "payload": {"operation": "sum", "data": numbers}})
}

/// The same task, for the same time tomorrow.
pub fn tomorrow(mut new: Value) -> Value {
    new["scheduled_at"] = json!(chrono::Utc::now() + chrono::TimeDelta::days(1));
    new
}

impl TestApp {
    pub async fn queue(&self, person: &Person, new: Value) -> Uuid {
        id_of(&self.post(person, "/api/v1/tasks", new).await.data())
    }

    pub async fn cancel(&self, person: &Person, id: Uuid) -> super::Answer {
        self.post(person, &format!("/api/v1/tasks/{id}/cancel"), json!({})).await
    }

    /// The task as the person sees it.
    pub async fn task(&self, person: &Person, id: Uuid) -> Value {
        self.get(person, &format!("/api/v1/tasks/{id}")).await.data()
    }

    /// The task as it is stored.
    pub async fn stored(&self, id: Uuid) -> Task {
        queue::get(&self.app.db, id, None).await.expect("the database answers").expect("there is such a task")
    }

    /// Runs what is due; the answer is how many attempts were made.
    pub async fn work(&self) -> usize {
        within_patience("the work is done", testing::work_off(&self.app)).await.expect("the work is done")
    }

    /// Asks for an action on many tasks and runs the task that does it, but nothing that it makes ready; the answer is what that has said.
    pub async fn act_on_many(&self, person: &Person, wish: Value) -> Value {
        let asked = self.post(person, BULK, wish).await.data();
        let ran = testing::run_one(&self.app).await.expect("the database answers").expect("the task is ready");
        assert_eq!(json!(ran.id), asked["task_id"], "{ran:?}");
        ran.result.clone().unwrap_or_else(|| panic!("{ran:?}"))
    }

    /// Waits until the task stands there.
    pub async fn until(&self, id: Uuid, status: TaskStatus) -> Task {
        let mut changes = self.app.live.subscribe();
        within_patience(status.name(), async {
            loop {
                let task = self.stored(id).await;
                if task.status == status {
                    return task;
                }
                assert!(!task.status.has_ended(), "not {status:?}: {task:?}");
                drop(changes.recv().await);
            }
        })
        .await
    }

    /// Lets time pass for the queue.
    pub async fn pass_time(&self, time: Duration) {
        testing::pass_time(&self.app, time).await.expect("the rows are moved");
    }

    /// Makes the wait of a delay task nothing.
    pub async fn make_short(&self, id: Uuid) {
        self.change(id, r#"update tasks set payload = '{"delay_seconds": 0}' where id = $1"#).await;
    }

    /// Moves the end of this one lease into the past.
    pub async fn let_lapse(&self, worker: i64) {
        let lapsed = "update workers set lease_until = now() - interval '1 second' where id = $1";
        let done = sqlx::query(lapsed).bind(worker).execute(&self.app.db).await.expect("the row is moved");
        assert_eq!(done.rows_affected(), 1);
    }

    /// Asks for a replay from the dead letter.
    pub async fn retry(&self, person: &Person, id: Uuid) -> super::Answer {
        self.post(person, &format!("/api/v1/tasks/{id}/retry"), json!({})).await
    }

    /// The words of each failed attempt.
    pub async fn errors(&self, id: Uuid) -> Vec<String> {
        self.stored(id).await.errors.into_iter().map(|error| error.error).collect()
    }

    /// Moves one row.
    pub async fn change(&self, id: Uuid, statement: &'static str) {
        let done = sqlx::query(statement).bind(id).execute(&self.app.db).await.expect("the row is moved");
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }
}
