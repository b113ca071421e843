//! Common passwords, refused wherever somebody sets one.

use model::users::Role;
use serde_json::{Value, json};

use crate::support::program::{run, run_with_input};
use crate::support::{Answer, PASSWORD, TestApp};

/// One of everybody's first hundred, one far down the long list, and one of the later leaks.
const COMMON: [&str; 3] = ["Password123", "Limegreen", " snowflake "];
const WORDS: &str = "is too common";

async fn put(app: &TestApp, token: &str, path: &str, body: Value) -> Answer {
    Answer::to(app.request(reqwest::Method::PUT, path).bearer_auth(token).json(&body)).await
}

#[tokio::test]
async fn a_common_password_is_refused_at_its_field_by_every_door_of_the_api() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    app.forgot(&ada.email).await;
    let link = app.newest_token().await;
    for common in COMMON {
        let new = json!({"username": "Grace", "email": "grace@example.com", "password": common});
        let change = json!({"current_password": PASSWORD, "new_password": common});
        let reset = format!("/api/v1/users/{}/reset-password", ada.id);
        for (door, answer, field) in [
            ("register", app.send("/api/v1/auth/register", new.clone()).await, "password"),
            ("create", app.post(&alma, "/api/v1/users", new).await, "password"),
            ("change", put(&app, &ada.token, "/api/v1/users/me/password", change).await, "new_password"),
            ("by the link", app.reset(&link, common).await, "new_password"),
            ("by an administrator", app.post(&alma, &reset, json!({"new_password": common})).await, "new_password"),
        ] {
            assert_eq!((answer.status, answer.fields()), (400, vec![field.to_owned()]), "{door}: {common}");
            assert!(answer.text.contains(WORDS), "{door}: {}", answer.text);
        }
    }
    let all = json!({"username": "x", "email": "x", "password": COMMON[0]});
    let all = app.send("/api/v1/auth/register", all).await;
    assert_eq!(all.fields(), ["username", "email", "password"], "together with what else is wrong");
    assert_eq!(app.reset(&link, "limegreen lemonade").await.status, 200, "a part of a good one may be common");
    app.take_letters_back().await;
}

#[tokio::test]
async fn the_pages_show_it_at_the_field_without_javascript() {
    let app = TestApp::start().await;
    let alma = app.register_as("Alma", Role::Admin).await;
    let (nobody, browser) = (app.browser(), app.browser_of("Alma").await);
    for common in COMMON {
        let new = [("new[username]", "Grace"), ("new[email]", "grace@example.com"), ("new[password]", common)];
        let with_role = [&new[..], &[("new[role]", "user")]].concat();
        let change = [("new[current_password]", PASSWORD), ("new[new_password]", common)];
        for (page, answer) in [
            ("/register", nobody.submit("/register", "/api/auth/register", &new).await),
            ("/users/new", browser.submit("/users/new", "/api/users/create", &with_role).await),
            ("/account", browser.submit("/account", "/api/account/password", &change).await),
        ] {
            assert_eq!(answer.status, 400, "{page}: {common}");
            assert!(answer.text.contains(WORDS), "{page}: {}", answer.text);
            assert!(!answer.text.contains(common), "{page}: {}", answer.text);
        }
    }
    assert_eq!(app.get(&alma, "/api/v1/auth/me").await.status, 200);
}

#[tokio::test]
async fn the_command_line_and_the_configuration_refuse_it_too() {
    let app = TestApp::start().await;
    let settings = [("DATABASE_URL", app.database_url.as_str())];
    for common in COMMON {
        let output = run_with_input(&["admin", "create-admin", "Alma", "alma@example.com"], &settings, common).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(WORDS) && !said.contains(common), "{common}: {said}");
        let initial = [("STARTER__INITIAL_ADMIN_PASSWORD", common)];
        let output = run(&["serve", "--print-config"], &initial).await;
        let said = String::from_utf8_lossy(&output.stderr);
        let named = format!("initial_admin_password {WORDS}");
        assert!(!output.status.success() && said.contains(&named), "{common}: {said}");
    }
    let people: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(people, 0);
}
