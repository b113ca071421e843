//! Workers as processes of their own, and how they end.

use model::tasks::TaskStatus;

use crate::support::TestApp;
use crate::support::program::Program;
use crate::support::tasks::{delay, sum};

fn worker(app: &TestApp, settings: &[(&str, &str)]) -> Program {
    Program::start(&["worker"], &[&[("DATABASE_URL", app.database_url.as_str())], settings].concat())
}

#[tokio::test]
async fn the_task_of_a_worker_that_was_killed_is_finished_by_another() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let short_lease = [("STARTER__WORKER__LEASE_SECONDS", "1")];
    let mut first = worker(&app, &short_lease);
    let id = app.queue(&ada, delay(3600)).await;
    app.until(id, TaskStatus::Running).await;
    let second = worker(&app, &short_lease);
    second.says("a worker joined").await;

    first.signal("KILL").await;
    assert!(!first.ends().await.success());
    app.make_short(id).await;

    let done = app.until(id, TaskStatus::Completed).await;
    assert_eq!(done.current_attempt, 1, "a death costs no attempt");
    assert_eq!(done.last_error.as_deref(), Some("The worker died during attempt 1"));
    second.says("took back the tasks of a worker that died").await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_hands_its_task_back() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut worker = worker(&app, &[("STARTER__WORKER__GRACE_SECONDS", "0")]);
    let id = app.queue(&ada, delay(3600)).await;
    app.until(id, TaskStatus::Running).await;

    worker.signal("TERM").await;
    assert!(worker.ends().await.success(), "{}", worker.said());
    let back = app.stored(id).await;
    assert_eq!((back.status, back.current_attempt), (TaskStatus::Pending, 0));
    let workers: i64 = sqlx::query_scalar("select count(*) from workers").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(workers, 0);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_finishes_what_is_nearly_done() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut worker = worker(&app, &[("STARTER__WORKER__GRACE_SECONDS", "30")]);
    let id = app.queue(&ada, delay(1)).await;
    app.until(id, TaskStatus::Running).await;

    worker.signal("TERM").await;
    assert!(worker.ends().await.success(), "{}", worker.said());
    let done = app.stored(id).await;
    assert_eq!((done.status, done.current_attempt), (TaskStatus::Completed, 1));
}

#[tokio::test]
async fn two_workers_share_many_tasks_and_run_each_once() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let _workers = [worker(&app, &[]), worker(&app, &[])];
    let mut queued = Vec::new();
    for number in 0..30 {
        queued.push(app.queue(&ada, sum(&[number])).await);
    }
    for id in queued {
        assert_eq!(app.until(id, TaskStatus::Completed).await.current_attempt, 1);
    }
}
