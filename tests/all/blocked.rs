//! Handlers that block their thread: they cannot be stopped, and hold up nothing but that thread and their place.

use std::path::Path;
use std::time::Duration;

use model::tasks::{NewTask, RetryStrategy, TaskStatus};
use serde_json::json;
use server::tasks::kinds::Policy;
use server::tasks::queue::{self, NewRow};

use crate::outcomes::{ends, working};
use crate::support::kinds::Step::{self, Block};
use crate::support::kinds::{Gate, script, scripted};
use crate::support::program::Program;
use crate::support::tasks::sum;
use crate::support::{TestApp, within_patience};

fn policy(timeout: Duration, retry: RetryStrategy) -> Policy {
    Policy { timeout, retry, ..Policy::default() }
}

async fn app(policy: Policy) -> TestApp {
    TestApp::with_kinds(scripted(policy), |config| config.worker.grace_seconds = 0).await
}

const SHORT: Duration = Duration::from_millis(50);
const FOR_EVER: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_time_of_a_handler_that_blocks_is_up_all_the_same_and_others_run_meanwhile() {
    let app = app(policy(SHORT, RetryStrategy::None)).await;
    let ada = app.register("Ada").await;
    let gate = Gate;
    let working = working(&app);
    let id = app.queue(&ada, script(&[Block])).await;
    app.until(id, TaskStatus::Running).await;
    let other = app.queue(&ada, sum(&[1])).await;
    app.until(other, TaskStatus::Completed).await;

    let dead = app.until(id, TaskStatus::Failed).await;
    assert_eq!(dead.last_error.as_deref(), Some("The attempt took longer than 0.05 s"));

    // What it says in the end is too late.
    drop(gate);
    ends(&app, working).await;
    assert_eq!(app.stored(id).await.status, TaskStatus::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_blocks_is_tried_again_elsewhere_and_here_only_when_it_has_ended() {
    let app = app(policy(SHORT, RetryStrategy::Fixed { interval: 0.0, max_attempts: 3 })).await;
    let ada = app.register("Ada").await;
    let gate = Gate;
    let first = working(&app);
    let id = app.queue(&ada, script(&[Block, Block, Step::Ok])).await;
    app.until(id, TaskStatus::Retrying).await;
    let other = app.queue(&ada, sum(&[1])).await;
    app.until(other, TaskStatus::Completed).await;
    assert_eq!(app.stored(id).await.status, TaskStatus::Retrying, "it would take another thread here");

    let second = working(&app);
    app.until(id, TaskStatus::Running).await;
    app.until(id, TaskStatus::Retrying).await;

    drop(gate);
    let done = app.until(id, TaskStatus::Completed).await;
    assert_eq!((done.current_attempt, done.errors.len()), (3, 2));
    app.app.stopping.cancel();
    for working in [first, second] {
        within_patience("the worker leaves", working).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_whose_handler_blocks_is_cancelled_all_the_same() {
    let app = app(policy(FOR_EVER, RetryStrategy::None)).await;
    let ada = app.register("Ada").await;
    let gate = Gate;
    let working = working(&app);
    let id = app.queue(&ada, script(&[Block])).await;
    app.until(id, TaskStatus::Running).await;
    assert_eq!(app.cancel(&ada, id).await.status, 200);
    app.until(id, TaskStatus::Cancelled).await;
    drop(gate);
    ends(&app, working).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_loses_its_lease_joins_anew_beside_a_handler_that_blocks() {
    let app = app(policy(FOR_EVER, RetryStrategy::None)).await;
    let ada = app.register("Ada").await;
    let gate = Gate;
    let working = working(&app);
    let blocked = app.queue(&ada, script(&[Block])).await;
    app.until(blocked, TaskStatus::Running).await;
    let lost: i64 = sqlx::query_scalar("select id from workers").fetch_one(&app.app.db).await.unwrap();
    app.let_lapse(lost).await;
    let other = app.queue(&ada, sum(&[1])).await;
    app.until(other, TaskStatus::Completed).await;

    // It runs once more, and what the lost attempt says does not count.
    drop(gate);
    let done = app.until(blocked, TaskStatus::Completed).await;
    assert_eq!((done.current_attempt, done.errors.len()), (1, 1));
    assert_eq!(done.last_error.as_deref(), Some("The worker died during attempt 1"));
    ends(&app, working).await;
}

#[tokio::test]
async fn a_program_that_is_told_to_end_does_not_wait_for_a_handler_that_blocks() {
    let app = TestApp::start().await;
    let ledger = Path::new(env!("CARGO_TARGET_TMPDIR")).join("blocked");
    std::fs::create_dir_all(&ledger).unwrap();
    let args = ["chaos", "worker", "--ledger", ledger.to_str().unwrap()];
    // One of the threads blocks; on a machine with a single processor there would be no other.
    let threads = ("TOKIO_WORKER_THREADS", "2");
    let settings = [("DATABASE_URL", app.database_url.as_str()), ("STARTER__WORKER__GRACE_SECONDS", "0"), threads];
    let mut worker = Program::start(&args, &settings);
    worker.says("a worker joined").await;
    let payload = json!({"behaviour": "blocks", "millis": FOR_EVER.as_millis() as u64});
    let new = NewTask { task_type: "chaos_free".into(), payload, ..NewTask::default() };
    let mut tx = server::db::begin(&app.app.db).await.unwrap();
    let [id] = queue::insert_all(&mut tx, &[NewRow::of(new, None, None)]).await.unwrap()[..] else {
        panic!("one task")
    };
    tx.commit().await.unwrap();
    app.until(id, TaskStatus::Running).await;

    worker.signal("TERM").await;
    assert!(worker.ends().await.success(), "{}", worker.said());
    let back = app.stored(id).await;
    assert_eq!((back.status, back.current_attempt), (TaskStatus::Pending, 0));
    app.leaves_tasks(1);
}
