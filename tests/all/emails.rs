//! Letters that people write, to a mail server.

use std::time::Duration;

use model::tasks::{DeadReason, TaskStatus};
use serde_json::{Value, json};
use server::Config;
use server::config::MailTransport;

use crate::support::TestApp;
use crate::support::smtp::Sink;

fn through(port: u16) -> impl FnOnce(&mut Config) {
    move |config| {
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_url = Some(format!("smtp://starter:secret-7@127.0.0.1:{port}").into());
        config.mail.from = "Starter <starter@example.org>".into();
    }
}

fn letter(subject: &str) -> Value {
    let payload = json!({"to": "bob@example.com", "subject": subject, "body": "Dear Bob,\nhello.\n.\nAda",
        "html": "<p>Dear <b>Bob</b></p><script>x()</script><img src='https://example.com/p.png'>"});
    // The usual wait is a random one, and may be none.
    let hourly = json!({"fixed": {"interval": 3600, "max_attempts": 3}});
    json!({"task_type": "email", "payload": payload, "retry_strategy": hourly})
}

#[tokio::test]
async fn a_letter_of_a_user_arrives_as_text_and_as_safe_html_and_names_its_writer() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    let id = app.queue(&ada, letter("Grüße, Bob")).await;
    assert_eq!(app.work().await, 1);
    let task = app.stored(id).await;
    assert_eq!(
        (task.status, task.result),
        (TaskStatus::Completed, Some(json!({"sent": true, "to": "bob@example.com"})))
    );

    let [got] = &sink.received()[..] else { panic!("one letter, not {:?}", sink.received()) };
    assert_eq!((got.from.as_str(), &got.to[..]), ("starter@example.org", &["bob@example.com".to_owned()][..]));
    for part in ["multipart/alternative", "Dear Bob,", "<b>Bob</b>", "Written by Ada", "Auto-Submitted: auto-generated"]
    {
        assert!(got.text.contains(part), "{part}: {}", got.text);
    }
    for part in ["script", "<img", "p.png"] {
        assert!(!got.text.contains(part), "{part}: {}", got.text);
    }
}

#[tokio::test]
async fn no_header_can_be_brought_along() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for (field, value) in [
        ("to", "bob@example.com\r\nBcc: eve@example.com"),
        ("to", "bob@example.com, eve@example.com"),
        ("subject", "Hello\r\nBcc: eve@example.com"),
        ("subject", "Hello\nX-Evil: 1"),
    ] {
        let mut new = letter("Hello");
        new["payload"][field] = json!(value);
        let answer = app.post(&ada, "/api/v1/tasks", new).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_FAILED".into()), "{value:?}");
        assert!(answer.text.contains(&format!("payload.{field}")), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_again_and_one_that_refuses_is_not() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    sink.says("RCPT", "451 busy");
    let busy = app.queue(&ada, letter("first")).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(busy).await.status, TaskStatus::Retrying);
    app.pass_time(Duration::from_secs(3600)).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(busy).await.status, TaskStatus::Completed);

    sink.says("RCPT", "550 nobody here");
    let refused = app.queue(&ada, letter("second")).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(refused).await.dead_reason, Some(DeadReason::Fatal));
}

#[tokio::test]
async fn a_user_writes_so_many_letters_a_day_and_a_batch_is_no_way_around() {
    let app = TestApp::with(|config| config.limits.email_per_account = "3/1d".parse().unwrap()).await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    app.queue(&ada, letter("one")).await;
    let batch = json!({"tasks": [letter("two"), letter("three"), letter("four")]});
    assert_eq!(app.post(&ada, "/api/v1/tasks/batch", batch).await.refusal(), (429, "RATE_LIMITED".into()));
    let answer = app.post(&ada, "/api/v1/tasks", letter("five")).await;
    assert_eq!(answer.refusal(), (429, "RATE_LIMITED".into()));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 3600, "{:?}", answer.headers);
    app.queue(&bob, letter("his own")).await;
    assert_eq!(app.work().await, 2, "only what was taken is sent");
}
