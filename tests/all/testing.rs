//! What those who build on the queue test with: one attempt at a time, what waits, and time that passes.

use std::time::Duration;

use model::tasks::{DeadReason, NewTask, Priority, RetryStrategy, TaskStatus};
use model::users::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use server::tasks::kinds::{BreakerPolicy, Context, Kind, Kinds, Policy, Stop, Work};
use server::tasks::queue::{self, Member};
use server::tasks::{enqueue, testing};

use crate::support::TestApp;
use crate::support::kinds::Step::{self, Fatal, Retry, RetryAfterAnHour, SnoozeForAnHour};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::{sum, tomorrow};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn app(policy: Policy) -> TestApp {
    TestApp::with_kinds(scripted(policy), |_| ()).await
}

/// Reminds somebody. Version 1 had `who`.
#[derive(Debug, PartialEq, Deserialize)]
struct Reminder {
    whom: String,
}

impl Work for Reminder {
    const NAME: &'static str = "reminder";
    const DESCRIPTION: &'static str = "Reminds somebody.";
    const VERSION: i16 = 2;

    fn policy() -> Policy {
        Policy { keep_completed: false, ..Policy::default() }
    }

    fn upcast(_: i16, mut payload: Value) -> Result<Value, Stop> {
        Ok(json!({"whom": payload["who"].take()}))
    }

    async fn run(self, _: &Context) -> Result<Value, Stop> {
        Ok(json!({"reminded": self.whom}))
    }
}

fn remind(whom: &str) -> NewTask {
    NewTask { task_type: Reminder::NAME.into(), payload: json!({"whom": whom}), ..NewTask::default() }
}

async fn reminding() -> TestApp {
    TestApp::with_kinds(Kinds::default().and(Kind::of::<Reminder>()), |_| ()).await
}

#[tokio::test]
async fn one_task_is_run_at_a_time_the_most_urgent_first() {
    let app = app(Policy::default()).await;
    let ada = app.register("Ada").await;
    let mut later = script(&[Step::Ok]);
    later["priority"] = json!("low");
    let (second, first) = (app.queue(&ada, later).await, app.queue(&ada, script(&[Step::Ok])).await);

    for id in [first, second] {
        let ran = testing::run_one(&app.app).await.unwrap().unwrap();
        assert_eq!((ran.id, ran.status, ran.result), (id, TaskStatus::Completed, Some(json!({"attempt": 1}))));
    }
    assert_eq!(testing::run_one(&app.app).await.unwrap(), None);
}

#[tokio::test]
async fn it_is_said_how_the_attempt_ended() {
    let app = app(Policy::default()).await;
    let ada = app.register("Ada").await;
    for (step, status, error, dead_reason) in [
        (RetryAfterAnHour, TaskStatus::Retrying, Some("busy"), None),
        (SnoozeForAnHour, TaskStatus::Pending, None, None),
        (Fatal, TaskStatus::Failed, Some("this will never work"), Some(DeadReason::Fatal)),
    ] {
        let id = app.queue(&ada, script(&[step])).await;
        let ran = testing::run_one(&app.app).await.unwrap().unwrap();
        assert_eq!((ran.id, ran.status, ran.error.as_deref(), ran.dead_reason), (id, status, error, dead_reason));
    }
    app.leaves_tasks(2);
}

#[tokio::test]
async fn a_kind_that_keeps_nothing_is_seen_to_complete_as_well() {
    let app = reminding().await;
    enqueue(&app.app, None, remind("Ada")).await.unwrap();
    let ran = testing::run_one(&app.app).await.unwrap().unwrap();
    assert_eq!((ran.status, ran.result), (TaskStatus::Completed, None));
}

#[tokio::test]
async fn what_waits_is_read_as_the_kind_reads_it() {
    let app = reminding().await;
    let ada = app.register("Ada").await;
    let urgent = NewTask { priority: Some(Priority::High), ..remind("Grace") };
    enqueue(&app.app, Some(ada.id), urgent).await.unwrap();
    let old = enqueue(&app.app, None, remind("?")).await.unwrap();
    app.change(old.id, r#"update tasks set payload = '{"who": "Ada"}', payload_version = 1 where id = $1"#).await;
    app.queue(&ada, sum(&[1])).await;

    let waiting = testing::waiting::<Reminder>(&app.app).await.unwrap();
    let told: Vec<_> = waiting.iter().map(|one| (one.payload.whom.as_str(), one.priority, one.owner)).collect();
    assert_eq!(told, [("Grace", Priority::High, Some(ada.id)), ("Ada", Priority::Normal, None)]);
    assert_eq!(app.work().await, 3);
    assert!(testing::waiting::<Reminder>(&app.app).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_enqueued_fails_the_test_and_the_message_says_what_is() {
    let app = reminding().await;
    enqueue(&app.app, None, remind("Ada")).await.unwrap();
    let ada = Reminder { whom: "Ada".into() };
    assert_eq!(testing::assert_enqueued(&app.app, &ada).await.payload, ada);
    let of_the_app = app.app.clone();
    let failed = tokio::spawn(async move {
        testing::assert_enqueued(&of_the_app, &Reminder { whom: "Grace".into() }).await;
    });
    let panic = failed.await.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("Grace") && message.contains("Ada"), "{message}");
    assert_eq!(app.work().await, 1);
}

#[tokio::test]
async fn what_waits_says_for_what() {
    let app = reminding().await;
    let ada = app.register("Ada").await;
    let chain = json!({"is_chain": true, "tasks": [
        {"task_type": "reminder", "payload": {"whom": "Ada"}},
        {"task_type": "reminder", "payload": {"whom": "Grace"}},
        tomorrow(json!({"task_type": "reminder", "payload": {"whom": "Adele"}}))]});
    assert_eq!(app.post(&ada, "/api/v1/tasks/batch", chain).await.status, 201);
    enqueue(&app.app, None, serde_json::from_value(tomorrow(json!(remind("Joan")))).unwrap()).await.unwrap();
    let waiting = testing::waiting::<Reminder>(&app.app).await.unwrap();
    let told: Vec<_> =
        waiting.iter().map(|one| (one.payload.whom.as_str(), one.waits_for, one.run_at.is_some())).collect();
    assert_eq!(told, [("Ada", 0, false), ("Grace", 1, false), ("Adele", 1, false), ("Joan", 0, true)]);

    // The time of a step counts while it waits for the one before it, too.
    testing::pass_time(&app.app, DAY).await.unwrap();
    assert_eq!(app.work().await, 4);
}

#[tokio::test]
async fn delays_and_retries_become_due_and_nothing_before_its_time() {
    let app = app(Policy::default()).await;
    let ada = app.register("Ada").await;
    let retried = app.queue(&ada, script(&[RetryAfterAnHour, Step::Ok])).await;
    let scheduled = app.queue(&ada, tomorrow(script(&[Step::Ok]))).await;
    assert_eq!(app.work().await, 1);

    app.pass_time(HOUR - Duration::from_secs(60)).await;
    assert_eq!(app.work().await, 0);
    app.pass_time(Duration::from_secs(60)).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(retried).await.status, TaskStatus::Completed);
    app.pass_time(DAY - HOUR).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(scheduled).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_lease_lapses_when_more_time_passes_than_it_has() {
    let app = TestApp::start().await;
    let member = Member { host: "here".into(), task_types: vec![], concurrency: 1 };
    let worker = queue::join(&app.app.db, &member, HOUR).await.unwrap();
    app.pass_time(HOUR / 2).await;
    assert!(queue::rescue(&app.app.db).await.unwrap().workers.is_empty());
    app.pass_time(HOUR / 2).await;
    assert_eq!(queue::rescue(&app.app.db).await.unwrap().workers, [worker]);
}

#[tokio::test]
async fn failures_of_long_ago_do_not_open_a_breaker() {
    let breaker = BreakerPolicy { failures: 3, window: HOUR, cooldown: HOUR, ..BreakerPolicy::default() };
    let retry = RetryStrategy::Fixed { interval: 86_400.0, max_attempts: 9 };
    let app = app(Policy { retry, breaker: Some(breaker), ..Policy::default() }).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let fail = async || {
        app.queue(&ada, script(&[Retry])).await;
        testing::run_one(&app.app).await.unwrap().unwrap();
    };
    let breaker = async || {
        let queue = app.get(&grace, "/api/v1/tasks/queue").await.data();
        queue["types"].as_array().unwrap().iter().find(|one| one["task_type"] == "script").unwrap()["breaker"].clone()
    };
    fail().await;
    fail().await;
    // Past the window, and before the retries.
    app.pass_time(HOUR + Duration::from_secs(1)).await;
    fail().await;
    assert_eq!(breaker().await, "closed", "one within the window");
    fail().await;
    fail().await;
    assert_eq!(breaker().await, "open");
    app.leaves_tasks(5);
}

#[tokio::test]
async fn ages_grow_and_figures_move_to_earlier_minutes() {
    let app = app(Policy::default()).await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    for at in 0..3 {
        app.queue(&ada, script(&[if at == 0 { Retry } else { Step::Ok }])).await;
        app.work().await;
        app.pass_time(Duration::from_secs(60)).await;
    }
    app.queue(&ada, sum(&[1])).await;
    let counted = async |path: &str| app.get(&grace, path).await.data();
    let minutes = counted("/api/v1/tasks/queue/minutes?minutes=60").await;
    let attempts = |minute: &Value| ["completed", "retried"].map(|name| minute[name].as_i64().unwrap());
    let total =
        minutes.as_array().unwrap().iter().map(attempts).fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    assert!(total[0] == 2 && total[1] >= 1, "{minutes}");

    app.pass_time(HOUR).await;
    assert_eq!(counted("/api/v1/tasks/queue/minutes?minutes=60").await, json!([]));
    let lanes = counted("/api/v1/tasks/queue").await["lanes"].clone();
    assert!(lanes[0]["oldest_ready_seconds"].as_f64().unwrap() >= 3600.0, "{lanes}");
    app.leaves_tasks(2);
}
