//! Tasks that come again and again, and tasks that wait for others.

use std::time::Duration;

use chrono::{TimeDelta, Timelike, Utc};
use model::tasks::{RetryStrategy, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use server::tasks::kinds::Policy;
use server::tasks::{queue, schedules};
use uuid::Uuid;

use crate::support::kinds::Step::{self, Fatal};
use crate::support::kinds::{script, scripted};
use crate::support::{Answer, Person, TestApp, id_of};

async fn app() -> TestApp {
    TestApp::with_kinds(scripted(Policy { retry: RetryStrategy::None, ..Policy::default() }), |_| ()).await
}

fn nightly() -> Value {
    json!({"name": "nightly", "task_type": "script", "payload": {"steps": ["ok"]}, "cron": "0 3 * * *", "time_zone": "Europe/Berlin",
        "priority": "high", "missed": "once"})
}

async fn make(app: &TestApp, grace: &Person, new: Value) -> Uuid {
    let made = app.post(grace, "/api/v1/tasks/schedules", new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    id_of(&made.json()["data"])
}

/// Whenever the test runs, the night is over after this.
const A_DAY: Duration = Duration::from_secs(25 * 3600);

#[tokio::test]
async fn a_schedule_that_is_due_queues_its_task_once_over_many_workers() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    make(&app, &grace, nightly()).await;
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 0, "not yet");

    app.pass_time(A_DAY).await;
    let fired = futures::future::join_all((0..6).map(|_| schedules::fire_due(&app.app))).await;
    assert_eq!(fired.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    let listed = app.get(&grace, "/api/v1/tasks/schedules").await.data();
    let task = app.task(&grace, serde_json::from_value(listed[0]["last_task_id"].clone()).unwrap()).await;
    assert_eq!((&task["task_type"], &task["priority"]), (&json!("script"), &json!("high")));
    assert!(listed[0]["next_at"].as_str() > listed[0]["last_at"].as_str(), "{listed}");
    assert_eq!(app.work().await, 1);
}

#[tokio::test]
async fn the_page_of_a_task_says_which_schedule_made_it_until_the_task_is_deleted() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let schedule = make(&app, &grace, nightly()).await;
    app.pass_time(A_DAY).await;
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 1);
    let by_time = app.get(&grace, "/api/v1/tasks/schedules").await.data()[0]["last_task_id"].clone();
    let by_hand = app.post(&grace, &format!("/api/v1/tasks/schedules/{schedule}/run"), json!({})).await;
    let by_hand = by_hand.data();
    let by_grace = app.queue(&grace, script(&[Step::Ok])).await;
    assert_eq!(app.work().await, 3);

    let browser = app.browser_of("Grace").await;
    let link = format!("<a href=\"/tasks/schedules/{schedule}\">the schedule “nightly”");
    for made in [&by_time, &by_hand] {
        let page = browser.open(&format!("/tasks/{}", made.as_str().expect("an id"))).await.text;
        assert!(page.contains(&link), "{page}");
    }
    assert!(!browser.open(&format!("/tasks/{by_grace}")).await.text.contains("Made by"));

    app.delete(&grace, &format!("/api/v1/tasks/{}", by_time.as_str().expect("an id"))).await.data();
    let left: Vec<Uuid> = sqlx::query_scalar("select task_id from task_origins").fetch_all(&app.app.db).await.unwrap();
    assert_eq!(json!(left), json!([by_hand]));

    sqlx::query("update task_origins set created_at = created_at - interval '31 days'")
        .execute(&app.app.db)
        .await
        .unwrap();
    assert_eq!(queue::purge_origins(&app.app.db, 30).await.unwrap(), 0, "its task is there");
    sqlx::query("delete from task_history").execute(&app.app.db).await.unwrap();
    assert_eq!(queue::purge_origins(&app.app.db, 30).await.unwrap(), 1);
}

#[tokio::test]
async fn on_its_page_a_schedule_gets_other_times_and_is_deleted() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = make(&app, &grace, nightly()).await.to_string();
    let browser = app.browser_of("Grace").await;
    let page = format!("/tasks/schedules/{id}");
    let times = |cron: &'static str, zone: &'static str| {
        [("id", id.clone()), ("new[cron]", cron.into()), ("new[time_zone]", zone.into()), ("new[missed]", "all".into())]
    };
    let submit = async |action: &str, fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submit(&page, action, &fields).await
    };
    let shown = async || app.get(&grace, "/api/v1/tasks/schedules").await.data()[0].clone();

    for (cron, zone, words) in [
        ("soon", "UTC", "is no cron pattern"),
        ("0 3 * * *", "Mars/Olympus", "is no name of the IANA"),
        ("0 0 30 2 *", "UTC", "never comes"),
    ] {
        let refused = submit("/api/tasks/set_times", &times(cron, zone)).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(words), "{}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{cron}\"")), "what was typed comes back");
    }
    assert_eq!(shown().await["cron"], "0 3 * * *");
    let changed = submit("/api/tasks/set_times", &times("*/5 * * * *", "Asia/Tokyo")).await;
    assert_eq!(changed.header("location"), "/tasks/overview?done=schedule-changed");
    let now = shown().await;
    assert_eq!(
        (&now["cron"], &now["time_zone"], &now["missed"]),
        (&json!("*/5 * * * *"), &json!("Asia/Tokyo"), &json!("all"))
    );
    assert_eq!(
        (&now["name"], &now["payload"], &now["priority"]),
        (&json!("nightly"), &nightly()["payload"], &json!("high"))
    );
    assert!(browser.open(&page).await.text.contains("Asia/Tokyo"));

    let gone = submit("/api/tasks/delete_schedule", &[("id", id.clone())]).await;
    assert_eq!(gone.header("location"), "/tasks/overview?done=schedule-deleted");
    assert_eq!(app.get(&grace, "/api/v1/tasks/schedules").await.data(), json!([]));
    assert_eq!(browser.open(&page).await.status, 404);
}

/// Two of its times are over after two hours: it comes at the minute that is half an hour away.
fn hourly(missed: &str) -> Value {
    let minute = (Utc::now() + TimeDelta::minutes(30)).minute();
    json!({"name": missed, "task_type": "script", "payload": {"steps": ["ok"]}, "cron": format!("{minute} * * * *"), "time_zone": "UTC",
        "missed": missed})
}

#[tokio::test]
async fn what_a_schedule_missed_is_made_up_for_by_its_policy() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    for missed in ["all", "once", "skip"] {
        make(&app, &grace, hourly(missed)).await;
    }
    app.pass_time(Duration::from_secs(2 * 3600)).await;
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 2 + 1, "all of two, one of two, none");
    let listed = app.get(&grace, "/api/v1/tasks/schedules").await.data();
    let has_queued = listed.as_array().unwrap().iter().map(|schedule| schedule["last_task_id"].is_string());
    assert_eq!(has_queued.collect::<Vec<_>>(), [true, true, false], "{listed}");
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 0, "what was skipped is not due any more");
    assert_eq!(app.work().await, 3);
}

#[tokio::test]
async fn a_paused_schedule_does_not_fire_until_it_goes_on() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = make(&app, &grace, nightly()).await;
    let mut paused = nightly();
    paused["is_paused"] = json!(true);
    let path = format!("/api/v1/tasks/schedules/{id}");
    assert_eq!(app.put(&grace, &path, paused).await.data()["is_paused"], true);
    app.pass_time(A_DAY).await;
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 0);

    assert_eq!(app.put(&grace, &path, nightly()).await.status, 200);
    assert_eq!(schedules::fire_due(&app.app).await.unwrap(), 0, "its next time is counted from now");
    assert_eq!(app.post(&grace, &format!("{path}/run"), json!({})).await.status, 200);
    assert_eq!(app.work().await, 1, "but it can be run at any time");
    assert_eq!(app.delete(&grace, &path).await.status, 204);
    assert_eq!(app.delete(&grace, &path).await.refusal(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_refused_at_its_fields() {
    let app = app().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let with = async |field: &str, value: Value| {
        let mut new = nightly();
        new[field] = value;
        app.post(&grace, "/api/v1/tasks/schedules", new).await
    };
    for (field, value) in [
        ("name", json!("")),
        ("cron", json!("soon")),
        ("cron", json!("0 0 31 2 *")),
        ("time_zone", json!("Atlantis")),
        ("task_type", json!("nope")),
        ("payload", json!({})),
    ] {
        let refused = with(field, value.clone()).await;
        assert_eq!((refused.status, refused.fields()), (400, vec![field.to_owned()]), "{value}");
    }
    assert_eq!(with("missed", json!("maybe")).await.status, 422);
    make(&app, &grace, nightly()).await;
    assert_eq!(with("cron", json!("* * * * *")).await.refusal(), (409, "CONFLICT".into()), "the name is taken");
}

async fn batch(app: &TestApp, person: &Person, tasks: &[&[Step]], more: Value) -> Answer {
    let mut new = json!({"tasks": tasks.iter().map(|steps| script(steps)).collect::<Vec<_>>()});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post(person, "/api/v1/tasks/batch", new).await
}

fn ids(queued: &Answer) -> Vec<Uuid> {
    assert_eq!(queued.status, 201, "{}", queued.text);
    serde_json::from_value(queued.json()["data"]["ids"].clone()).unwrap()
}

#[tokio::test]
async fn a_batch_is_queued_as_a_whole_or_not_at_all() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let refused = app
        .post(
            &ada,
            "/api/v1/tasks/batch",
            json!({"tasks": [script(&[Step::Ok]), {"task_type": "nope", "payload": {}}]}),
        )
        .await;
    assert_eq!((refused.status, refused.fields()), (400, vec!["tasks[1].task_type".to_owned()]));
    let refused = app.post(&ada, "/api/v1/tasks/batch", json!({"tasks": []})).await;
    assert_eq!(refused.fields(), ["tasks"]);
    assert_eq!(app.work().await, 0);

    let queued = batch(&app, &ada, &[&[Step::Ok], &[Step::Ok]], json!({})).await;
    assert_eq!((ids(&queued).len(), app.work().await), (2, 2));
}

#[tokio::test]
async fn the_callback_of_a_batch_runs_when_all_have_ended_however_that_was() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let queued =
        batch(&app, &ada, &[&[Step::Ok], &[Fatal], &[Step::Ok]], json!({"callback": script(&[Step::Ok])})).await;
    let members = ids(&queued);
    let callback: Uuid = serde_json::from_value(queued.json()["data"]["callback_id"].clone()).unwrap();
    assert_eq!(app.task(&ada, callback).await["status"], "pending");
    app.cancel(&ada, members[2]).await;
    assert_eq!(app.work().await, 3, "two members, then the callback");
    let started = async |id| app.stored(id).await.started_at.unwrap();
    assert!(started(callback).await >= started(members[1]).await);
    assert_eq!(app.stored(members[1]).await.status, TaskStatus::Failed);
    assert_eq!(app.stored(callback).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_chain_runs_step_by_step_and_waits_for_a_step_that_failed() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let chain = ids(&batch(&app, &ada, &[&[Step::Ok], &[Fatal], &[Step::Ok]], json!({"is_chain": true})).await);
    assert_eq!(app.work().await, 2);
    assert_eq!(app.stored(chain[2]).await.status, TaskStatus::Pending, "it waits for the replay");
    let mended = json!({"payload": {"steps": ["ok"]}});
    app.post(&ada, &format!("/api/v1/tasks/{}/retry", chain[1]), mended).await.data();
    assert_eq!(app.work().await, 2);
    assert_eq!(app.stored(chain[2]).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn the_page_of_a_step_names_those_before_and_after_it_also_when_all_have_ended() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let chain = ids(&batch(&app, &ada, &[&[Step::Ok], &[Step::Ok], &[Step::Ok]], json!({"is_chain": true})).await);
    assert_eq!(app.work().await, 3);
    let browser = app.browser_of("Ada").await;
    let page = browser.open(&format!("/tasks/{}", chain[1])).await.text;
    let [after, followed] = ["Comes after", "Followed by"].map(|head| page.find(head).expect(head));
    let [first, last] = [chain[0], chain[2]].map(|id| page.find(&format!("href=\"/tasks/{id}\"")).expect("a link"));
    assert!(after < first && first < followed && followed < last, "{page}");

    app.delete(&ada, &format!("/api/v1/tasks/{}", chain[0])).await.data();
    assert!(!browser.open(&format!("/tasks/{}", chain[1])).await.text.contains("Comes after"));

    sqlx::query("update task_relations set created_at = created_at - interval '31 days'")
        .execute(&app.app.db)
        .await
        .unwrap();
    assert_eq!(queue::purge_relations(&app.app.db, 30).await.unwrap(), 0, "both can be looked at");
    sqlx::query("delete from task_history where id = $1").bind(chain[2]).execute(&app.app.db).await.unwrap();
    assert_eq!(queue::purge_relations(&app.app.db, 30).await.unwrap(), 1);
}

#[tokio::test]
async fn when_a_step_of_a_chain_is_cancelled_so_are_those_after_it() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let chain =
        ids(&batch(&app, &ada, &[&[Step::Ok], &[Step::Ok], &[Step::Ok], &[Step::Ok]], json!({"is_chain": true})).await);
    app.cancel(&ada, chain[1]).await;
    assert_eq!(app.work().await, 1);
    for id in &chain[1..] {
        assert_eq!(app.stored(*id).await.status, TaskStatus::Cancelled);
    }
    let failing = ids(&batch(&app, &ada, &[&[Fatal], &[Step::Ok]], json!({"is_chain": true})).await);
    app.work().await;
    app.delete(&ada, &format!("/api/v1/tasks/{}", failing[0])).await.data();
    assert_eq!(app.stored(failing[1]).await.status, TaskStatus::Cancelled, "nothing can replay what is deleted");
    let left: i64 = sqlx::query_scalar("select count(*) from task_dependencies").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(left, 0);
}
