//! The queue itself: who gets what, and that nobody settles what is not theirs any more.

use std::time::Duration;

use model::tasks::{TaskKind, TaskStatus};
use serde_json::{Value, json};
use server::tasks::queue::{self, Claimed, Outcome};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::tasks::{delay, sum};

/// Longer than any test takes.
const LEASE: Duration = Duration::from_secs(3600);

async fn join(app: &TestApp) -> Uuid {
    let worker = Uuid::now_v7();
    queue::join(&app.app.db, worker, LEASE).await.unwrap();
    worker
}

async fn claim(app: &TestApp, worker: Uuid, limit: i64) -> Vec<Claimed> {
    let types = TaskKind::ALL.map(|kind| kind.name().to_owned());
    queue::claim(&app.app.db, worker, &types, limit).await.unwrap()
}

async fn claim_one(app: &TestApp, worker: Uuid) -> Claimed {
    let mut claimed = claim(app, worker, 10).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

async fn settle(app: &TestApp, worker: Uuid, claimed: &Claimed, outcome: Outcome) -> bool {
    queue::settle(&app.app.db, worker, claimed, &outcome).await.unwrap()
}

fn completed() -> Outcome {
    Outcome::Completed(json!({"done": true}))
}

fn with_attempts(mut new: Value, attempts: i32) -> Value {
    new["retry_strategy"] = json!({"fixed": {"interval": 60, "max_attempts": attempts}});
    new
}

/// Lets the worker die: its lease lapses and the others take its tasks back.
async fn die(app: &TestApp, worker: Uuid) -> u64 {
    app.let_lapse(worker).await;
    queue::rescue(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn the_most_urgent_task_is_claimed_first_and_of_equals_the_oldest() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut queued = Vec::new();
    for priority in ["low", "normal", "critical", "high", "normal"] {
        let mut new = sum(&[1]);
        new["priority"] = json!(priority);
        queued.push(app.queue(&ada, new).await);
    }

    let worker = join(&app).await;
    for expected in [2, 3, 1, 4, 0] {
        let mut claimed = claim(&app, worker, 1).await;
        assert_eq!(claimed.len(), 1);
        let claimed = claimed.remove(0);
        assert_eq!(claimed.id, queued[expected]);
        assert!(settle(&app, worker, &claimed, completed()).await);
    }
}

#[tokio::test]
async fn two_workers_never_get_the_same_task() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for number in 0..20 {
        app.queue(&ada, sum(&[number])).await;
    }
    app.leaves_tasks(20);
    let (one, two) = (join(&app).await, join(&app).await);

    let (mut claimed, others) = tokio::join!(claim(&app, one, 10), claim(&app, two, 10));
    claimed.extend(others);
    let mut ids: Vec<_> = claimed.iter().map(|claimed| claimed.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((claimed.len(), ids.len()), (20, 20));
}

#[tokio::test]
async fn a_worker_without_a_lease_gets_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.queue(&ada, sum(&[1])).await;
    app.leaves_tasks(1);
    let worker = join(&app).await;
    app.let_lapse(worker).await;
    assert!(claim(&app, worker, 10).await.is_empty());
    assert!(claim(&app, Uuid::now_v7(), 10).await.is_empty());
}

#[tokio::test]
async fn a_worker_that_was_declared_dead_settles_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    assert_eq!(die(&app, worker).await, 1);
    let rescued = app.stored(id).await;
    assert_eq!((rescued.status, rescued.current_attempt), (TaskStatus::Retrying, 1));
    assert_eq!(rescued.last_error.as_deref(), Some("The worker died during attempt 1"));

    let late = [completed(), Outcome::Cancelled, Outcome::GivenUp { error: "late".into() }];
    for outcome in late {
        assert!(!settle(&app, worker, &claimed, outcome).await);
        assert_eq!(app.stored(id).await, rescued);
    }
    assert!(!queue::renew(&app.app.db, worker, LEASE).await.unwrap(), "it learns that it is dead");

    assert_eq!(app.work().await, 1);
    let done = app.stored(id).await;
    assert_eq!((done.status, done.current_attempt, done.result), (TaskStatus::Completed, 2, Some(json!({"sum": 1.0}))));
}

#[tokio::test]
async fn an_old_claim_of_the_same_worker_is_refused_as_well() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let first = claim_one(&app, worker).await;
    let retry = Outcome::RetryLater { error: "not yet".into(), delay: Duration::ZERO };
    assert!(settle(&app, worker, &first, retry).await);
    let second = claim_one(&app, worker).await;
    let running = app.stored(id).await;

    assert!(!settle(&app, worker, &first, completed()).await);
    assert_eq!(app.stored(id).await, running);
    assert!(settle(&app, worker, &second, completed()).await);
    assert!(!settle(&app, worker, &second, completed()).await, "settled once only");
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_when_it_is_due() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    let later = Outcome::RetryLater { error: "not yet".into(), delay: LEASE };
    assert!(settle(&app, worker, &claimed, later).await);
    let waiting = app.stored(id).await;
    assert_eq!((waiting.status, waiting.last_error.as_deref()), (TaskStatus::Retrying, Some("not yet")));
    assert_eq!(app.work().await, 0, "not due yet");

    app.make_due(id).await;
    assert_eq!(app.work().await, 1);
    let done = app.stored(id).await;
    assert_eq!((done.status, done.current_attempt), (TaskStatus::Completed, 2));
}

#[tokio::test]
async fn a_task_whose_workers_keep_dying_is_given_up_after_its_last_attempt() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, with_attempts(sum(&[1]), 2)).await;
    for status in [TaskStatus::Retrying, TaskStatus::Failed] {
        let worker = join(&app).await;
        claim_one(&app, worker).await;
        assert_eq!(die(&app, worker).await, 1);
        assert_eq!(app.stored(id).await.status, status);
    }
    let failed = app.stored(id).await;
    assert_eq!((failed.current_attempt, failed.last_error.as_deref()), (2, Some("The worker died during attempt 2")));
    assert!(failed.completed_at.is_some());
    assert_eq!(app.work().await, 0);
}

#[tokio::test]
async fn only_the_dead_lose_their_tasks() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1])).await;
    let (alive, dead) = (join(&app).await, join(&app).await);
    let claimed = claim_one(&app, alive).await;
    assert_eq!(die(&app, dead).await, 0);
    assert_eq!(app.stored(id).await.status, TaskStatus::Running);
    assert!(settle(&app, alive, &claimed, completed()).await);
}

#[tokio::test]
async fn a_task_that_was_told_to_stop_is_cancelled_when_its_worker_dies_or_its_attempt_fails() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for dies in [true, false] {
        let id = app.queue(&ada, delay(3600)).await;
        let worker = join(&app).await;
        let claimed = claim_one(&app, worker).await;
        app.cancel(&ada, id).await;
        assert_eq!(queue::told_to_stop(&app.app.db, worker).await.unwrap(), [id]);
        if dies {
            die(&app, worker).await;
        } else {
            settle(&app, worker, &claimed, Outcome::RetryLater { error: "no".into(), delay: LEASE }).await;
        }
        assert_eq!(app.stored(id).await.status, TaskStatus::Cancelled, "dies: {dies}");
    }
}

#[tokio::test]
async fn what_a_worker_hands_back_has_cost_no_attempt() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, with_attempts(sum(&[1]), 1)).await;
    let worker = join(&app).await;
    let claimed = claim_one(&app, worker).await;
    assert_eq!(queue::leave(&app.app.db, worker).await.unwrap(), 1);

    let back = app.stored(id).await;
    assert_eq!((back.status, back.current_attempt, back.started_at), (TaskStatus::Pending, 0, None));
    assert!(!settle(&app, worker, &claimed, completed()).await, "it is not the worker's any more");
    assert_eq!(app.work().await, 1, "also when there was one attempt only");
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);
}
