//! A forgotten password.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use server::mail::Letter;
use sqlx::AssertSqlSafe;

use crate::support::mail::token_in;
use crate::support::program::Program;
use crate::support::{Answer, PASSWORD, TestApp, account};

const NEW: &str = "another fine passphrase";
/// Longer than two letters must lie apart.
const A_WHILE: Duration = Duration::from_secs(61);

async fn log_in(app: &TestApp, name: &str, password: &str) -> u16 {
    app.send("/api/v1/auth/login", json!({"username": name, "password": password})).await.status
}

#[tokio::test]
async fn a_new_password_by_the_link_ends_every_session_and_is_told() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    assert_eq!(app.forgot("  ADA@example.com ").await.status, 200);
    let token = app.newest_token().await;
    assert_eq!(app.letters().await[0].to, ada.email);

    assert_eq!(app.reset(&token, NEW).await.status, 200);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
    assert_eq!(browser.open("/dashboard").await.header("location"), "/login");
    assert_eq!((log_in(&app, "Ada", PASSWORD).await, log_in(&app, "Ada", NEW).await), (401, 200));
    assert_eq!(app.letters_waiting().await, [Letter::PasswordChanged { user_id: ada.id }]);
    assert_eq!(app.work().await, 1);
    assert_eq!(app.letters().await[0].subject, "Your password was changed");

    assert_eq!(app.reset(&token, "one more passphrase").await.refusal(), (400, "INVALID_INPUT".into()));
    assert_eq!(log_in(&app, "Ada", NEW).await, 200);
}

#[tokio::test]
async fn an_address_that_nobody_has_is_answered_and_worked_alike() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let bob = app.register("Bob").await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;
    let mut answers = Vec::new();
    for email in [&ada.email, &bob.email, "nobody@example.com"] {
        let answer = app.forgot(email).await;
        assert_eq!(answer.status, 200);
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let waiting = app.letters_waiting().await;
    assert_eq!(waiting.len(), 3, "a task each: {waiting:?}");
    assert_eq!(app.work().await, 3);
    assert_eq!(app.letters().await.len(), 1);

    assert_eq!(app.forgot("no address").await.fields(), ["email"]);
}

#[tokio::test]
async fn an_address_gets_at_most_a_letter_a_minute_and_a_used_link_ends_the_others() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for _ in 0..3 {
        assert_eq!(app.forgot(&ada.email).await.status, 200);
    }
    let first = app.newest_token().await;
    assert_eq!(app.letters().await.len(), 1);
    app.pass_time(A_WHILE).await;
    assert_eq!(app.forgot("Ada@Example.com").await.status, 200);
    let second = app.newest_token().await;

    assert_eq!(app.reset(&first, NEW).await.status, 200);
    assert_eq!(app.reset(&second, "one more passphrase").await.status, 400);
    assert_eq!(app.work().await, 1);
}

#[tokio::test]
async fn of_fifty_who_use_one_link_at_once_one_succeeds() {
    let app = TestApp::with(|config| config.auth.hash_concurrency = 4).await;
    let ada = app.register("Ada").await;
    app.forgot(&ada.email).await;
    let token = app.newest_token().await;
    let passwords: Vec<_> = (0..50).map(|number| format!("passphrase number {number}")).collect();

    let answers = join_all(passwords.iter().map(|password| app.reset(&token, password))).await;
    let won: Vec<_> = (0..50).filter(|place| answers[*place].status == 200).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    let others = answers.iter().filter(|answer| answer.status != 200);
    assert!(
        others.clone().all(|answer| answer.status == 400),
        "{:?}",
        others.map(|one| one.status).collect::<Vec<_>>()
    );
    assert_eq!(log_in(&app, "Ada", &passwords[won[0]]).await, 200);
    assert_eq!(app.letters_waiting().await.len(), 1, "one letter tells of it");
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_refused_password_is_told_at_its_field_and_the_link_stays_good() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.forgot(&ada.email).await;
    let token = app.newest_token().await;
    for weak in ["short", "password123", "ada@example.com"] {
        assert_eq!(app.reset(&token, weak).await.fields(), ["new_password"], "{weak}");
    }
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    assert_eq!(
        app.reset(&token, "short").await.refusal(),
        (400, "INVALID_INPUT".into()),
        "a dead link says nothing of rules"
    );
    app.take_letters_back().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_link_is_answered_alike_and_changes_nothing() {
    let app = TestApp::start().await;
    let mut answers = Vec::new();
    let spoilt = [
        "update user_tokens set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where user_id = $1",
        "update user_tokens set used_at = now() where user_id = $1",
        "update user_tokens set purpose = 'verify_email' where user_id = $1",
        "update users set email = 'else@example.com' where id = $1",
    ];
    for (place, change) in spoilt.into_iter().enumerate() {
        let name = format!("Person{place}");
        let person = app.register(&name).await;
        app.forgot(&person.email).await;
        let token = app.newest_token().await;
        app.change(person.id, change).await;
        answers.push(app.reset(&token, NEW).await);
        assert_eq!(log_in(&app, &name, PASSWORD).await, 200, "{change}");
        assert_eq!(app.get(&person, "/api/v1/auth/me").await.status, 200, "{change}");
    }
    answers.push(app.reset("never-made", NEW).await);
    assert!(answers.iter().all(|answer| answer.status == 400));
    let answers: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.text.replace(answer.header("x-request-id"), "…")).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(app.letters_waiting().await.is_empty());
}

#[tokio::test]
async fn a_link_is_good_for_the_configured_time_at_most() {
    let app = TestApp::with(|config| config.auth.reset_password_minutes = 7).await;
    let ada = app.register("Ada").await;
    app.forgot(&ada.email).await;
    app.work().await;
    let minutes: i64 =
        sqlx::query_scalar("select extract(epoch from expires_at - created_at)::bigint / 60 from user_tokens")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    assert_eq!(minutes, 7);
    assert!(app.letters().await[0].text.contains("within 7 minutes"));
}

#[tokio::test]
async fn the_forms_work_without_javascript_also_when_refused_twice() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let browser = app.browser();
    assert!(browser.open("/login").await.text.contains("href=\"/forgot-password\""));
    let email = [("new[email]", ada.email.as_str())];
    let asked = browser.submit("/forgot-password", "/api/auth/forgot_password", &email).await;
    assert_eq!((asked.status, asked.header("location")), (302, "/forgot-password/sent"));
    assert!(browser.open("/forgot-password/sent").await.text.contains("Look into your mailbox"));

    let token = app.newest_token().await;
    let page = format!("/reset-password?token={token}");
    let opened = browser.open(&page).await;
    assert_eq!(opened.header("referrer-policy"), "same-origin");
    assert_eq!(opened.text.matches(&token).count(), 1, "in the form's own field only: {}", opened.text);
    let action = "/api/auth/reset_password";
    let mut weak = vec![("new[token]", token.as_str()), ("new[new_password]", "password123")];
    // A browser is then at the address of the action, and the form says which page it is on.
    for at in [page.as_str(), action] {
        let refused = browser.submit(at, action, &weak).await;
        weak.push(("from", page.as_str()));
        assert_eq!(refused.status, 400, "{page}");
        assert!(refused.text.contains(&format!("name=\"from\" value=\"{page}\"")), "{page}: {}", refused.text);
        assert!(refused.text.contains("is too common"), "{page}: {}", refused.text);
        assert!(refused.text.contains(&format!("name=\"new[token]\" value=\"{token}\"")), "{page}: {}", refused.text);
        assert!(!refused.text.contains("password123"), "{page}: {}", refused.text);
    }
    let strong = [("new[token]", token.as_str()), ("new[new_password]", NEW)];
    let done = browser.submit(action, action, &strong).await;
    assert_eq!((done.status, done.header("location")), (302, "/reset-password/done"));
    assert_eq!(log_in(&app, "Ada", NEW).await, 200);
    app.take_letters_back().await;
}

/// Every cell of every table, as text.
async fn dump(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('select coalesce(string_agg(one::text, chr(10)), '''') from %I.%I as one', schemaname, tablename)
         from pg_tables where schemaname = 'public'",
    )
    .fetch_all(&app.app.db)
    .await
    .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut cells = String::new();
    for query in tables {
        cells += &sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).fetch_one(&app.app.db).await.unwrap();
    }
    cells
}

#[tokio::test]
async fn tokens_and_passwords_are_neither_in_the_database_nor_in_the_log() {
    let app = TestApp::start().await;
    let folder = app.app.config.mail.folder.to_str().unwrap().to_owned();
    let settings = [
        ("DATABASE_URL", app.database_url.as_str()),
        ("RUST_LOG", "debug,sqlx=trace,starter=trace,server=trace,app=trace"),
        ("STARTER__MAIL__FOLDER", folder.as_str()),
    ];
    let program = Program::start(&["serve", "--worker", "--port", "0"], &settings);
    let ready = program.says("ready on").await;
    let address = ready.split_whitespace().last().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |path: &str, body: serde_json::Value| {
        let answer = Answer::to(client.post(format!("{address}/api/v1/auth/{path}")).json(&body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    };
    let token_of = async |subject: &str| {
        program.says(subject).await;
        let letters = app.letters().await;
        token_in(&letters.iter().find(|letter| letter.subject == subject).expect("the letter").text)
    };
    send("register", account("Ada")).await;
    let verify = token_of("Please confirm your email address").await;
    send("verify-email", json!({"token": verify})).await;
    send("password/forgot", json!({"email": "ada@example.com"})).await;
    let reset = token_of("Choose a new password").await;
    for page in ["verify-email", "reset-password"] {
        let opened = Answer::to(client.get(format!("{address}/{page}?token={reset}"))).await;
        assert_eq!(opened.status, 200);
    }
    assert!(dump(&app).await.contains("ada@example.com"), "the dump is one");
    send("password/reset", json!({"token": reset, "new_password": NEW})).await;

    program.says("Your password was changed").await;

    let (dump, log) = (dump(&app).await, program.said());
    assert!(log.contains("a letter was sent"), "{log}");
    for secret in [verify.as_str(), reset.as_str(), NEW, PASSWORD] {
        assert!(!dump.contains(secret), "{secret} is in the database");
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    app.take_letters_back().await;
}

#[tokio::test]
async fn a_changed_address_counts_once_it_is_verified() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    let verify = app.newest_token().await;
    assert_eq!(app.verify(&verify).await.status, 200);
    let other = json!({"email": "typo@example.com"});
    assert_eq!(app.put(&ada, "/api/v1/users/me/profile", other).await.status, 200);
    app.work().await;
    let verify = app.newest_token_to("typo@example.com").await;

    // Whoever has the mistyped mailbox gets no way into the account.
    assert_eq!(app.forgot("typo@example.com").await.status, 200);
    assert_eq!(app.forgot(&ada.email).await.status, 200);
    app.work().await;
    let sent: Vec<_> = app.letters().await.into_iter().filter(|letter| letter.subject.contains("password")).collect();
    assert_eq!(sent.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), [ada.email.as_str()]);
    assert_eq!(app.reset(&token_in(&sent[0].text), NEW).await.status, 200);
    app.work().await;
    assert_eq!(app.letters().await[0].to, ada.email, "told where the owner is known to be");

    assert_eq!(app.verify(&verify).await.status, 200);
    app.pass_time(A_WHILE).await;
    assert_eq!(app.forgot("typo@example.com").await.status, 200);
    assert_eq!(app.forgot(&ada.email).await.status, 200);
    app.work().await;
    assert_eq!(app.letters().await.iter().filter(|letter| letter.to == "typo@example.com").count(), 2);
}

#[tokio::test]
async fn who_verifies_an_address_takes_it_over_from_who_had_it_before() {
    let app = TestApp::start().await;
    let ada = app.sign_up("Ada").await;
    assert_eq!(app.verify(&app.newest_token().await).await.status, 200);
    app.put(&ada, "/api/v1/users/me/profile", json!({"email": "new@example.com"})).await.data();
    app.work().await;
    let bob = json!({"username": "Bob", "email": ada.email, "password": PASSWORD});
    app.send("/api/v1/auth/register", bob).await.data();
    app.work().await;
    let verify = app.newest_token_to(&ada.email).await;

    // Not before: Ada has shown that the address is hers, and Bob has not.
    let owner = async || {
        app.pass_time(A_WHILE).await;
        assert_eq!(app.forgot(&ada.email).await.status, 200);
        app.work().await;
        let letter = app.letters().await.remove(0);
        assert_eq!(letter.to, ada.email);
        if letter.text.contains("Bob") { "Bob" } else { "Ada" }
    };
    assert_eq!(owner().await, "Ada");
    assert_eq!(app.verify(&verify).await.status, 200);
    assert_eq!(owner().await, "Bob");
}
