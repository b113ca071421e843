//! Types that are held back: limits, rates, pauses, and circuit breakers.

use std::time::Duration;

use model::tasks::{RetryStrategy, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use server::tasks::kinds::{BreakerPolicy, Policy, Rate};
use server::tasks::{queue, worker};
use uuid::Uuid;

use crate::support::kinds::Step::{self, Heed, Retry};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::sum;
use crate::support::{Person, TestApp, within_patience};

async fn app(policy: Policy) -> TestApp {
    TestApp::with_kinds(scripted(policy), |config| {
        config.worker.grace_seconds = 0;
        config.worker.poll_interval_ms = 20;
    })
    .await
}

/// A poll would come later than the patience of a test ends, and there is one place: nobody looks but for a reason.
async fn app_without_polls(policy: Policy) -> TestApp {
    TestApp::with_kinds(scripted(policy), |config| {
        config.worker.grace_seconds = 0;
        config.worker.concurrency = 1;
        config.worker.poll_interval_ms = 3_600_000;
    })
    .await
}

/// The figures of the test's type as an operator sees them.
async fn seen(app: &TestApp, grace: &Person) -> Value {
    let queue = app.get(grace, "/api/v1/tasks/queue").await.data();
    let types = queue["types"].as_array().unwrap();
    types.iter().find(|one| one["task_type"] == "script").unwrap().clone()
}

async fn queue_many(app: &TestApp, person: &Person, count: usize, steps: &[Step]) -> Vec<Uuid> {
    let mut queued = Vec::new();
    for _ in 0..count {
        queued.push(app.queue(person, script(steps)).await);
    }
    queued
}

async fn running(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from tasks where worker_id is not null").fetch_one(&app.app.db).await.unwrap()
}

/// Waits until so many run; more must never.
async fn until_running(app: &TestApp, count: i64) {
    let mut changes = app.app.live.subscribe();
    let reached = async {
        loop {
            let now = running(app).await;
            assert!(now <= count, "{now} run");
            if now == count {
                return;
            }
            drop(changes.recv().await);
        }
    };
    within_patience("so many run", reached).await;
}

#[tokio::test]
async fn no_more_run_at_once_than_the_limit_over_all_workers() {
    let app = app(Policy { max_running: Some(2), ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    let queued = queue_many(&app, &ada, 5, &[Heed]).await;
    let workers = [tokio::spawn(worker::run(app.app.clone())), tokio::spawn(worker::run(app.app.clone()))];
    until_running(&app, 2).await;

    // A place that gets free is taken by the next one, until none is left.
    for id in queued {
        app.until(id, TaskStatus::Running).await;
        app.cancel(&ada, id).await;
        app.until(id, TaskStatus::Cancelled).await;
        assert!(running(&app).await <= 2);
    }
    app.app.stopping.cancel();
    for worker in workers {
        within_patience("the worker leaves", worker).await.unwrap();
    }
    let counted: i32 =
        sqlx::query_scalar("select sum(running)::int from task_type_state").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(counted, 0, "the count comes back to nothing");
}

#[tokio::test]
async fn a_serial_type_runs_one_after_the_other_in_the_order_of_the_queue() {
    let app = app(Policy::serial()).await;
    let ada = app.register("Ada").await;
    let queued = queue_many(&app, &ada, 4, &[Step::Ok]).await;
    assert_eq!(app.work().await, 4);
    let by_start: Vec<Uuid> =
        sqlx::query_scalar("select id from task_history order by started_at").fetch_all(&app.app.db).await.unwrap();
    assert_eq!(by_start, queued);
    let overlaps: i64 = sqlx::query_scalar(
        "select count(*) from task_history a join task_history b on a.started_at < b.started_at and b.started_at < a.finished_at",
    )
    .fetch_one(&app.app.db)
    .await
    .unwrap();
    assert_eq!(overlaps, 0);
}

#[tokio::test]
async fn one_worker_runs_no_more_of_a_type_than_its_own_limit() {
    let app = app(Policy { max_per_worker: Some(1), ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    let queued = queue_many(&app, &ada, 2, &[Heed]).await;
    let other = app.queue(&ada, sum(&[1])).await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    app.until(other, TaskStatus::Completed).await;
    until_running(&app, 1).await;
    app.cancel(&ada, queued[0]).await;
    app.until(queued[1], TaskStatus::Running).await;
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(1);
}

#[tokio::test]
async fn the_limit_of_a_worker_counts_over_all_priorities() {
    let app = app(Policy { max_per_worker: Some(1), ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    for priority in ["normal", "high", "critical"] {
        let mut new = script(&[Heed]);
        new["priority"] = json!(priority);
        app.queue(&ada, new).await;
    }
    let other = app.queue(&ada, sum(&[1])).await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    app.until(other, TaskStatus::Completed).await;
    until_running(&app, 1).await;
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(3);
}

#[tokio::test]
async fn places_of_a_serial_type_are_taken_at_once_not_at_the_next_look() {
    let app =
        TestApp::with_kinds(scripted(Policy::serial()), |config| config.worker.poll_interval_ms = 3_600_000).await;
    let ada = app.register("Ada").await;
    let queued = queue_many(&app, &ada, 5, &[Step::Ok]).await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    for id in queued {
        app.until(id, TaskStatus::Completed).await;
    }
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
}

#[tokio::test]
async fn a_counted_type_is_not_starved_by_a_backlog_of_another() {
    let app = app(Policy::serial()).await;
    let ada = app.register("Ada").await;
    let mut backlog = Vec::new();
    for _ in 0..60 {
        // Too long to be claimed all at once.
        let wait = json!({"task_type": "delay_task", "payload": {"delay_seconds": 0.02}});
        backlog.push(app.queue(&ada, wait).await);
    }
    let counted = app.queue(&ada, script(&[Step::Ok])).await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    for id in backlog {
        app.until(id, TaskStatus::Completed).await;
    }
    let counted = app.until(counted, TaskStatus::Completed).await;
    let later: i64 = sqlx::query_scalar("select count(*) from task_history where started_at > $1")
        .bind(counted.started_at)
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert!(later > 20, "{later} of the backlog began after it");
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
}

#[tokio::test]
async fn a_program_that_stops_in_the_middle_of_a_claim_holds_nobody_up() {
    let app = app(Policy::serial()).await;
    let ada = app.register("Ada").await;
    let (counted, other) = (app.queue(&ada, script(&[Step::Ok])).await, app.queue(&ada, sum(&[1])).await);
    // As the claim does it, and then nothing more.
    let mut stuck = app.app.db.begin_with("begin; set local idle_in_transaction_session_timeout = '2s'").await.unwrap();
    sqlx::query("select 1 from task_type_state for update").execute(&mut *stuck).await.unwrap();
    let worker = tokio::spawn(worker::run(app.app.clone()));
    app.until(other, TaskStatus::Completed).await;
    app.until(counted, TaskStatus::Completed).await;
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    drop(stuck);
}

#[tokio::test]
async fn a_rated_type_starts_as_many_as_there_are_tokens() {
    // One an hour, three at once.
    let app = app(Policy { rate: Some(Rate { per_second: 1.0 / 3600.0, burst: 3.0 }), ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    queue_many(&app, &ada, 5, &[Step::Ok]).await;
    assert_eq!(app.work().await, 3);
    assert_eq!(app.work().await, 0);

    app.pass_time(Duration::from_secs(61 * 60)).await;
    assert_eq!(app.work().await, 1, "an hour later there is one more");
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_rate_goes_on_by_itself_and_a_look_at_nothing_writes_nothing() {
    let app =
        app_without_polls(Policy { rate: Some(Rate { per_second: 20.0, burst: 1.0 }), ..Policy::default() }).await;
    let ada = app.register("Ada").await;
    let worker = tokio::spawn(worker::run(app.app.clone()));
    for id in queue_many(&app, &ada, 4, &[Step::Ok]).await {
        app.until(id, TaskStatus::Completed).await;
    }
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();

    let written = "select max(xmin::text) from task_type_state";
    let before: String = sqlx::query_scalar(written).fetch_one(&app.app.db).await.unwrap();
    assert_eq!(app.work().await, 0);
    let after: String = sqlx::query_scalar(written).fetch_one(&app.app.db).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_paused_type_takes_tasks_and_runs_none() {
    let app = app(Policy::default()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let pause =
        async |reason: &str| app.post(&grace, "/api/v1/tasks/types/script/pause", json!({"reason": reason})).await;
    assert_eq!(pause(" ").await.fields(), ["reason"]);
    assert_eq!(pause("the other side is down").await.status, 200);
    let id = app.queue(&ada, script(&[Step::Ok])).await;
    let other = app.queue(&ada, sum(&[1])).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(other).await.status, TaskStatus::Completed);
    assert_eq!(app.stored(id).await.status, TaskStatus::Pending);
    let script: i32 =
        sqlx::query_scalar("select id from task_types where name = 'script'").fetch_one(&app.app.db).await.unwrap();
    let watched = queue::watched(&app.app.db).await.unwrap();
    assert_eq!(watched.held_back, [script], "what a worker has claimed ahead of it goes back");
    assert_eq!(watched.broken, [0; 0]);
    assert_eq!(seen(&app, &grace).await["paused_reason"], "the other side is down");
    let types = app.open("/api/v1/tasks/types").await.data();
    let shown = types.as_array().unwrap().iter().find(|one| one["task_type"] == "script").unwrap().clone();
    assert_eq!((&shown["is_paused"], shown.get("paused_reason")), (&json!(true), None), "the reason is for operators");

    assert_eq!(app.post(&grace, "/api/v1/tasks/types/script/resume", json!({})).await.status, 200);
    assert_eq!(app.work().await, 1);
    assert_eq!(
        app.post(&grace, "/api/v1/tasks/types/nope/resume", json!({})).await.refusal(),
        (404, "NOT_FOUND".into())
    );
}

const COOL_DOWN: Duration = Duration::from_secs(3600);

/// Retries come long after the cool-down.
fn breaking() -> Policy {
    let breaker =
        BreakerPolicy { failures: 3, ratio: 0.5, window: Duration::from_secs(3600), cooldown: COOL_DOWN, probes: 2 };
    Policy {
        retry: RetryStrategy::Fixed { interval: 86_400.0, max_attempts: 9 },
        breaker: Some(breaker),
        ..Policy::default()
    }
}

#[tokio::test]
async fn a_breaker_opens_lets_probes_through_and_closes() {
    let app = app(breaking()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    queue_many(&app, &ada, 3, &[Retry]).await;
    assert_eq!(app.work().await, 3);
    assert_eq!(seen(&app, &grace).await["breaker"], "open");

    let waiting = queue_many(&app, &ada, 4, &[Step::Ok]).await;
    assert_eq!(app.work().await, 0, "nothing of the type is claimed");
    for id in &waiting {
        assert_eq!(app.stored(*id).await.current_attempt, 0, "and no attempt is spent");
    }
    let other = app.queue(&ada, sum(&[1])).await;
    assert_eq!(app.work().await, 1, "other types go on");
    assert_eq!(app.stored(other).await.status, TaskStatus::Completed);

    app.pass_time(COOL_DOWN).await;
    assert_eq!(app.work().await, 4, "two probes, and when they have succeeded the rest");
    assert_eq!(seen(&app, &grace).await["breaker"], "closed");
    app.leaves_tasks(3);
}

#[tokio::test]
async fn an_open_breaker_is_probed_when_its_time_has_come_without_a_poll() {
    let mut policy = breaking();
    policy.breaker = policy.breaker.map(|breaker| BreakerPolicy {
        failures: 1,
        probes: 1,
        cooldown: Duration::from_secs(1),
        ..breaker
    });
    let app = app_without_polls(policy).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let worker = tokio::spawn(worker::run(app.app.clone()));
    let failing = app.queue(&ada, script(&[Retry])).await;
    app.until(failing, TaskStatus::Retrying).await;
    let stands = async |state| while seen(&app, &grace).await["breaker"] != state {};
    within_patience("the breaker opens", stands("open")).await;
    let probe = app.queue(&ada, script(&[Step::Ok])).await;
    app.until(probe, TaskStatus::Completed).await;
    within_patience("the breaker closes", stands("closed")).await;
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_probe_that_fails_opens_the_breaker_again() {
    let app = app(breaking()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    queue_many(&app, &ada, 8, &[Retry]).await;
    // Of eight that are claimed together all are run; the breaker opens for what comes after.
    assert_eq!(app.work().await, 8);
    queue_many(&app, &ada, 3, &[Retry]).await;
    app.pass_time(COOL_DOWN).await;
    assert_eq!(app.work().await, 2, "the probes");
    let seen = seen(&app, &grace).await;
    assert_eq!(seen["breaker"], "open");
    let probe_at: chrono::DateTime<chrono::Utc> = serde_json::from_value(seen["probe_at"].clone()).unwrap();
    assert!(probe_at > chrono::Utc::now() + chrono::TimeDelta::minutes(110), "twice as long: {probe_at}");
    app.leaves_tasks(11);
}

#[tokio::test]
async fn what_completes_in_its_own_transaction_counts_for_the_breaker() {
    let app = app(breaking()).await;
    sqlx::query("create table effects (task_id uuid not null)").execute(&app.app.db).await.unwrap();
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    queue_many(&app, &ada, 3, &[Retry]).await;
    app.work().await;
    queue_many(&app, &ada, 4, &[Step::Effect]).await;
    app.pass_time(COOL_DOWN).await;
    assert_eq!(app.work().await, 4);
    assert_eq!(seen(&app, &grace).await["breaker"], "closed");
    app.leaves_tasks(3);
}

#[tokio::test]
async fn what_fails_while_its_type_is_paused_counts_for_the_breaker() {
    let app = app(breaking()).await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let reason = json!({"reason": "the other side moves house"});
    assert_eq!(app.post(&grace, "/api/v1/tasks/types/script/pause", reason).await.status, 200);
    let script = sqlx::query_scalar("select id from task_types where name = 'script'");
    let task_type_id = script.fetch_one(&app.app.db).await.unwrap();

    // What ran when it was paused, and went on.
    let ended = queue::Counted { task_type_id, failed: 3, ..queue::Counted::default() };
    assert!(queue::count_for_breaker(&app.app.db, ended).await.unwrap());
    assert_eq!(seen(&app, &grace).await["breaker"], "open");
}

#[tokio::test]
async fn a_breaker_that_was_set_by_hand_stays_until_it_is_given_back() {
    let app = app(breaking()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let set = async |state: Value| {
        app.put(&grace, "/api/v1/tasks/types/script/breaker", json!({"state": state})).await.status
    };
    queue_many(&app, &ada, 2, &[Step::Ok]).await;

    assert_eq!(set(json!("open")).await, 200);
    assert_eq!(app.work().await, 0);
    let now = seen(&app, &grace).await;
    assert_eq!((&now["breaker"], &now["is_breaker_manual"]), (&json!("open"), &json!(true)));
    assert_eq!(set(Value::Null).await, 200);
    assert_eq!(app.work().await, 2);

    assert_eq!(set(json!("closed")).await, 200);
    queue_many(&app, &ada, 5, &[Retry]).await;
    assert_eq!(app.work().await, 5);
    assert_eq!(seen(&app, &grace).await["breaker"], "closed", "it does not count any more");
    assert_eq!(set(json!("half_open")).await, 422);
    assert_eq!(set(json!("ajar")).await, 422);
    app.leaves_tasks(5);
}

#[tokio::test]
async fn an_operator_sees_depths_and_workers() {
    let app = app(Policy::default()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let mut urgent = script(&[Heed]);
    urgent["priority"] = json!("critical");
    let queued = [app.queue(&ada, script(&[Heed])).await, app.queue(&ada, urgent).await];
    let queue = app.get(&grace, "/api/v1/tasks/queue").await.data();
    let depths: Vec<_> =
        queue["lanes"].as_array().unwrap().iter().map(|lane| (&lane["priority"], &lane["ready"])).collect();
    assert_eq!(depths, [(&json!("critical"), &json!(1)), (&json!("normal"), &json!(1))]);
    assert!(queue["lanes"][1]["oldest_ready_seconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(queue["workers"], json!([]));

    let worker = tokio::spawn(worker::run(app.app.clone()));
    for id in queued {
        app.until(id, TaskStatus::Running).await;
    }
    let queue = app.get(&grace, "/api/v1/tasks/queue").await.data();
    assert_eq!(queue["lanes"], json!([]));
    let seen = &queue["workers"][0];
    let known: Vec<_> = app.app.kinds.iter().map(|kind| kind.name).collect();
    assert!(known.contains(&"mail") && known.contains(&"script"));
    assert_eq!(seen["task_types"], json!(known));
    assert!((0.0..=15.0).contains(&seen["lease_seconds"].as_f64().unwrap()), "{seen}");
    app.app.stopping.cancel();
    within_patience("the worker leaves", worker).await.unwrap();
    app.leaves_tasks(2);
}

#[tokio::test]
async fn a_type_that_an_administrator_enters_waits_for_a_worker_that_knows_it() {
    let app = app(Policy::default()).await;
    let root = app.register_as("Adele", Role::Admin).await;
    let define = async |name: &str| {
        app.post(&root, "/api/v1/tasks/types", json!({"task_type": name, "description": "by hand"})).await
    };
    assert_eq!(define("no blanks").await.fields(), ["task_type"]);
    assert_eq!(define("of_tomorrow").await.data()["description"], "by hand");
    assert_eq!(define("of_tomorrow").await.status, 200, "again is fine");
    let id = app.queue(&root, json!({"task_type": "of_tomorrow", "payload": {}})).await;
    assert_eq!(app.work().await, 0);
    assert_eq!(app.stored(id).await.status, TaskStatus::Pending);
    app.leaves_tasks(1);
}
