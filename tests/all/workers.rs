//! Workers as processes of their own, and how they end.

use futures::{StreamExt, stream};
use model::tasks::TaskStatus;
use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::support::program::Program;
use crate::support::tasks::{delay, sum};
use crate::support::{TestApp, within_patience};

/// Tasks that are queued at once.
const MANY: i32 = 200;

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

/// A poll is so far away that only a call wakes the worker.
const NEVER_POLLS: (&str, &str) = ("STARTER__WORKER__POLL_INTERVAL_MS", "3600000");

/// Sessions of the database whose last statement was to listen.
async fn listeners(app: &TestApp) -> Vec<i32> {
    let pids = "select pid from pg_stat_activity where datname = current_database() and query ilike 'listen %'";
    sqlx::query_scalar(pids).fetch_all(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn a_worker_elsewhere_is_called_also_for_what_was_queued_while_its_connection_was_lost() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let worker = worker(&app, &[NEVER_POLLS]);
    worker.says("a worker joined").await;
    let called = app.queue(&ada, sum(&[1])).await;
    app.until(called, TaskStatus::Completed).await;

    let pids = listeners(&app).await;
    assert!(!pids.is_empty());
    // Every listener is gone when the task is queued, so nobody hears the call for it.
    sqlx::query("select pg_terminate_backend(pid, 5000) from unnest($1::int[]) as pid")
        .bind(&pids)
        .execute(&app.app.db)
        .await
        .unwrap();
    let unheard = app.queue(&ada, sum(&[2])).await;
    app.until(unheard, TaskStatus::Completed).await;
}

#[tokio::test]
async fn many_calls_for_work_at_once_are_told_in_a_few() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut listener = PgListener::connect_with(&app.app.db).await.unwrap();
    listener.listen_all(["task_ready", "that_was_all"]).await.unwrap();
    let queued = stream::iter(0..MANY).map(|number| app.queue(&ada, sum(&[number]))).buffer_unordered(8);
    assert_eq!(queued.count().await, MANY as usize);
    app.leaves_tasks(MANY.into());
    sqlx::query("notify that_was_all").execute(&app.app.db).await.unwrap();
    let mut calls = 0;
    while listener.recv().await.unwrap().channel() == "task_ready" {
        calls += 1;
    }
    assert!((1..MANY / 2).contains(&calls), "{calls} calls for {MANY} tasks");
}

/// Looks again and again: a worker without notifications tells nobody, so there is no change to wait for.
async fn until_seen(app: &TestApp, id: Uuid, status: TaskStatus) {
    within_patience(status.name(), async { while app.stored(id).await.status != status {} }).await;
}

#[tokio::test]
async fn without_notifications_a_worker_polls() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let before = listeners(&app).await;
    let polls = ("STARTER__WORKER__POLL_INTERVAL_MS", "20");
    let worker = worker(&app, &[("STARTER__DATABASE__NOTIFICATIONS", "false"), polls]);
    worker.says("a worker joined").await;
    for number in 0..3 {
        let id = app.queue(&ada, sum(&[number])).await;
        until_seen(&app, id, TaskStatus::Completed).await;
    }
    assert_eq!(listeners(&app).await, before, "behind a pooler nobody may listen");
}

#[tokio::test]
async fn a_task_that_runs_elsewhere_is_cancelled_by_a_call() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    // It would see the wish by itself only at the next renewal of its lease.
    let _worker = worker(&app, &[("STARTER__WORKER__LEASE_SECONDS", "3600")]);
    let id = app.queue(&ada, delay(3600)).await;
    app.until(id, TaskStatus::Running).await;
    app.cancel(&ada, id).await.data();
    assert_eq!(app.until(id, TaskStatus::Cancelled).await.current_attempt, 1);
}

#[tokio::test]
async fn without_notifications_a_task_that_runs_elsewhere_is_cancelled_when_the_lease_is_renewed() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let settings = [("STARTER__DATABASE__NOTIFICATIONS", "false"), ("STARTER__WORKER__LEASE_SECONDS", "3")];
    let _worker = worker(&app, &settings);
    let id = app.queue(&ada, delay(3600)).await;
    until_seen(&app, id, TaskStatus::Running).await;
    app.cancel(&ada, id).await.data();
    until_seen(&app, id, TaskStatus::Cancelled).await;
}

#[tokio::test]
async fn a_worker_that_cannot_renew_its_lease_stops_its_tasks_by_itself() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let worker = worker(&app, &[("STARTER__WORKER__LEASE_SECONDS", "2")]);
    let id = app.queue(&ada, delay(3600)).await;
    app.until(id, TaskStatus::Running).await;
    // Whoever looks after the dead passes over a row that somebody holds, so nobody else declares it dead.
    let mut holding = server::db::begin(&app.app.db).await.unwrap();
    sqlx::query("select from workers for update").execute(&mut *holding).await.unwrap();
    worker.says("the lease could not be renewed; stopping its tasks").await;
    app.make_short(id).await;
    holding.rollback().await.unwrap();
    assert_eq!(app.until(id, TaskStatus::Completed).await.current_attempt, 1, "it joined anew and began again");
}
