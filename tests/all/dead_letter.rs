//! Out of the dead letter, and out of the history.

use model::tasks::{DeadReason, RetryStrategy, TaskStatus};
use model::users::Role;
use serde_json::json;
use server::tasks::kinds::Policy;
use uuid::Uuid;

use crate::support::kinds::Step::{self, Fatal, Retry};
use crate::support::kinds::{script, scripted};
use crate::support::tasks::{sum, tomorrow};
use crate::support::{Person, TestApp};

async fn app() -> TestApp {
    let retry = RetryStrategy::Fixed { interval: 0.0, max_attempts: 2 };
    TestApp::with_kinds(scripted(Policy { retry, ..Policy::default() }), |_| ()).await
}

async fn dead(app: &TestApp, person: &Person) -> Uuid {
    let id = app.queue(person, script(&[Fatal])).await;
    app.work().await;
    assert_eq!(app.stored(id).await.status, TaskStatus::Failed);
    id
}

async fn audited(app: &TestApp, action: &str) -> Vec<serde_json::Value> {
    sqlx::query_scalar("select jsonb_build_object('by', actor_id, 'what', subject, 'details', details) from audit_log where action = $1")
        .bind(action)
        .fetch_all(&app.app.db)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_replay_is_the_same_task_with_its_attempts_counted_anew() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, script(&[Retry, Retry, Step::Ok])).await;
    assert_eq!(app.work().await, 2);
    assert_eq!(app.stored(id).await.dead_reason, Some(DeadReason::Exhausted));

    assert_eq!(app.retry(&ada, id).await.status, 200);
    let again = app.stored(id).await;
    assert_eq!((again.status, again.current_attempt, again.errors.len()), (TaskStatus::Pending, 0, 2));
    assert_eq!(app.retry(&ada, id).await.refusal(), (404, "TASK_NOT_FOUND".into()), "it is not dead any more");
    assert_eq!(app.work().await, 2);
    assert_eq!(app.errors(id).await.len(), 4, "and the old errors are kept");
    assert_eq!(audited(&app, "task.replay").await.len(), 1);
}

#[tokio::test]
async fn a_replay_with_another_payload_is_checked_and_audited() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let id = dead(&app, &ada).await;
    let path = format!("/api/v1/tasks/{id}/retry");
    let refused = app.post(&ada, &path, json!({"payload": {"steps": 7}})).await;
    assert_eq!(refused.fields(), ["payload"]);
    assert_eq!(app.stored(id).await.status, TaskStatus::Failed, "nothing has happened");

    assert_eq!(app.post(&ada, &path, json!({"payload": {"steps": ["ok"]}})).await.status, 200);
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);
    let audited = audited(&app, "task.replay").await;
    assert_eq!((&audited[0]["by"], &audited[0]["what"]), (&json!(ada.id), &json!(id)));
    assert_eq!(audited[0]["details"], json!({"task_type": "script", "reason": "fatal", "is_edited": true}));
}

#[tokio::test]
async fn a_settlement_from_before_the_replay_is_fenced_off() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let epoch = async |id: Uuid| -> i32 {
        let either =
            "select lease_epoch from tasks where id = $1 union all select lease_epoch from dead_tasks where id = $1";
        sqlx::query_scalar(either).bind(id).fetch_one(&app.app.db).await.unwrap()
    };
    let id = dead(&app, &ada).await;
    let before = epoch(id).await;
    app.retry(&ada, id).await;
    assert!(epoch(id).await > before, "the fencing number goes on");
    app.work().await;
}

#[tokio::test]
async fn only_what_has_ended_is_deleted_and_the_figures_follow() {
    let app = app().await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let alive = app.queue(&ada, tomorrow(sum(&[9]))).await;
    let (done, failed) = (app.queue(&ada, sum(&[1])).await, dead(&app, &ada).await);
    let figures = async || {
        let stats = app.get(&grace, "/api/v1/tasks/stats").await.data();
        assert_eq!(stats, app.get(&grace, "/api/v1/tasks/stats").await.data());
        (stats["total"].clone(), stats["completed"].clone(), stats["failed"].clone())
    };
    assert_eq!(figures().await, (json!(3), json!(1), json!(1)));

    let delete = async |id: Uuid| app.delete(&ada, &format!("/api/v1/tasks/{id}")).await;
    assert_eq!(delete(alive).await.refusal(), (404, "TASK_NOT_FOUND".into()));
    for id in [done, failed] {
        assert_eq!(delete(id).await.status, 200);
        assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{id}")).await.status, 404);
    }
    assert_eq!(figures().await, (json!(1), json!(0), json!(0)));
    app.leaves_tasks(1);
}

#[tokio::test]
async fn old_days_of_the_history_are_dropped_with_their_figures() {
    let app = app().await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let old = app.queue(&ada, sum(&[1])).await;
    app.work().await;
    app.pass_time(std::time::Duration::from_secs(40 * 24 * 3600)).await;
    let young = app.queue(&ada, sum(&[2])).await;
    app.work().await;

    // What lay in no day's table is moved into the one that is made for it.
    sqlx::query("select make_history_of((now() at time zone 'UTC')::date - 40)").execute(&app.app.db).await.unwrap();
    assert_eq!(app.stored(old).await.status, TaskStatus::Completed);
    let dropped = server::tasks::queue::prune_history(&app.app.db, 30).await.unwrap();
    assert!(dropped >= 1, "{dropped}");
    assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{old}")).await.status, 404);
    assert_eq!(app.stored(young).await.status, TaskStatus::Completed);
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.data()["completed"], 1);
}

#[tokio::test]
async fn nobody_changes_the_audit_log() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let id = dead(&app, &ada).await;
    app.retry(&ada, id).await;
    for statement in ["delete from audit_log", "update audit_log set action = 'x'", "truncate audit_log"] {
        let refused = sqlx::query(statement).execute(&app.app.db).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
    }
    app.work().await;
}
