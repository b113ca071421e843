//! Reports, as files of their owner; and what else leaves something for people: notifications, figures of CSV.

use std::time::Duration;

use chrono::Utc;
use model::tasks::{DeadReason, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::tasks::sum;
use crate::support::{Answer, Person, TestApp};

fn report(about: &str, format: &str) -> Value {
    let today = Utc::now().date_naive();
    // A test may run through midnight.
    let (start, end) = (today - chrono::Days::new(1), today + chrono::Days::new(1));
    json!({"task_type": "report_generation",
        "payload": {"report_type": about, "start_date": start, "end_date": end, "format": format}})
}

async fn file(app: &TestApp, person: &Person, id: Uuid) -> Answer {
    app.get(person, &format!("/api/v1/tasks/{id}/file")).await
}

#[tokio::test]
async fn a_user_gets_a_file_of_own_tasks_and_a_moderator_of_all() {
    let app = TestApp::start().await;
    let (ada, bob, grace) =
        (app.register("Ada").await, app.register("Bob").await, app.register_as("Grace", Role::Moderator).await);
    let (of_ada, of_bob) = (app.queue(&ada, sum(&[1])).await, app.queue(&bob, sum(&[2])).await);
    assert_eq!(app.work().await, 2);
    let (own, all) = (app.queue(&ada, report("tasks", "csv")).await, app.queue(&grace, report("tasks", "csv")).await);
    assert_eq!(app.work().await, 2);

    let answer = file(&app, &ada, own).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    let name = app.stored(own).await.result.unwrap()["file"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    assert!(name.starts_with("tasks-") && name.ends_with(".csv"), "{name}");
    assert!(answer.text.starts_with("id,type,status,priority,"), "{}", answer.text);
    assert!(answer.text.contains(&format!("{of_ada},data_processing,completed,normal,1,Ada,")), "{}", answer.text);
    assert!(!answer.text.contains(&of_bob.to_string()), "{}", answer.text);
    let of_all = file(&app, &grace, all).await.text;
    assert!(of_all.contains(&of_ada.to_string()) && of_all.contains(&of_bob.to_string()), "{of_all}");

    // Its owner's only: others may see the task, and not what it holds.
    assert_eq!((file(&app, &bob, own).await.status, file(&app, &grace, own).await.status), (404, 404));
    let page = app.browser_of("Ada").await.open(&format!("/tasks/{own}")).await;
    assert!(page.text.contains(&format!("href=\"/api/v1/tasks/{own}/file\"")), "{}", page.text);
}

#[tokio::test]
async fn accounts_and_the_queue_are_for_moderators_within_what_they_may_see() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (grace, mary) = (app.register_as("Grace", Role::Moderator).await, app.register_as("Mary", Role::Admin).await);
    for about in ["users", "monitoring"] {
        let refused = app.post(&ada, "/api/v1/tasks", report(about, "csv")).await;
        assert_eq!(refused.refusal(), (403, "FORBIDDEN".into()), "{about}");
    }
    let (few, all) =
        (app.queue(&grace, report("users", "html")).await, app.queue(&mary, report("users", "html")).await);
    assert_eq!(app.work().await, 2);
    let (few, all) = (file(&app, &grace, few).await, file(&app, &mary, all).await);
    assert_eq!(few.header("content-type"), "text/html; charset=utf-8");
    assert!(few.text.contains("ada@example.com") && !few.text.contains("mary@example.com"), "{}", few.text);
    assert!(all.text.contains("mary@example.com"), "{}", all.text);

    let hours = app.queue(&grace, report("monitoring", "csv")).await;
    assert_eq!(app.work().await, 1);
    let hours = file(&app, &grace, hours).await;
    assert!(
        hours.text.starts_with("hour,type,completed,") && hours.text.contains("report_generation,"),
        "{}",
        hours.text
    );
}

#[tokio::test]
async fn who_lost_the_role_meanwhile_gets_nothing() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = app.queue(&grace, report("users", "csv")).await;
    app.make(&grace, Role::User).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.dead_reason, Some(DeadReason::Fatal));
    assert_eq!(file(&app, &grace, id).await.status, 404);
}

#[tokio::test]
async fn an_excel_file_can_be_fetched_until_its_time_is_over_or_its_task_is_deleted() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let (first, second) =
        (app.queue(&ada, report("tasks", "xlsx")).await, app.queue(&ada, report("tasks", "xlsx")).await);
    assert_eq!(app.work().await, 2);
    let answer = file(&app, &ada, first).await;
    let excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!((answer.status, answer.header("content-type")), (200, excel));
    assert!(answer.text.starts_with("PK"), "a ZIP");

    app.change(first, "update task_files set expires_at = now() - interval '1 second' where task_id = $1").await;
    assert_eq!(file(&app, &ada, first).await.status, 404);
    assert_eq!(app.delete(&ada, &format!("/api/v1/tasks/{second}")).await.status, 200);
    assert_eq!(file(&app, &ada, second).await.status, 404);
}

#[tokio::test]
async fn a_notification_tells_its_owner_once_when_its_time_has_come() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let remind = json!({"task_type": "notification", "payload": {"text": "Water the plants", "href": "/notes"},
        "scheduled_at": Utc::now() + chrono::TimeDelta::hours(1)});
    let id = app.queue(&ada, remind).await;
    assert_eq!(app.work().await, 0);
    app.pass_time(Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);
    let told = app.get(&ada, "/api/v1/notifications").await.data();
    assert_eq!((told.as_array().map(Vec::len), &told[0]["text"]), (Some(1), &json!("Water the plants")));
    assert_eq!(told[0]["href"], "/notes");
}

#[tokio::test]
async fn figures_of_csv_are_computed_by_group() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let payload = json!({"operation": "sum", "csv": "city,amount\nRome,1\nOslo,2\nRome,3\n", "column": "amount", "group_by": "city"});
    let id = app.queue(&ada, json!({"task_type": "data_processing", "payload": payload})).await;
    let odd = json!({"operation": "sum", "csv": "city,amount\nRome,one\n", "column": "amount"});
    let wrong = app.queue(&ada, json!({"task_type": "data_processing", "payload": odd})).await;
    assert_eq!(app.work().await, 2);
    let result = app.stored(id).await.result.unwrap();
    assert_eq!(result["groups"], json!({"Oslo": {"sum": 2.0}, "Rome": {"sum": 4.0}}));
    assert_eq!(app.errors(wrong).await, ["Row 1: \"one\" is no number"]);
}
