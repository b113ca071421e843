//! Registering and logging in.

use model::users::Role;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, account};

async fn log_in(app: &TestApp, login: Value) -> Answer {
    app.send("/api/v1/auth/login", login).await
}

#[tokio::test]
async fn a_new_account_is_a_user_whatever_else_the_request_asks_for() {
    let app = TestApp::start().await;
    app.leaves_tasks(1);
    let mut wish = account("Ada");
    wish["role"] = json!("admin");
    wish["id"] = json!("00000000-0000-0000-0000-000000000000");
    wish["email_verified"] = json!(true);

    let profile = app.send("/api/v1/auth/register", wish).await.data();
    assert_eq!(
        (&profile["role"], &profile["is_active"], &profile["email_verified"]),
        (&json!("user"), &json!(true), &json!(false))
    );
    assert_ne!(profile["id"], "00000000-0000-0000-0000-000000000000");
    assert!(profile["created_at"].as_str().unwrap().ends_with('Z'), "{profile}");
    assert!(profile.get("password").is_none() && profile.get("password_hash").is_none(), "{profile}");
}

#[tokio::test]
async fn a_name_or_email_that_somebody_has_is_taken_in_any_case() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let register = async |username: &str, email: &str| {
        let new = json!({"username": username, "email": email, "password": PASSWORD});
        app.send("/api/v1/auth/register", new).await.refusal()
    };

    assert_eq!(register("aDA", "else@example.com").await, (409, "USERNAME_ALREADY_EXISTS".into()));
    assert_eq!(register("Grace", "ADA@Example.com").await, (409, "EMAIL_ALREADY_EXISTS".into()));
    let people: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(people, 1);
}

#[tokio::test]
async fn of_two_who_want_one_name_at_once_one_gets_it() {
    let app = TestApp::start().await;
    app.leaves_tasks(1);
    let (first, second) = tokio::join!(
        app.send("/api/v1/auth/register", account("Ada")),
        app.send("/api/v1/auth/register", account("ADA"))
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn people_log_in_by_name_or_by_email_in_any_case() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for login in [
        json!({"username": "ADA", "password": PASSWORD}),
        json!({"email": "Ada@Example.COM", "password": PASSWORD}),
        json!({"username": "", "email": ada.email, "password": PASSWORD, "user_agent": "a test"}),
    ] {
        let logged_in = log_in(&app, login).await.data();
        let expected = json!({"id": ada.id, "username": "Ada", "email": ada.email, "role": "user"});
        assert_eq!(logged_in["user"], expected);
        let token = logged_in["session_token"].as_str().unwrap();
        let me = Answer::to(app.request(reqwest::Method::GET, "/api/v1/auth/me").bearer_auth(token)).await;
        assert_eq!(me.data(), expected);
    }
}

#[tokio::test]
async fn a_login_names_exactly_one_of_username_and_email() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    for login in [
        json!({"password": PASSWORD}),
        json!({"username": " ", "password": PASSWORD}),
        json!({"username": "Ada", "email": "ada@example.com", "password": PASSWORD}),
    ] {
        assert_eq!(log_in(&app, login).await.refusal(), (400, "VALIDATION_FAILED".into()));
    }
}

#[tokio::test]
async fn wrong_unknown_and_inactive_are_answered_alike() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let bob = app.register("Bob").await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;

    let mut answers = Vec::new();
    for (name, password) in [("Ada", "not this one"), ("Nobody", PASSWORD), ("Bob", PASSWORD), ("Ada", "")] {
        let answer = log_in(&app, json!({"username": name, "password": password})).await;
        assert_eq!(answer.refusal(), (401, "INVALID_CREDENTIALS".into()), "{name}");
        answers.push(answer.text.replace(answer.header("x-request-id"), "…"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_name_that_is_not_active_any_more_ends_its_sessions_at_the_next_request() {
    let app = TestApp::start().await;
    let bob = app.register("Bob").await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;
    assert_eq!(app.get(&bob, "/api/v1/auth/me").await.refusal(), (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn another_role_counts_from_the_next_request_on() {
    let app = TestApp::start().await;
    let grace = app.register("Grace").await;
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.refusal(), (403, "FORBIDDEN".into()));

    app.make(&grace, Role::Moderator).await;
    assert_eq!(app.get(&grace, "/api/v1/auth/me").await.data()["role"], "moderator");
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.data()["total"], 0);

    app.make(&grace, Role::User).await;
    assert_eq!(app.get(&grace, "/api/v1/tasks/stats").await.refusal(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn the_initial_administrator_is_created_once_and_only_when_there_is_none() {
    let app = TestApp::with(|config| config.initial_admin_password = Some("a-first-Password-1".into())).await;
    let login = json!({"username": "admin", "password": "a-first-Password-1"});
    assert_eq!(log_in(&app, login.clone()).await.data()["user"]["role"], "admin");

    // Started again: with the password that was changed meanwhile, not with the configured one.
    sqlx::query("update users set password_hash = 'changed'").execute(&app.app.db).await.unwrap();
    app.app.prepare().await.unwrap();
    assert_eq!(log_in(&app, login).await.status, 500, "the stored hash was left alone");
    let admins: i64 =
        sqlx::query_scalar("select count(*) from users where role = 'admin'").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(admins, 1);
}

#[tokio::test]
async fn passwords_and_tokens_are_not_in_the_database() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let stored: Vec<String> = sqlx::query_scalar(
        "select to_jsonb(users)::text from users union all select to_jsonb(sessions)::text from sessions",
    )
    .fetch_all(&app.app.db)
    .await
    .unwrap();
    assert_eq!(stored.len(), 2);
    let stored = stored.concat();
    assert!(stored.contains("$argon2id$") && !stored.contains(PASSWORD) && !stored.contains(&ada.token), "{stored}");
}
