//! Quick tasks are claimed ahead of the places of a worker: what that saves, and that nobody is worse off for it.

use model::tasks::{RetryStrategy, Task, TaskStatus};
use serde_json::json;
use server::tasks::kinds::{BreakerPolicy, Policy};
use server::tasks::worker;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::kinds::Step::{self, Heed, Ok};
use crate::support::kinds::{script, scripted};
use crate::support::{Person, TestApp, within_patience};

/// A server with a worker of two places that has seen that scripts are quick.
async fn quick_app() -> (TestApp, Person, JoinHandle<()>) {
    quick_app_with(Policy::default()).await
}

async fn quick_app_with(policy: Policy) -> (TestApp, Person, JoinHandle<()>) {
    let app = TestApp::with_kinds(scripted(policy), |config| {
        config.worker.concurrency = 2;
        config.worker.grace_seconds = 0;
    })
    .await;
    let ada = app.register("Ada").await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    all(&app, &queue(&app, &ada, 5, Ok).await, TaskStatus::Completed).await;
    (app, ada, worker)
}

/// Queues them in one transaction.
async fn queue(app: &TestApp, person: &Person, count: usize, step: Step) -> Vec<Uuid> {
    let tasks = vec![script(&[step]); count];
    let queued = app.post(person, "/api/v1/tasks/batch", json!({"tasks": tasks})).await.json();
    serde_json::from_value(queued["data"]["ids"].clone()).unwrap()
}

async fn all(app: &TestApp, ids: &[Uuid], status: TaskStatus) -> Vec<Task> {
    let mut tasks = Vec::new();
    for id in ids {
        tasks.push(app.until(*id, status).await);
    }
    tasks
}

#[tokio::test]
async fn many_quick_tasks_cost_few_claims() {
    let (app, ada, worker) = quick_app().await;
    let tasks = all(&app, &queue(&app, &ada, 500, Ok).await, TaskStatus::Completed).await;
    let mut claims: Vec<_> = tasks.iter().map(|task| task.started_at).collect();
    claims.sort_unstable();
    claims.dedup();
    assert!(claims.len() < 20, "{} claims", claims.len());
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
}

#[tokio::test]
async fn a_task_that_waits_in_a_worker_is_cancelled_at_once_and_handed_back_when_the_worker_ends() {
    let (app, ada, worker) = quick_app().await;
    let ids = queue(&app, &ada, 20, Heed).await;
    // The two that run do not end, so the others wait in the worker.
    all(&app, &ids, TaskStatus::Running).await;
    app.cancel(&ada, ids[19]).await;
    app.until(ids[19], TaskStatus::Cancelled).await;

    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    for task in all(&app, &ids[..19], TaskStatus::Pending).await {
        assert_eq!(task.current_attempt, 0);
    }
    app.leaves_tasks(19);
}

#[tokio::test]
async fn what_waits_in_a_worker_whose_tasks_got_slow_goes_back_to_the_queue() {
    let (app, ada, worker) = quick_app().await;
    let ids = queue(&app, &ada, 20, Heed).await;
    all(&app, &ids, TaskStatus::Running).await;
    for task in all(&app, &ids[2..], TaskStatus::Pending).await {
        assert_eq!(task.current_attempt, 0);
    }
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(20);
}

/// Waits until nothing runs, then tells how many of these have not been tried.
async fn untried(app: &TestApp, ids: &[Uuid]) -> i64 {
    let running = "select count(*) from tasks where worker_id is not null";
    within_patience("nothing runs", async {
        while sqlx::query_scalar::<_, i64>(running).fetch_one(&app.app.db).await.unwrap() > 0 {}
    })
    .await;
    let mut untried = 0;
    for id in ids {
        let task = app.stored(*id).await;
        untried += i64::from(task.status == TaskStatus::Pending && task.current_attempt == 0);
    }
    untried
}

#[tokio::test]
async fn a_breaker_that_opens_keeps_the_attempts_of_what_waits_in_a_worker() {
    let breaker = BreakerPolicy { failures: 3, ..BreakerPolicy::default() };
    let retry = RetryStrategy::Fixed { interval: 86_400.0, max_attempts: 9 };
    let (app, ada, worker) = quick_app_with(Policy { retry, breaker: Some(breaker), ..Policy::default() }).await;
    let ids = queue(&app, &ada, 500, Step::RetryLater).await;
    app.until(ids[0], TaskStatus::Retrying).await;
    let untried = untried(&app, &ids).await;
    assert!(untried > 350, "only {untried} of 500 keep their attempt");
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(500);
}
