//! Tasks through the REST door, with the worker driven by the test.

use chrono::{Duration, Utc};
use model::tasks::TaskStatus;
use model::users::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::tasks::{delay, sum};
use crate::support::{Person, TestApp, id_of, within_patience};

#[tokio::test]
async fn a_queued_task_is_done_and_shows_its_result() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, sum(&[1, 2, 39])).await;
    let waiting = app.task(&ada, id).await;
    assert_eq!((&waiting["status"], &waiting["current_attempt"]), (&json!("pending"), &json!(0)));
    assert_eq!((&waiting["priority"], &waiting["max_attempts"]), (&json!("normal"), &json!(5)));
    assert_eq!((&waiting["created_by"], &waiting["metadata"]), (&json!(ada.id), &json!({})));

    assert_eq!(app.work().await, 1);
    let done = app.task(&ada, id).await;
    assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &json!({"sum": 42.0})));
    assert_eq!(done["current_attempt"], 1);
    assert!(done["started_at"].is_string() && done["completed_at"].is_string(), "{done}");
}

#[tokio::test]
async fn a_task_that_is_scheduled_waits_for_its_time() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut later = sum(&[1]);
    later["scheduled_at"] = json!(Utc::now() + Duration::hours(1));
    let id = app.queue(&ada, later).await;

    assert_eq!(app.work().await, 0);
    app.pass_time(std::time::Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.task(&ada, id).await["status"], "completed");
}

#[tokio::test]
async fn a_waiting_task_is_cancelled_at_once_and_never_runs() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, delay(3600)).await;
    assert_eq!(app.cancel(&ada, id).await.status, 200);

    assert_eq!(app.task(&ada, id).await["status"], "cancelled");
    assert_eq!(app.work().await, 0);
    assert_eq!(app.cancel(&ada, id).await.refusal(), (400, "INVALID_INPUT".into()), "it has ended");
}

#[tokio::test]
async fn a_running_task_is_told_to_stop_and_stops() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let working = tokio::spawn(server::tasks::worker::run(app.app.clone()));
    let id = app.queue(&ada, delay(3600)).await;
    app.until(id, TaskStatus::Running).await;

    let told = app.cancel(&ada, id).await.data();
    assert_eq!(told, "The task was told to stop");
    let stopped = app.until(id, TaskStatus::Cancelled).await;
    assert_eq!((stopped.current_attempt, stopped.result), (1, None));

    app.app.stopping.cancel();
    within_patience("the worker leaves", working).await.unwrap();
    let workers: i64 = sqlx::query_scalar("select count(*) from workers").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(workers, 0, "it signed off");
}

#[tokio::test]
async fn a_worker_wakes_up_for_a_task_without_waiting_for_its_next_look() {
    let app = TestApp::with(|config| config.worker.poll_interval_ms = 3_600_000).await;
    let ada = app.register("Ada").await;
    let working = tokio::spawn(server::tasks::worker::run(app.app.clone()));
    for numbers in [[1, 2], [3, 4]] {
        let id = app.queue(&ada, sum(&numbers)).await;
        app.until(id, TaskStatus::Completed).await;
    }
    app.app.stopping.cancel();
    within_patience("the worker leaves", working).await.unwrap();
}

#[tokio::test]
async fn a_wait_that_would_end_after_its_deadline_is_given_up_at_once() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let deadline = Utc::now() + Duration::minutes(1);
    let new = json!({"task_type": "delay_task", "payload": {"delay_seconds": 3600, "deadline": deadline}});
    let id = app.queue(&ada, new).await;

    assert_eq!(app.work().await, 1);
    let failed = app.task(&ada, id).await;
    assert_eq!((&failed["status"], &failed["current_attempt"]), (&json!("failed"), &json!(1)), "{failed}");
    assert_eq!(failed["last_error"], "The wait would end after the deadline");
    assert_eq!(app.work().await, 0, "a dead letter is not tried again");
}

#[tokio::test]
async fn a_task_of_an_unknown_or_switched_off_type_is_refused() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    sqlx::query("update task_types set is_active = false where name = 'delay_task'")
        .execute(&app.app.db)
        .await
        .unwrap();

    for new in [delay(1), json!({"task_type": "nope", "payload": {}})] {
        let refused = app.post(&ada, "/api/v1/tasks", new).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_FAILED".into()));
        assert!(refused.text.contains("not registered"), "{}", refused.text);
    }
    // A worker that starts enters its types again; what an administrator switched off stays off.
    app.work().await;
    assert_eq!(app.post(&ada, "/api/v1/tasks", delay(1)).await.status, 400);
}

#[tokio::test]
async fn what_a_type_does_not_take_is_refused_at_its_field() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let of = |kind: &str, payload: Value| json!({"task_type": kind, "payload": payload});
    let with = |name: &str, value: Value| {
        let mut new = delay(1);
        new[name] = value;
        new
    };
    let far = Utc::now() + Duration::days(366);
    for (new, field) in [
        (of("delay_task", json!({"delay_seconds": -1})), "payload.delay_seconds"),
        (of("delay_task", json!({"delay_seconds": "long"})), "payload"),
        (of("delay_task", json!(null)), "payload"),
        (of("data_processing", json!({"operation": "mean", "data": []})), "payload.data"),
        (of("data_processing", json!({"operation": "guess", "data": [1]})), "payload"),
        (with("metadata", json!({"a b": 1})), "metadata"),
        (with("scheduled_at", json!(far)), "scheduled_at"),
        (with("scheduled_at", json!(Utc::now() - Duration::minutes(61))), "scheduled_at"),
        (with("retry_strategy", json!({"fixed": {"interval": -1, "max_attempts": 3}})), "retry_strategy"),
    ] {
        let refused = app.post(&ada, "/api/v1/tasks", new.clone()).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_FAILED".into()), "{new}");
        assert_eq!(refused.fields(), [field], "{new}");
    }
    let many: serde_json::Map<_, _> = (0..17).map(|key| (format!("key{key}"), json!("x".repeat(4000)))).collect();
    let long = of("data_processing", json!({"operation": "sum", "data": vec![0.123_456_789; 100_000]}));
    for (new, limit) in [(with("metadata", json!(many)), "64KB"), (long, "1MB")] {
        let refused = app.post(&ada, "/api/v1/tasks", new).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(limit), "{}", refused.text);
    }
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.data(), json!([]));
}

#[tokio::test]
async fn a_strangers_task_is_not_found_but_a_moderator_sees_it() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = app.queue(&ada, delay(3600)).await;
    let path = format!("/api/v1/tasks/{id}");

    assert_eq!(app.get(&bob, &path).await.refusal(), (404, "TASK_NOT_FOUND".into()));
    assert_eq!(app.cancel(&bob, id).await.refusal(), (404, "TASK_NOT_FOUND".into()));
    assert_eq!(app.get(&bob, "/api/v1/tasks").await.data(), json!([]));
    assert_eq!(app.task(&ada, id).await["status"], "pending", "nothing has happened to it");

    assert_eq!(id_of(&app.get(&grace, &path).await.data()), id);
    assert_eq!(ids(&app, &grace, "").await, [id]);
    assert_eq!(app.cancel(&grace, id).await.status, 200);
    assert_eq!(app.task(&ada, id).await["status"], "cancelled");
}

async fn ids(app: &TestApp, person: &Person, query: &str) -> Vec<Uuid> {
    let list = app.get(person, &format!("/api/v1/tasks{query}")).await.data();
    list.as_array().unwrap().iter().map(id_of).collect()
}

#[tokio::test]
async fn a_list_is_limited_to_what_was_asked_for() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let done = app.queue(&ada, sum(&[1])).await;
    app.work().await;
    let mut urgent = delay(3600);
    urgent["priority"] = json!("high");
    let urgent = app.queue(&ada, urgent).await;
    let other = app.queue(&ada, sum(&[2])).await;
    app.leaves_tasks(2);

    assert_eq!(ids(&app, &ada, "").await, [other, urgent, done], "the newest first");
    assert_eq!(ids(&app, &ada, "?status=completed").await, [done]);
    assert_eq!(ids(&app, &ada, "?task_type=delay_task").await, [urgent]);
    assert_eq!(ids(&app, &ada, "?priority=high&status=pending").await, [urgent]);
    assert_eq!(ids(&app, &ada, "?task_type=data_processing&status=pending").await, [other]);
    assert_eq!(ids(&app, &ada, "?task_type=%27%20or%201%3D1").await, [] as [Uuid; 0]);
    assert_eq!(ids(&app, &ada, "?nonsense=1&limit=100000").await.len(), 3, "what is not known is ignored");
    assert_eq!(ids(&app, &ada, "?limit=1&offset=1").await, [urgent]);
}

#[tokio::test]
async fn a_long_list_is_read_part_by_part_while_others_add_to_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.insert(0, app.queue(&ada, sum(&[number])).await);
    }

    let (mut next, mut seen) = (Some("/api/v1/tasks?task_type=data_processing&limit=2".to_owned()), Vec::new());
    let mut totals = Vec::new();
    while let Some(path) = next.take() {
        let part = app.get(&ada, &path).await;
        totals.push(part.header("x-total-count").to_owned());
        seen.extend(part.data().as_array().unwrap().iter().map(id_of));
        next =
            part.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).map(Into::into);
        app.queue(&ada, sum(&[0])).await;
    }
    assert_eq!(seen, expected, "none twice, none left out");
    assert_eq!(totals, ["5", "6", "7"]);
    app.work().await;
}

#[tokio::test]
async fn the_figures_count_each_state_over_all_people() {
    let app = TestApp::start().await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    app.queue(&ada, sum(&[1])).await;
    app.work().await;
    let cancelled = app.queue(&grace, delay(1)).await;
    app.cancel(&grace, cancelled).await;
    app.queue(&ada, delay(3600)).await;
    app.leaves_tasks(1);

    let expected =
        json!({"total": 3, "pending": 1, "running": 0, "completed": 1, "failed": 0, "cancelled": 1, "retrying": 0});
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.data(), expected);
}

#[tokio::test]
async fn a_moderator_is_told_the_name_of_the_owner_as_long_as_there_is_one() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.register_as("Grace", Role::Moderator).await;
    let id = app.queue(&ada, sum(&[1])).await;
    app.work().await;
    let pages = [format!("/tasks/{id}"), "/tasks?column=owner&type=data_processing".into()];
    let (of_ada, of_grace) = (app.browser_of("Ada").await, app.browser_of("Grace").await);
    for page in &pages {
        // Without the marks that the client looks for.
        let seen = of_grace.open(page).await.text.replace("<!>", "");
        assert!(seen.contains(&format!("<a href=\"/users/{}\">Ada</a>", ada.id)), "{seen}");
        let own = of_ada.open(page).await.text;
        assert!(own.contains("completed") && !own.contains("Owner"), "{own}");
    }
    app.change(ada.id, "delete from users where id = $1").await;
    for page in &pages {
        assert!(of_grace.open(page).await.text.contains("somebody"), "{page}");
    }
}
