//! Webhooks, sent to a real server on this machine.

use std::time::Duration;

use axum::http::StatusCode;
use model::tasks::{DeadReason, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use server::Config;
use server::tasks::kinds::webhook::signature;
use uuid::Uuid;

use crate::support::hooks::Receiver;
use crate::support::{Person, TestApp};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Allows the receiver, which is on this machine.
fn to(receiver: &Receiver) -> impl FnOnce(&mut Config) + use<> {
    let port = receiver.address.port();
    move |config| {
        config.webhook.allowed_ports = vec![port];
        config.webhook.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
        config.webhook.secret = Some(SECRET.into());
        config.webhook.timeout_seconds = 1;
    }
}

fn hook(url: &str) -> Value {
    // The usual wait is a random one, and may be none.
    let hourly = json!({"fixed": {"interval": 3600, "max_attempts": 3}});
    json!({"task_type": "webhook", "payload": {"url": url, "payload": {"order": 7}}, "retry_strategy": hourly})
}

async fn start() -> (Receiver, TestApp, Person) {
    let receiver = Receiver::start().await;
    let app = TestApp::with(to(&receiver)).await;
    let ada = app.register("Ada").await;
    (receiver, app, ada)
}

async fn deliveries(app: &TestApp, person: &Person, id: Uuid) -> Vec<Value> {
    let data = app.get(person, &format!("/api/v1/tasks/{id}/deliveries")).await.data();
    data.as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_webhook_arrives_signed_with_its_headers_and_its_body_and_keeps_the_answer() {
    let (receiver, app, ada) = start().await;
    let payload = json!({"url": receiver.url("/in?a=1"), "method": "PUT", "payload": {"order": 7}, "headers": {"X-Reason": "a test"}});
    let id = app.queue(&ada, json!({"task_type": "webhook", "payload": payload})).await;
    assert_eq!(app.work().await, 1);

    let [got] = &receiver.got()[..] else { panic!("one request, not {:?}", receiver.got()) };
    assert_eq!((got.method.as_str(), got.uri.to_string().as_str()), ("PUT", "/in?a=1"));
    assert_eq!((got.header("x-reason"), got.header("content-type")), ("a test", "application/json"));
    assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap(), json!({"order": 7}));
    assert_eq!(got.header("webhook-id"), id.to_string());
    let sent_at: i64 = got.header("webhook-timestamp").parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - sent_at).abs() < 60, "{sent_at}");
    let key = signature::key_of(&SECRET.into()).unwrap();
    assert_eq!(got.header("webhook-signature"), signature::sign(&key, &id.to_string(), sent_at, &got.body));

    let task = app.task(&ada, id).await;
    assert_eq!((&task["status"], &task["result"]["status"]), (&json!("completed"), &json!(200)));
    assert_eq!((&task["result"]["body"], &task["result"]["is_cut"]), (&json!("thanks"), &json!(false)));
    let tries = deliveries(&app, &ada, id).await;
    assert_eq!((tries.len(), &tries[0]["status"], &tries[0]["response"]), (1, &json!(200), &json!("thanks")));
    let page = app.browser_of("Ada").await.open(&format!("/tasks/{id}")).await;
    assert!(page.text.contains("Deliveries") && page.text.contains(&receiver.url("/in?a=1")), "{}", page.text);
    assert!(page.text.contains("<h2>Answer</h2>"), "{}", page.text);
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let receiver = Receiver::start().await;
    let allow = to(&receiver);
    let app = TestApp::with(|config| {
        allow(config);
        config.webhook.secret = None;
    })
    .await;
    let ada = app.register("Ada").await;
    app.queue(&ada, hook(&receiver.url("/"))).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(receiver.got()[0].header("webhook-signature"), "");
}

#[tokio::test]
async fn each_status_ends_the_attempt_as_it_deserves() {
    let (receiver, app, ada) = start().await;
    for (status, expected) in [
        (204, TaskStatus::Completed),
        (301, TaskStatus::Failed),
        (400, TaskStatus::Failed),
        (404, TaskStatus::Failed),
        (410, TaskStatus::Failed),
        (408, TaskStatus::Retrying),
        (429, TaskStatus::Retrying),
        (500, TaskStatus::Retrying),
        (503, TaskStatus::Retrying),
    ] {
        receiver.says(StatusCode::from_u16(status).unwrap());
        let id = app.queue(&ada, hook(&receiver.url("/"))).await;
        assert_eq!(app.work().await, 1, "{status}");
        let task = app.stored(id).await;
        assert_eq!(task.status, expected, "{status}");
        let is_fatal = expected == TaskStatus::Failed;
        assert_eq!(task.dead_reason, is_fatal.then_some(DeadReason::Fatal), "{status}");
    }
    app.leaves_tasks(4);
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it_up_to_an_hour() {
    let (receiver, app, ada) = start().await;
    for (asks, at_least, at_most) in [("120", 100, 121), ("999999", 3500, 3601)] {
        receiver.says((StatusCode::TOO_MANY_REQUESTS, [("retry-after", asks)]));
        let id = app.queue(&ada, hook(&receiver.url("/"))).await;
        assert_eq!(app.work().await, 1);
        let seconds: f64 =
            sqlx::query_scalar("select extract(epoch from run_at - now())::float8 from tasks where id = $1")
                .bind(id)
                .fetch_one(&app.app.db)
                .await
                .unwrap();
        assert!((f64::from(at_least)..f64::from(at_most)).contains(&seconds), "{asks}: {seconds}");
    }
    app.pass_time(Duration::from_secs(3601)).await;
    assert_eq!(app.work().await, 2, "they are sent again");
}

#[tokio::test]
async fn of_a_long_answer_64_kib_are_kept_and_a_slow_one_is_not_waited_for() {
    let (receiver, app, ada) = start().await;
    receiver.says("é".repeat(100_000));
    let id = app.queue(&ada, hook(&receiver.url("/"))).await;
    assert_eq!(app.work().await, 1);
    let result = app.stored(id).await.result.unwrap();
    assert_eq!((result["body"].as_str().map(str::len), &result["is_cut"]), (Some(64 * 1024), &json!(true)));

    receiver.is_silent();
    let id = app.queue(&ada, hook(&receiver.url("/"))).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.errors(id).await, ["The server did not answer in time"]);
    app.pass_time(Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 1, "it was tried again");
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_host_that_fails_is_left_alone_while_its_tasks_wait_without_losing_an_attempt() {
    let (receiver, app, ada) = start().await;
    let once = |url: &str| {
        let mut new = hook(url);
        new["retry_strategy"] = json!("none");
        new
    };
    for _ in 0..5 {
        receiver.says(StatusCode::BAD_GATEWAY);
        app.queue(&ada, once(&receiver.url("/"))).await;
    }
    assert_eq!(app.work().await, 5);
    let id = app.queue(&ada, once(&receiver.url("/"))).await;
    app.work().await;
    let waits = app.stored(id).await;
    assert_eq!((waits.status, waits.current_attempt, receiver.got().len()), (TaskStatus::Pending, 0, 5));
    let grace = app.register_as("Grace", Role::Moderator).await;
    let hosts = app.get(&grace, "/api/v1/tasks/queue").await.data()["hosts"].clone();
    assert_eq!((&hosts[0]["host"], &hosts[0]["breaker"]), (&json!(receiver.address.to_string()), &json!("open")));
    let overview = app.browser_of("Grace").await.open("/tasks/overview").await.text;
    assert!(overview.contains(&format!("Webhooks to {} wait: its circuit breaker is open.", receiver.address)));

    app.pass_time(Duration::from_secs(31)).await;
    app.work().await;
    assert_eq!((app.stored(id).await.status, receiver.got().len()), (TaskStatus::Completed, 6));
    app.queue(&ada, once(&receiver.url("/"))).await;
    assert_eq!((app.work().await, receiver.got().len()), (1, 7), "it is closed again");
}

#[tokio::test]
async fn a_replay_is_another_delivery_and_only_those_who_may_read_the_task_see_them() {
    let (receiver, app, ada) = start().await;
    let (bob, grace) = (app.register("Bob").await, app.register_as("Grace", Role::Moderator).await);
    receiver.says((StatusCode::NOT_FOUND, "no such hook"));
    let id = app.queue(&ada, hook(&receiver.url("/"))).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.retry(&ada, id).await.status, 200);
    assert_eq!(app.work().await, 1);

    let tries = deliveries(&app, &ada, id).await;
    let seen: Vec<_> = tries.iter().map(|one| (one["status"].clone(), one["error"].clone())).collect();
    assert_eq!(seen, [(json!(200), Value::Null), (json!(404), json!("The server answered 404"))]);
    assert_eq!(tries[1]["response"], "no such hook");
    let ids: Vec<_> = receiver.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, [id.to_string(), id.to_string()], "the receiver knows it again");
    assert_eq!(deliveries(&app, &grace, id).await.len(), 2);
    let foreign = app.get(&bob, &format!("/api/v1/tasks/{id}/deliveries")).await;
    assert_eq!(foreign.refusal(), (404, "TASK_NOT_FOUND".into()));

    assert_eq!(app.delete(&ada, &format!("/api/v1/tasks/{id}")).await.status, 200);
    let left: i64 = sqlx::query_scalar("select count(*) from webhook_deliveries").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(left, 0, "they go with their task");
}

#[tokio::test]
async fn what_was_delivered_is_queued_again_as_another_task_by_a_button() {
    let (receiver, app, ada) = start().await;
    receiver.says((StatusCode::SERVICE_UNAVAILABLE, "closed <today>"));
    let id = app.queue(&ada, hook(&receiver.url("/"))).await;
    assert_eq!(app.work().await, 1);
    let (browser, page) = (app.browser_of("Ada").await, format!("/tasks/{id}"));
    let text = browser.open(&page).await.text;
    assert!(text.contains("closed &lt;today&gt;") && !text.contains("Queue again"), "{text}");
    app.pass_time(Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 1);

    assert!(browser.open(&page).await.text.contains("Queue again"));
    let copied = browser.submit(&page, "/api/tasks/copy", &[("id", &id.to_string())]).await;
    assert_eq!(copied.status, 302, "{}", copied.text);
    let copy: Uuid = copied.header("location").strip_prefix("/tasks/").unwrap().parse().unwrap();
    assert_eq!(app.work().await, 1);
    let page = browser.open(&format!("/tasks/{copy}")).await.text;
    assert!(page.contains(&format!("<a href=\"/tasks/{id}\">another task")), "{page}");
    let ids: Vec<_> = receiver.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, [id, id, copy].map(|id| id.to_string()), "the receiver takes it for another one");
    let bodies: Vec<_> = receiver.got().iter().map(|got| got.body.clone()).collect();
    assert_eq!(bodies[1], bodies[2]);
}

#[tokio::test]
async fn a_form_of_a_browser_queues_one_and_shows_what_is_wrong_beside_the_field() {
    let (receiver, app, _) = start().await;
    let browser = app.browser_of("Ada").await;
    let refused =
        [("new[task_type]", "webhook"), ("new[payload][url]", "http://10.0.0.1/"), ("new[payload][method]", "POST")];
    let answer = browser.submit("/tasks/new?kind=webhook", "/api/tasks/create", &refused).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("has a port that is not allowed here"), "{}", answer.text);

    let url = receiver.url("/");
    let good = [
        ("new[task_type]", "webhook"),
        ("new[payload][url]", url.as_str()),
        ("new[payload][method]", "POST"),
        ("new[payload][payload]", "{\"a\": [1, 2]}"),
        ("new[payload][headers]", "X-Reason: by hand"),
    ];
    let answer = browser.submit("/tasks/new?kind=webhook", "/api/tasks/create", &good).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    assert_eq!(app.work().await, 1);
    assert_eq!((receiver.got()[0].header("x-reason"), &receiver.got()[0].body[..]), ("by hand", &b"{\"a\":[1,2]}"[..]));
}
