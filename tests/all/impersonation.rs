//! An administrator acts as somebody else.

use model::users::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::tasks::delay;
use crate::support::{Answer, Browser, PASSWORD, Person, TestApp};

const LOG: &str = "/api/v1/admin/audit-log";
const IMPERSONATING: (u16, &str) = (403, "IMPERSONATING");

async fn begin(app: &TestApp, admin: &Person, user: &Person) -> Answer {
    app.post(admin, &format!("/api/v1/users/{}/impersonate", user.id), json!({"reason": " looks at a fault "})).await
}

/// The user as the administrator is them.
async fn as_somebody(app: &TestApp, admin: &Person, user: &Person) -> Person {
    let begun = begin(app, admin, user).await.data();
    let token = begun["session_token"].as_str().unwrap().to_owned();
    Person { id: user.id, name: user.name.clone(), email: user.email.clone(), token }
}

async fn is_in_force(app: &TestApp, person: &Person) -> bool {
    app.get(person, "/api/v1/auth/me").await.status == 200
}

#[tokio::test]
async fn a_program_acts_as_somebody_and_the_log_names_the_administrator_throughout() {
    let app = TestApp::start().await;
    let (monica, alma) = (app.register_as("Monica", Role::Moderator).await, app.register_as("Alma", Role::Admin).await);
    let ada = app.register("Ada").await;
    let acting = as_somebody(&app, &alma, &monica).await;
    let me = app.get(&acting, "/api/v1/auth/me").await.data();
    assert_eq!((&me["username"], &me["impersonated_by"]), (&json!("Monica"), &json!("Alma")));
    assert_eq!(
        app.put(&acting, &format!("/api/v1/users/{}/status", ada.id), json!({"is_active": false})).await.status,
        200
    );
    assert!(is_in_force(&app, &alma).await, "the own session of a program goes on");
    assert_eq!(app.delete(&acting, "/api/v1/auth/impersonation").await.status, 204);
    assert!(!is_in_force(&app, &acting).await && is_in_force(&app, &alma).await);
    assert_eq!(app.delete(&alma, "/api/v1/auth/impersonation").await.refusal(), (409, "CONFLICT".into()));

    let log = app.get(&alma, &format!("{LOG}?actor=Alma")).await.data();
    let row = |place: usize| {
        [&log[place]["action"], &log[place]["actor_name"], &log[place]["impersonator_name"]].map(Value::clone)
    };
    assert_eq!(row(0), [json!("user.end_impersonation"), json!("Alma"), Value::Null]);
    assert_eq!(row(1), [json!("user.set_status"), json!("Monica"), json!("Alma")]);
    assert_eq!(row(2), [json!("user.impersonate"), json!("Alma"), Value::Null]);
    assert_eq!(log[2]["details"]["reason"], "looks at a fault");
}

#[tokio::test]
async fn it_wants_a_reason_a_password_that_was_given_lately_and_an_account_that_is_active() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let path = format!("/api/v1/users/{}/impersonate", ada.id);
    for reason in [String::from("  "), "x".repeat(501)] {
        assert_eq!(app.post(&alma, &path, json!({"reason": reason})).await.fields(), ["reason"]);
    }
    assert_eq!(app.post(&alma, &path, json!({})).await.status, 422);
    app.change(alma.id, "update sessions set sudo_until = now() where user_id = $1").await;
    assert_eq!(begin(&app, &alma, &ada).await.refusal(), (403, "REAUTHENTICATION_REQUIRED".into()));
    app.post(&alma, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    app.change(ada.id, "update users set is_active = false where id = $1").await;
    assert_eq!(begin(&app, &alma, &ada).await.refusal(), (409, "CONFLICT".into()));
}

#[tokio::test]
async fn what_gives_power_over_the_account_is_refused_meanwhile() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let acting = as_somebody(&app, &alma, &ada).await;
    let passwords = json!({"current_password": PASSWORD, "new_password": "another fine passphrase"});
    for (method, path, body) in [
        ("PUT", "/users/me/password".to_owned(), passwords),
        ("PUT", "/users/me/profile".into(), json!({"email": "alma2@example.com"})),
        ("DELETE", "/users/me".into(), json!({"password": PASSWORD, "confirmation": "DELETE"})),
        ("POST", "/auth/sudo".into(), json!({"password": PASSWORD})),
        ("GET", "/api-keys".into(), json!({})),
        ("POST", "/api-keys".into(), json!({"name": "ci", "scopes": ["tasks:read"]})),
        ("DELETE", "/api-keys".into(), json!({})),
        ("POST", "/auth/logout-all".into(), json!({})),
        ("POST", "/auth/logout-others".into(), json!({})),
        ("DELETE", format!("/auth/sessions/{}", ada.id), json!({})),
        ("POST", format!("/users/{}/impersonate", ada.id), json!({"reason": "once more"})),
    ] {
        let request = app.request(method.parse().unwrap(), &format!("/api/v1{path}")).bearer_auth(&acting.token);
        let answer = Answer::to(if method == "GET" { request } else { request.json(&body) }).await;
        assert_eq!(answer.refusal(), (IMPERSONATING.0, IMPERSONATING.1.into()), "{method} {path}");
    }
    let queued = app.post(&acting, "/api/v1/tasks", delay(0)).await.data();
    assert_eq!(app.get(&ada, "/api/v1/tasks").await.data()[0]["id"], queued["id"], "all else is open");
    app.work().await;
    let sessions = app.get(&ada, "/api/v1/auth/sessions").await.data();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "no device that the user does not know: {sessions}");
}

#[tokio::test]
async fn it_ends_with_the_time_with_the_own_session_and_with_the_role() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let bella = app.register_as("Bella", Role::Admin).await;
    let acting = as_somebody(&app, &alma, &ada).await;
    let minutes: f64 = sqlx::query_scalar(
        "select (extract(epoch from absolute_until - created_at) / 60)::float8 from sessions where impersonator_id = $1",
    )
    .bind(alma.id)
    .fetch_one(&app.app.db)
    .await
    .unwrap();
    assert!((59.9..60.1).contains(&minutes), "{minutes}");
    for (broken, mended) in [
        ("update users set role = 'moderator' where id = $1", "update users set role = 'admin' where id = $1"),
        ("update users set is_active = false where id = $1", "update users set is_active = true where id = $1"),
        (
            "update sessions set idle_until = now() where user_id = $1",
            "update sessions set idle_until = absolute_until where user_id = $1",
        ),
    ] {
        app.change(alma.id, broken).await;
        assert!(!is_in_force(&app, &acting).await, "{broken}");
        app.change(alma.id, mended).await;
        assert!(is_in_force(&app, &acting).await, "{mended}");
    }
    app.change(ada.id, "update users set role = 'admin' where id = $1").await;
    assert!(!is_in_force(&app, &acting).await, "the user is an administrator now");
    app.change(ada.id, "update users set role = 'user' where id = $1").await;
    let end = format!("/api/v1/users/{}/sessions", alma.id);
    assert_eq!(app.delete(&bella, &end).await.status, 200);
    assert!(!is_in_force(&app, &acting).await, "the own session was ended");
}

async fn name_in(browser: &Browser) -> (u16, String) {
    let me = Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await;
    let name = if me.status == 200 { me.data()["username"].as_str().unwrap().to_owned() } else { String::new() };
    (me.status, name)
}

#[tokio::test]
async fn a_browser_goes_there_by_the_page_of_the_user_sees_a_banner_and_comes_back() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.register_as("Alma", Role::Admin).await;
    let browser = app.browser_of("Alma").await;
    let page = format!("/users/{}", ada.id);
    assert!(browser.open(&page).await.text.contains("Act as this person"));
    let id = ada.id.to_string();
    let fields = |reason| [("id", id.as_str()), ("new[reason]", reason)];
    let refused = browser.submit(&page, "/api/users/impersonate", &fields("")).await;
    assert!(refused.status == 400 && refused.text.contains("is required"), "{}", refused.text);
    let begun = browser.submit(&page, "/api/users/impersonate", &fields("looks")).await;
    assert_eq!((begun.status, begun.header("location")), (302, "/dashboard"), "{}", begun.text);
    assert_eq!(name_in(&browser).await, (200, "Ada".into()));
    for shown in ["/dashboard", "/tasks", "/account"] {
        let text = browser.open(shown).await.text;
        assert!(text.contains("you act as") && text.contains("/api/users/end_impersonation"), "{shown}: {text}");
    }
    assert!(!app.browser_of("Ada").await.open("/dashboard").await.text.contains("you act as"));

    let ended = browser.submit("/dashboard", "/api/users/end_impersonation", &[]).await;
    assert_eq!((ended.status, ended.header("location")), (302, format!("{page}?done=impersonation").as_str()));
    assert_eq!(name_in(&browser).await, (200, "Alma".into()));

    browser.submit(&page, "/api/users/impersonate", &fields("looks again")).await;
    assert_eq!(name_in(&browser).await, (200, "Ada".into()));
    assert_eq!(browser.submit("/tasks", "/api/auth/log_out", &[]).await.status, 302);
    assert_eq!(name_in(&browser).await.0, 401);
    let left: i64 =
        sqlx::query_scalar("select count(*) from sessions join users on users.id = user_id where username = 'Alma'")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    assert_eq!(left, 1, "that of the test; the browser's own is ended as well");
}
