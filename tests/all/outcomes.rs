//! How attempts end, and what becomes of their tasks.

use std::time::Duration;

use model::tasks::{DeadReason, RetryStrategy, TaskStatus};
use serde_json::{Value, json};
use server::Config;
use server::tasks::kinds::Policy;
use server::tasks::worker;
use tokio::task::JoinHandle;

use crate::support::kinds::Step::{
    self, Effect, EffectThenFail, Fatal, Half, Heed, Ignore, Panic, Retry, RetryAfterAnHour, SnoozeForAnHour,
};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::tomorrow;
use crate::support::{TestApp, within_patience};

/// Retries at once, three attempts in all.
fn hasty() -> Policy {
    Policy { retry: RetryStrategy::Fixed { interval: 0.0, max_attempts: 3 }, ..Policy::default() }
}

async fn app(policy: Policy) -> TestApp {
    TestApp::with_kinds(scripted(policy), |config| config.worker.grace_seconds = 0).await
}

#[tokio::test]
async fn what_fails_is_tried_again_by_the_strategy_of_its_kind() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Retry, Retry, Step::Ok])).await;
    assert_eq!(app.task(&ada, id).await["retry_strategy"], json!({"fixed": {"interval": 0.0, "max_attempts": 3}}));
    assert_eq!(app.work().await, 3);
    let done = app.stored(id).await;
    assert_eq!(
        (done.status, done.current_attempt, done.result),
        (TaskStatus::Completed, 3, Some(json!({"attempt": 3})))
    );
    assert_eq!(app.errors(id).await, ["attempt 1 failed", "attempt 2 failed"]);
}

#[tokio::test]
async fn a_tasks_own_strategy_goes_before_that_of_its_kind() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let mut new = script(&[Retry]);
    new["retry_strategy"] = json!("none");
    let id = app.queue(&ada, new).await;
    assert_eq!(app.work().await, 1);
    let dead = app.stored(id).await;
    assert_eq!((dead.status, dead.dead_reason), (TaskStatus::Failed, Some(DeadReason::Exhausted)));
}

#[tokio::test]
async fn after_the_last_attempt_the_dead_letter_has_the_payload_and_every_error() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Retry, Panic])).await;
    assert_eq!(app.work().await, 3);
    let dead = app.get(&ada, "/api/v1/tasks/dead-letter").await.data();
    assert_eq!((&dead[0]["id"], &dead[0]["dead_reason"]), (&json!(id), &json!("exhausted")));
    assert_eq!(dead[0]["payload"], json!({"steps": ["retry", "panic"]}));
    let words = ["attempt 1 failed", "The task panicked: out of cheese", "The task panicked: out of cheese"];
    assert_eq!(app.errors(id).await, words);
}

#[tokio::test]
async fn the_wait_before_the_next_attempt_grows_as_the_strategy_says() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let linear = json!({"linear": {"base_delay": 1000.0, "increment": 500.0, "max_delay": 1200.0, "max_attempts": 4}});
    let exponential =
        json!({"exponential": {"base_delay": 1000.0, "multiplier": 2.0, "max_delay": 3000.0, "max_attempts": 4}});
    // Full jitter: anything up to the bound.
    for (strategy, waits) in
        [(linear, [(1000, 1000), (1200, 1200), (1200, 1200)]), (exponential, [(0, 1000), (0, 2000), (0, 3000)])]
    {
        let mut new = script(&[Retry]);
        new["retry_strategy"] = strategy.clone();
        let id = app.queue(&ada, new).await;
        for (least, most) in waits {
            assert_eq!(app.work().await, 1);
            let wait: f64 = sqlx::query_scalar(
                "select coalesce(extract(epoch from run_at - updated_at), 0)::float8 from tasks where id = $1",
            )
            .bind(id)
            .fetch_one(&app.app.db)
            .await
            .unwrap();
            assert!((f64::from(least) - 0.1..=f64::from(most) + 0.1).contains(&wait), "{strategy}: {wait} s");
            app.pass_time(Duration::from_secs(3001)).await;
        }
        assert_eq!(app.work().await, 1);
        assert_eq!(app.stored(id).await.dead_reason, Some(DeadReason::Exhausted), "{strategy}");
    }
}

#[tokio::test]
async fn a_task_may_take_itself_back() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Step::Cancel])).await;
    assert_eq!(app.work().await, 1, "it is not run again");
    let ended = app.stored(id).await;
    assert_eq!((ended.status, ended.current_attempt), (TaskStatus::Cancelled, 1));
}

#[tokio::test]
async fn what_will_never_work_is_not_tried_again() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Fatal])).await;
    assert_eq!(app.work().await, 1);
    let dead = app.stored(id).await;
    assert_eq!((dead.dead_reason, dead.last_error.as_deref()), (Some(DeadReason::Fatal), Some("this will never work")));
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_goes_to_the_dead_letter_with_the_reason() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let refused = app.post(&ada, "/api/v1/tasks", json!({"task_type": "script", "payload": {"steps": "all"}})).await;
    assert_eq!(refused.fields(), ["payload"], "the door looks first");

    let id = app.queue(&ada, script(&[Step::Ok])).await;
    app.change(id, r#"update tasks set payload = '{"steps": "all"}' where id = $1"#).await;
    assert_eq!(app.work().await, 1);
    let dead = app.stored(id).await;
    assert_eq!(dead.dead_reason, Some(DeadReason::Undecodable));
    assert!(dead.last_error.unwrap().starts_with("The payload cannot be read: "));
}

#[tokio::test]
async fn a_payload_of_a_newer_program_waits_for_a_newer_worker() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Step::Ok])).await;
    app.change(id, "update tasks set payload_version = 2 where id = $1").await;
    assert_eq!(app.work().await, 1);
    let waiting = app.stored(id).await;
    assert_eq!((waiting.status, waiting.current_attempt, waiting.errors.len()), (TaskStatus::Pending, 0, 0));
    assert_eq!(app.work().await, 0, "not at once");
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_snooze_and_a_time_that_the_other_side_named_are_waited_for() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let snoozed = app.queue(&ada, script(&[SnoozeForAnHour])).await;
    let busy = app.queue(&ada, script(&[RetryAfterAnHour, Step::Ok])).await;
    assert_eq!(app.work().await, 2);
    let snoozed = app.stored(snoozed).await;
    assert_eq!((snoozed.status, snoozed.current_attempt), (TaskStatus::Pending, 0), "a snooze costs no attempt");
    let waits: f64 = sqlx::query_scalar("select extract(epoch from min(run_at) - now())::float8 from tasks")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert!((3500.0..=3600.0).contains(&waits), "{waits}");

    app.pass_time(Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 2, "one is done, the other one snoozes again");
    assert_eq!(app.stored(busy).await.current_attempt, 2);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn what_waits_for_its_start_or_its_next_attempt_runs_at_once_when_its_owner_says_so() {
    let app = app(hasty()).await;
    let (ada, eve) = (app.register("Ada").await, app.register("Eve").await);
    let busy = app.queue(&ada, script(&[RetryAfterAnHour, Step::Ok])).await;
    let snoozed = app.queue(&ada, script(&[SnoozeForAnHour, Step::Ok])).await;
    assert_eq!(app.work().await, 2);
    let later = app.queue(&ada, tomorrow(script(&[Step::Ok]))).await;
    let run_now = async |person, id| app.post(person, &format!("/api/v1/tasks/{id}/run-now"), json!({})).await;
    for (id, seconds) in [(busy, 3600), (snoozed, 3600), (later, 24 * 3600)] {
        let waits = app.stored(id).await.next_attempt_at.expect("it waits") - chrono::Utc::now();
        assert!((seconds - 100..=seconds).contains(&waits.num_seconds()), "{waits}");
        assert_eq!(run_now(&eve, id).await.refusal(), (404, "TASK_NOT_FOUND".into()));
        assert_eq!(run_now(&ada, id).await.status, 200);
        assert_eq!(app.stored(id).await.next_attempt_at, None);
        assert_eq!(run_now(&ada, id).await.refusal(), (400, "INVALID_INPUT".into()), "it waits for a worker only");
    }
    assert_eq!(app.work().await, 3);
    let [busy, snoozed, later] = [app.stored(busy).await, app.stored(snoozed).await, app.stored(later).await];
    assert_eq!((busy.status, busy.current_attempt, busy.errors.len()), (TaskStatus::Completed, 2, 1));
    assert_eq!((snoozed.status, later.status), (TaskStatus::Pending, TaskStatus::Completed), "that one snoozes again");
    assert_eq!(run_now(&ada, busy.id).await.status, 400, "it has ended");
    let said: i64 =
        sqlx::query_scalar("select count(*) from audit_log where action = 'task.run_now' and actor_id = $1")
            .bind(ada.id)
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    assert_eq!(said, 3);
    app.leaves_tasks(1);
}

/// A real worker beside the test, and its end.
pub fn working(app: &TestApp) -> JoinHandle<()> {
    tokio::spawn(worker::run(app.app.clone()))
}

pub async fn ends(app: &TestApp, working: JoinHandle<()>) {
    app.app.stopping.cancel();
    within_patience("the worker leaves", working).await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_told_to_stop_and_counts_as_failed() {
    let quick = Duration::from_millis(50);
    let app = app(Policy { timeout: quick, retry: RetryStrategy::None, ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Heed])).await;
    assert_eq!(app.work().await, 1);
    let dead = app.stored(id).await;
    assert_eq!(dead.dead_reason, Some(DeadReason::Exhausted));
    assert_eq!(dead.last_error.as_deref(), Some("The attempt took longer than 0.05 s"));
}

#[tokio::test]
async fn an_attempt_that_does_not_heed_is_dropped_after_a_grace() {
    let app = app(Policy { timeout: Duration::from_millis(50), retry: RetryStrategy::None, ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Ignore])).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.last_error.as_deref(), Some("The attempt took longer than 0.05 s"));
}

#[tokio::test]
async fn a_running_task_tells_how_far_it_is_until_it_ends() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let working = working(&app);
    let mut changes = app.app.live.subscribe();
    let id = app.queue(&ada, script(&[Half])).await;
    let half = async {
        loop {
            let task = app.task(&ada, id).await;
            if !task["progress"].is_null() {
                return task;
            }
            drop(changes.recv().await);
        }
    };
    let task = within_patience("half done", half).await;
    assert_eq!(task["progress"], json!({"percent": 50.0, "message": "half done"}));

    app.cancel(&ada, id).await;
    let cancelled = app.until(id, TaskStatus::Cancelled).await;
    assert_eq!(cancelled.progress, None);
    ends(&app, working).await;
}

#[tokio::test]
async fn a_worker_that_leaves_stops_what_runs_and_hands_it_back() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let working = working(&app);
    let id = app.queue(&ada, script(&[Heed])).await;
    app.until(id, TaskStatus::Running).await;
    ends(&app, working).await;
    let back = app.stored(id).await;
    assert_eq!((back.status, back.current_attempt, back.errors.len()), (TaskStatus::Pending, 0, 0));
    app.leaves_tasks(1);
}

async fn effects(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from effects").fetch_one(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn effects_in_the_tasks_own_transaction_happen_exactly_once() {
    let app = app(hasty()).await;
    sqlx::query("create table effects (task_id uuid not null)").execute(&app.app.db).await.unwrap();
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[EffectThenFail, Effect])).await;
    assert_eq!(app.work().await, 2);
    assert_eq!(effects(&app).await, 1, "the first attempt has left nothing");
    let done = app.stored(id).await;
    assert_eq!((done.status, done.result), (TaskStatus::Completed, Some(Value::from("done"))));
    assert_eq!(fenced_out(&app).await, 0, "it is not settled a second time");
}

/// Results that workers have dropped, as they tell when they renew their leases.
async fn fenced_out(app: &TestApp) -> i64 {
    let sum = "select coalesce(sum(fenced_out), 0)::bigint from workers";
    sqlx::query_scalar(sum).fetch_one(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn a_result_that_comes_after_the_task_was_taken_away_is_dropped_and_counted() {
    let config = |config: &mut Config| config.worker.lease_seconds = 1;
    let app = TestApp::with_kinds(scripted(hasty()), config).await;
    let ada = app.register("Ada").await;
    let working = working(&app);
    let id = app.queue(&ada, script(&[Heed])).await;
    app.until(id, TaskStatus::Running).await;
    // As if another had taken it back, run it, and put it off for an hour.
    let taken = "update tasks set worker_id = null, lease_epoch = lease_epoch + 3, run_at = now() + interval '1 hour' where id = $1";
    app.change(id, taken).await;
    app.app.bell.told_to_stop(id, None);
    within_patience("the count grows", async { while fenced_out(&app).await != 1 {} }).await;
    assert_eq!(app.stored(id).await.status, TaskStatus::Retrying, "it stays where it was put");
    ends(&app, working).await;
    app.leaves_tasks(1);
}

#[tokio::test]
async fn an_outcome_that_postgresql_cannot_hold_is_made_storable_and_keeps_no_other() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let nul = app.queue(&ada, script(&[Step::Nul])).await;
    let ever = app.queue(&ada, script(&[Step::SnoozeForEver])).await;
    let other = app.queue(&ada, script(&[Step::Ok])).await;
    assert_eq!(app.work().await, 3);
    assert_eq!(app.stored(nul).await.result, Some(json!({"a\u{fffd}b": ["c\u{fffd}d"]})));
    assert_eq!(app.stored(ever).await.status, TaskStatus::Pending);
    assert_eq!(app.stored(other).await.status, TaskStatus::Completed);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn an_attempt_that_follows_at_once_can_be_cancelled_like_any_other() {
    let app = app(hasty()).await;
    let ada = app.register("Ada").await;
    let working = working(&app);
    // The next claim comes before the worker has let go of the attempt before.
    for _ in 0..20 {
        let id = app.queue(&ada, script(&[Retry, Heed])).await;
        let mut changes = app.app.live.subscribe();
        let second = async {
            while app.stored(id).await.current_attempt < 2 {
                drop(changes.recv().await);
            }
        };
        within_patience("the second attempt", second).await;
        app.cancel(&ada, id).await;
        app.until(id, TaskStatus::Cancelled).await;
    }
    ends(&app, working).await;
}
