//! Where in the program an attempt failed: administrators are shown that, and nobody else by any door.

use model::tasks::RetryStrategy;
use model::users::Role;
use serde_json::{Value, json};
use server::config::MailTransport;
use server::tasks::kinds::Policy;
use server::tasks::queue;
use uuid::Uuid;

use crate::support::kinds::Step::{self, Panic};
use crate::support::kinds::{script, scripted};
use crate::support::{Answer, Person, TestApp};

/// In the trace of a task that panics, and in nothing else.
const CANARIES: [&str; 3] = ["support::kinds", "support/kinds.rs", "Panicked at"];

async fn app() -> TestApp {
    TestApp::with_kinds(scripted(Policy { retry: RetryStrategy::None, ..Policy::default() }), |_| ()).await
}

async fn kept(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from attempt_traces").fetch_one(&app.app.db).await.unwrap()
}

fn holds(answer: &Answer) -> Vec<&'static str> {
    let headers = format!("{:?}", answer.headers);
    CANARIES.into_iter().filter(|canary| answer.text.contains(canary) || headers.contains(canary)).collect()
}

async fn answers(app: &TestApp, person: &Person, id: Uuid) -> Vec<(String, Answer)> {
    let browser = app.browser_of(&person.name).await;
    let mut answers = Vec::new();
    for path in [
        format!("/api/v1/tasks/{id}"),
        "/api/v1/tasks".into(),
        "/api/v1/tasks?status=failed".into(),
        "/api/v1/tasks/dead-letter".into(),
        format!("/api/v1/tasks/{id}/deliveries"),
    ] {
        answers.push((path.clone(), app.get(person, &path).await));
    }
    for path in [format!("/tasks/{id}"), format!("/tasks/{id}/retry"), "/tasks".into(), "/tasks/dead".into()] {
        answers.push((path.clone(), browser.open(&path).await));
    }
    let get = browser.call("/api/tasks/get", &[("id", &id.to_string())]).await;
    answers.push(("the server function".into(), get));
    answers
}

#[tokio::test]
async fn the_way_to_a_panic_is_shown_to_administrators_and_to_nobody_else() {
    let app = app().await;
    let ada = app.register("Ada").await;
    let (grace, alma) = (app.register_as("Grace", Role::Moderator).await, app.register_as("Alma", Role::Admin).await);
    let mut watches = [app.watch(&ada).await, app.watch(&grace).await];
    let id = app.queue(&ada, script(&[Panic])).await;
    app.work().await;
    assert_eq!(kept(&app).await, 1);
    for person in [&ada, &grace] {
        for (door, answer) in answers(&app, person, id).await {
            assert_eq!(answer.status, 200, "{door}");
            assert_eq!(holds(&answer), Vec::<&str>::new(), "{door} for {}", person.name);
        }
        assert!(app.task(person, id).await["errors"][0]["error"].as_str().unwrap().contains("out of cheese"));
        // A text that is looked for would tell what is in it.
        let found = app.get(person, "/api/v1/tasks?text=support::kinds").await.data();
        assert_eq!(found, json!([]));
    }
    for watch in &mut watches {
        let mut status = Value::Null;
        while status != "failed" {
            let event = watch.next().await;
            assert!(!CANARIES.iter().any(|canary| event.data.to_string().contains(canary)), "{event:?}");
            status = event.data["status"].clone();
        }
    }
    let shown: Vec<_> =
        answers(&app, &alma, id).await.into_iter().filter(|(_, answer)| !holds(answer).is_empty()).collect();
    let doors: Vec<_> = shown.iter().map(|(door, _)| door.clone()).collect();
    // The page for another payload reads the task by the same function.
    let retry = format!("/tasks/{id}/retry");
    assert_eq!(doors, [format!("/api/v1/tasks/{id}"), format!("/tasks/{id}"), retry, "the server function".into()]);
    let trace = app.task(&alma, id).await["errors"][0]["trace"].as_str().unwrap().to_owned();
    assert!(trace.starts_with("Panicked at tests/all/support/kinds.rs:") && trace.len() <= 16_000, "{trace}");
    assert!(!trace.contains("keep_backtraces"), "{trace}");
}

#[tokio::test]
async fn the_causes_of_an_error_are_for_administrators_and_everybody_else_is_told_in_words() {
    let app = app().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    sqlx::query("alter table task_files rename to canary_files").execute(&app.app.db).await.unwrap();
    let report = json!({"report_type": "tasks", "start_date": "2026-11-01", "end_date": "2026-11-02"});
    let new = json!({"task_type": "report_generation", "payload": report, "retry_strategy": "none"});
    let id = app.queue(&ada, new).await;
    app.work().await;
    let seen = app.task(&ada, id).await["errors"][0].clone();
    assert_eq!((&seen["error"], &seen["trace"]), (&json!("The database did not do it"), &Value::Null));
    let trace = app.task(&alma, id).await["errors"][0]["trace"].clone();
    assert!(trace.as_str().unwrap().contains(r#"relation "task_files" does not exist"#), "{trace}");
}

#[tokio::test]
async fn what_the_network_said_of_a_letter_and_a_webhook_is_for_administrators() {
    let app = TestApp::with(|config| {
        // Nobody listens on the port of discarded packets.
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_url = Some("smtp://127.0.0.1:9".to_owned().into());
        config.webhook.allowed_networks = vec!["127.0.0.1/32".parse().expect("a network")];
        config.webhook.allowed_ports = vec![9];
    })
    .await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let letter = json!({"to": "ada@example.com", "subject": "Hello", "body": "Hello"});
    let letter = app.queue(&ada, json!({"task_type": "email", "payload": letter})).await;
    let hook = json!({"url": "http://127.0.0.1:9/?key=canary", "method": "POST"});
    let hook = app.queue(&ada, json!({"task_type": "webhook", "payload": hook})).await;
    app.work().await;
    for (id, words) in [(letter, "The mail server cannot be reached"), (hook, "The server cannot be reached")] {
        let seen = app.task(&ada, id).await["errors"][0].clone();
        assert_eq!((&seen["error"], &seen["trace"]), (&json!(words), &Value::Null));
        let trace = app.task(&alma, id).await["errors"][0]["trace"].as_str().expect("a trace").to_owned();
        assert!(trace.contains("Connection refused") && !trace.contains("canary"), "{trace}");
    }
    app.leaves_tasks(2);
}

#[tokio::test]
async fn a_trace_goes_with_its_task_and_stays_as_long_as_that_can_be_run_again() {
    let app = app().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let strategy = json!({"fixed": {"interval": 0, "max_attempts": 2}});
    let mut mended = script(&[Panic, Step::Ok]);
    mended["retry_strategy"] = strategy;
    let (mended, dead, gone) = (
        app.queue(&ada, mended).await,
        app.queue(&ada, script(&[Panic])).await,
        app.queue(&ada, script(&[Panic])).await,
    );
    app.work().await;
    assert_eq!(kept(&app).await, 3);
    app.delete(&ada, &format!("/api/v1/tasks/{gone}")).await.data();
    assert_eq!(kept(&app).await, 2);
    sqlx::query("update attempt_traces set at = at - interval '31 days'").execute(&app.app.db).await.unwrap();
    assert_eq!(queue::purge_traces(&app.app.db, 30).await.unwrap(), 0, "each of them can be looked at");
    sqlx::query("delete from task_history").execute(&app.app.db).await.unwrap();
    assert_eq!(queue::purge_traces(&app.app.db, 30).await.unwrap(), 1, "that of the one that ended well");
    let done = app.act_on_many(&alma, json!({"action": "delete", "task_type": "script"})).await;
    assert_eq!((&done["done"], kept(&app).await), (&json!(1), 0));
    for id in [mended, dead] {
        assert_eq!(app.get(&ada, &format!("/api/v1/tasks/{id}")).await.status, 404);
    }
}
