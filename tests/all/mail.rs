//! Letters, from the queue to a mail server or into the mailbox of development.

use std::time::Duration;

use model::tasks::{DeadReason, TaskKind, TaskStatus};
use model::users::Role;
use serde_json::json;
use server::Config;
use server::config::{Environment, MailTransport};
use server::mail::Letter;
use uuid::Uuid;

use crate::support::mail::token_in;
use crate::support::smtp::Sink;
use crate::support::{TestApp, account};

/// Longer than any wait between two attempts.
const LATER: Duration = Duration::from_secs(2 * 3600);

fn through(port: u16) -> impl FnOnce(&mut Config) {
    move |config| {
        config.mail.transport = MailTransport::Smtp;
        config.mail.smtp_url = Some(format!("smtp://starter:secret-7@127.0.0.1:{port}").into());
        config.mail.from = "Starter <starter@example.org>".into();
    }
}

#[tokio::test]
async fn a_letter_goes_to_its_address_as_text_and_as_html() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    let id = app.post_letter(&Letter::VerifyEmail { user_id: ada.id }).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);

    let [letter] = &sink.received()[..] else { panic!("one letter, not {:?}", sink.received()) };
    assert_eq!((letter.from.as_str(), &letter.to[..]), ("starter@example.org", &[ada.email][..]));
    for header in [
        "From: Starter <starter@example.org>\r\n",
        "To: ada@example.com\r\n",
        "Subject: Please confirm your email address\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "multipart/alternative",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
    ] {
        assert!(letter.text.contains(header), "{header}: {}", letter.text);
    }
    assert!(letter.text.contains(&format!("Message-ID: <{id}@example.org>")), "{}", letter.text);
    let link = format!("{}/verify-email?token={}", app.address, token_in(&letter.text));
    assert!(letter.text.matches(&link).count() >= 3, "in the text, and twice in HTML: {}", letter.text);
}

#[tokio::test]
async fn a_mail_server_that_is_busy_gets_the_letter_later_with_a_link_of_its_own() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    sink.says("RCPT", "451 <ada@example.com> is busy");
    sink.says("BODY", "452 no room for <ada@example.com>");
    let id = app.post_letter(&Letter::VerifyEmail { user_id: ada.id }).await;

    for code in ["451", "452"] {
        assert_eq!(app.work().await, 1);
        let task = app.stored(id).await;
        assert_eq!(task.status, TaskStatus::Retrying);
        assert_eq!(task.last_error, Some(format!("The mail server cannot take the letter now ({code})")));
        app.pass_time(LATER).await;
    }
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);

    let tokens: Vec<_> = sink.received().iter().map(|letter| token_in(&letter.text)).collect();
    assert_eq!(tokens.len(), 2, "one was refused at its end");
    assert_eq!(app.verify(&tokens[0]).await.status, 400, "the link of the attempt before is dead");
    assert_eq!(app.verify(&tokens[1]).await.status, 200);
}

#[tokio::test]
async fn a_letter_that_is_refused_for_good_dies_without_telling_its_address() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    sink.says("RCPT", "550 there is no <ada@example.com>");
    let id = app.post_letter(&Letter::PasswordChanged { user_id: ada.id }).await;
    assert_eq!(app.work().await, 1);

    let task = app.stored(id).await;
    assert_eq!((task.status, task.dead_reason), (TaskStatus::Failed, Some(DeadReason::Fatal)));
    assert_eq!(app.errors(id).await, ["The mail server refused the letter for good (550)"]);
    app.pass_time(LATER).await;
    assert_eq!(app.work().await, 0);
}

#[tokio::test]
async fn a_refused_login_and_a_server_that_is_away_are_no_fault_of_the_letter() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    sink.says("AUTH", "535 who is that?");
    let id = app.post_letter(&Letter::PasswordChanged { user_id: ada.id }).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.errors(id).await, ["The mail server refuses our login (535)"]);
    app.pass_time(LATER).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.status, TaskStatus::Completed);

    // Nobody listens on the port of discarded packets.
    let cut_off = TestApp::with(through(9)).await;
    cut_off.leaves_tasks(1);
    let registered = cut_off.send("/api/v1/auth/register", account("Ada")).await;
    assert_eq!(registered.status, 200, "no request waits for a letter");
    let task = server::tasks::testing::run_one(&cut_off.app).await.unwrap().expect("the letter");
    assert_eq!((task.status, task.error.as_deref()), (TaskStatus::Retrying, Some("The mail server cannot be reached")));
}

#[tokio::test]
async fn an_address_brings_no_header_of_its_own() {
    let sink = Sink::start().await;
    let app = TestApp::with(through(sink.port)).await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update users set email = E'ada@example.com\\r\\nBcc: eve@example.com' where id = $1").await;
    let id = app.post_letter(&Letter::PasswordChanged { user_id: ada.id }).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.stored(id).await.dead_reason, Some(DeadReason::Fatal));
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_letter_to_nobody_or_to_a_closed_account_is_not_sent() {
    let app = TestApp::start().await;
    let bob = app.register("Bob").await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;
    let letters = [
        Letter::ResetPassword { user_id: None },
        Letter::ResetPassword { user_id: Some(bob.id) },
        Letter::VerifyEmail { user_id: Uuid::nil() },
    ];
    for letter in letters {
        let id = app.post_letter(&letter).await;
        assert_eq!(app.work().await, 1);
        assert_eq!(app.stored(id).await.result, Some(json!({"sent": false})), "{letter:?}");
    }
    assert!(app.letters().await.is_empty());
}

#[tokio::test]
async fn another_address_is_told_to_the_one_before() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.post_letter(&Letter::EmailChanged { user_id: ada.id, old_email: "ada@old.example.com".into() }).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.letters().await[0].to, "ada@old.example.com");
}

#[tokio::test]
async fn people_neither_queue_letters_nor_see_their_type() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Admin).await;
    let letter = json!({"task_type": "mail", "payload": {"letter": "password_changed", "user_id": grace.id}});
    let schedule = json!({"name": "letters", "cron": "0 0 * * *", "task": letter, "task_type": "mail", "payload": letter["payload"]});
    for (path, body) in [
        ("/api/v1/tasks", letter.clone()),
        ("/api/v1/tasks/batch", json!({"tasks": [letter]})),
        ("/api/v1/tasks/schedules", schedule),
    ] {
        let refused = app.post(&grace, path, body).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_FAILED".into()), "{path}: {}", refused.text);
        assert!(refused.text.contains("not registered"), "{path}: {}", refused.text);
    }
    let types = app.open("/api/v1/tasks/types").await.data();
    let names: Vec<_> = types.as_array().unwrap().iter().map(|one| one["task_type"].as_str().unwrap()).collect();
    assert_eq!(names, TaskKind::ALL.map(TaskKind::name));
    assert!(app.letters_waiting().await.is_empty());
}

#[tokio::test]
async fn the_mailbox_shows_each_letter_with_links_that_can_be_clicked() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    assert!(app.open("/dev/mail").await.text.contains("No letter was sent yet."));
    app.change(ada.id, "update users set username = '<script>alert(1)</script>' where id = $1").await;
    let id = app.post_letter(&Letter::VerifyEmail { user_id: ada.id }).await;
    let link = format!("{}/verify-email?token={}", app.address, app.newest_token().await);

    let list = app.open("/dev/mail").await;
    assert!(list.text.contains(&format!("href=\"/dev/mail/{id}\"")) && list.text.contains(&ada.email), "{}", list.text);
    let shown = app.open(&format!("/dev/mail/{id}")).await;
    assert!(shown.text.contains(&format!("<a href=\"{link}\">{link}</a>")), "{}", shown.text);
    assert!(!shown.text.contains("<script>alert") && shown.text.contains("&lt;script&gt;alert"), "{}", shown.text);
    let html = app.open(&format!("/dev/mail/{id}/html")).await;
    assert!(html.text.contains(&format!("<a href=\"{link}\">")), "{}", html.text);
    assert!(html.header("content-security-policy").contains("sandbox"), "{:?}", html.headers);
    assert_eq!(app.open(&format!("/dev/mail/{}", Uuid::nil())).await.status, 404);
}

#[tokio::test]
async fn there_is_no_mailbox_in_production_or_beside_a_mail_server() {
    let in_production = TestApp::with(|config| config.environment = Environment::Production).await;
    let with_server = TestApp::with(through(9)).await;
    for app in [in_production, with_server] {
        for path in ["/dev/mail", "/dev/mail/0195c0e0-0000-7000-8000-000000000000", "/dev/mail/x/html"] {
            assert_eq!(app.open(path).await.status, 404, "{path}");
        }
    }
}
