//! What the program does for itself again and again: tasks that come by schedules of its own.

use std::time::Duration;

use model::tasks::TaskStatus;
use model::users::Role;
use serde_json::{Value, json};
use server::tasks::schedules;

use crate::support::tasks::sum;
use crate::support::{Person, TestApp, id_of};

const EXPIRED: &str = "maintenance: expired rows";

/// With the schedules that a worker enters when it begins.
async fn app() -> (TestApp, Person, Person) {
    let app = TestApp::start().await;
    schedules::enter(&app.app).await.unwrap();
    let grace = app.register_as("Grace", Role::Moderator).await;
    let alma = app.register_as("Alma", Role::Admin).await;
    (app, grace, alma)
}

async fn schedule(app: &TestApp, person: &Person, name: &str) -> Value {
    let all = app.get(person, "/api/v1/tasks/schedules").await.data();
    all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{all}")).clone()
}

fn path(schedule: &Value) -> String {
    format!("/api/v1/tasks/schedules/{}", schedule["id"].as_str().unwrap())
}

#[tokio::test]
async fn the_schedules_of_the_program_are_on_the_overview_and_are_run_now_with_their_counts() {
    let (app, grace, _) = app().await;
    let expired = schedule(&app, &grace, EXPIRED).await;
    assert!(expired["next_at"].is_string() && expired["last_at"].is_null(), "{expired}");
    let page = app.browser_of("Grace").await.open("/tasks/overview").await.text;
    for name in ["deleted accounts", "expired rows", "figures of the queue", "task history"] {
        assert!(page.contains(&format!("maintenance: {name}")), "{name}");
    }
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set idle_until = now() where user_id = $1").await;
    assert_eq!(app.post(&grace, &format!("{}/run", path(&expired)), json!({})).await.status, 200);
    assert_eq!(app.work().await, 1);
    let last = schedule(&app, &grace, EXPIRED).await["last_task_id"].as_str().unwrap().parse().unwrap();
    let done = app.stored(last).await;
    let result = done.result.unwrap();
    assert_eq!((done.status, &result["sessions"], &result["devices"]), (TaskStatus::Completed, &json!(1), &json!(0)));
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
}

#[tokio::test]
async fn each_of_them_comes_by_itself_and_does_what_it_is_for() {
    let (app, _, alma) = app().await;
    let old = app.queue(&alma, sum(&[1])).await;
    app.work().await;
    app.pass_time(Duration::from_secs(40 * 24 * 3600)).await;
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 4, "once for all times that were missed");
    assert_eq!(app.work().await, 4);
    assert_eq!(app.get(&alma, &format!("/api/v1/tasks/{old}")).await.status, 404, "the history");
    let figures: i64 = sqlx::query_scalar("select count(*) from task_stats where minute < now() - interval '7 days'")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert_eq!(figures, 0);
    let stats = app.get(&alma, "/api/v1/tasks/stats").await.data();
    assert_eq!((&stats["completed"], &stats["failed"]), (&json!(4), &json!(0)));
}

#[tokio::test]
async fn an_administrator_changes_the_time_or_pauses_it_and_no_restart_undoes_that() {
    let (app, grace, alma) = app().await;
    let expired = schedule(&app, &grace, EXPIRED).await;
    let with = |field: &str, value: Value| {
        let mut changed = expired.clone();
        changed[field] = value;
        changed
    };
    let moved = with("cron", json!("30 2 * * *"));
    assert_eq!(app.put(&grace, &path(&expired), moved.clone()).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(app.put(&alma, &path(&expired), moved).await.data()["cron"], "30 2 * * *");
    for (field, value) in [
        ("name", json!("mine")),
        ("task_type", json!("delay_task")),
        ("payload", json!({"upkeep": "figures"})),
        ("cron", json!("soon")),
    ] {
        assert_eq!(app.put(&alma, &path(&expired), with(field, value)).await.fields(), [field]);
    }
    let browser = app.browser_of("Alma").await;
    let id = expired["id"].as_str().unwrap();
    for (action, is_paused) in [("pause_schedule", true), ("resume_schedule", false), ("pause_schedule", true)] {
        let fields = [("new[action]", action), ("new[subject]", id), ("new[period]", "hour")];
        let done = browser.submit("/tasks/overview", "/api/tasks/command", &fields).await;
        assert_eq!(done.status, 302, "{}", done.text);
        assert_eq!(schedule(&app, &grace, EXPIRED).await["is_paused"], is_paused);
    }
    let page = format!("/tasks/schedules/{id}");
    let by_moderator = app.browser_of("Grace").await;
    let seen = by_moderator.open(&page).await.text;
    assert!(seen.contains("Administrators can change it") && !seen.contains("Change schedule"), "{seen}");
    let seen = browser.open(&page).await.text;
    assert!(seen.contains("Change schedule") && !seen.contains("Delete schedule"), "{seen}");
    let fields = [("new[action]", "resume_schedule"), ("new[subject]", id), ("new[period]", "hour")];
    assert_eq!(by_moderator.call("/api/tasks/command", &fields).await.status, 403);

    schedules::enter(&app.app).await.unwrap();
    let after = schedule(&app, &grace, EXPIRED).await;
    assert_eq!((&after["cron"], &after["is_paused"]), (&json!("30 2 * * *"), &json!(true)));
    assert_eq!(app.get(&grace, "/api/v1/tasks/schedules").await.data().as_array().unwrap().len(), 4);
    assert_eq!(app.delete(&alma, &path(&expired)).await.refusal(), (409, "CONFLICT".into()));
}

#[tokio::test]
async fn what_cannot_be_purged_keeps_nothing_else_from_being_purged() {
    let (app, grace, alma) = app().await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set idle_until = now() where user_id = $1").await;
    let key = json!({"name": "ci", "scopes": ["tasks:read"]});
    let key = id_of(&app.post(&alma, "/api/v1/api-keys", key).await.json()["data"]);
    app.change(key, "update api_keys set revoked_at = now() - interval '1 year' where id = $1").await;
    sqlx::query("alter table known_devices rename to canary_devices").execute(&app.app.db).await.unwrap();
    let expired = schedule(&app, &grace, EXPIRED).await;
    let task = app.post(&grace, &format!("{}/run", path(&expired)), json!({})).await.data();
    let task = task.as_str().unwrap().parse().unwrap();
    app.work().await;
    assert_eq!(app.stored(task).await.status, TaskStatus::Retrying);
    assert_eq!(app.errors(task).await[0], "Not done: devices");
    for table in ["select count(*) from sessions where idle_until <= now()", "select count(*) from api_keys"] {
        assert_eq!(sqlx::query_scalar::<_, i64>(table).fetch_one(&app.app.db).await.unwrap(), 0, "{table}");
    }
    // The cause names a table: for administrators only.
    let seen = async |person: &Person| app.task(person, task).await["errors"][0].to_string();
    assert!(seen(&alma).await.contains("known_devices") && !seen(&grace).await.contains("known_devices"));
    sqlx::query("alter table canary_devices rename to known_devices").execute(&app.app.db).await.unwrap();
    app.pass_time(Duration::from_secs(60)).await;
    app.work().await;
    assert_eq!(app.stored(task).await.status, TaskStatus::Completed);
}
