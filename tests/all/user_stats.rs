//! Figures of all users: for programs, and on the page.

use chrono::{DateTime, TimeDelta, Utc};
use model::users::Role;
use serde_json::{Value, json};

use crate::support::TestApp;

const STATS: &str = "/api/v1/admin/users/stats";

/// Ada with two-factor, Bob with it but inactive, Carol deleted, Grace the moderator, who has not confirmed her app, and Alma the administrator;
/// Ada and Bob are older than today.
async fn people(app: &TestApp) -> crate::support::Person {
    let (ada, bob, carol) = (app.register("Ada").await, app.register("Bob").await, app.register("Carol").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let alma = app.register_as("Alma", Role::Admin).await;
    for (person, change) in [
        (&ada, "insert into two_factor (user_id, secret, confirmed_at) values ($1, 'secret', now())"),
        (&bob, "insert into two_factor (user_id, secret, confirmed_at) values ($1, 'secret', now())"),
        (&grace, "insert into two_factor (user_id, secret) values ($1, 'secret')"),
        (&ada, "update users set created_at = now() - interval '3 days', email_verified = true where id = $1"),
        (&bob, "update users set created_at = now() - interval '40 days', is_active = false where id = $1"),
        (&bob, "update users set last_login_at = now() - interval '8 days', must_change_password = true where id = $1"),
        (&bob, "delete from sessions where user_id = $1"),
        (&alma, "update users set last_login_at = null where id = $1"),
    ] {
        app.change(person.id, change).await;
    }
    app.delete(&alma, &format!("/api/v1/users/{}", carol.id)).await.data();
    alma
}

#[tokio::test]
async fn figures_of_users_are_counted_by_role_state_and_day() {
    let app = TestApp::start().await;
    let alma = people(&app).await;
    let stats = app.get(&alma, STATS).await.data();
    let role = |role: &str, [active, inactive, deleted, two_factor]: [i64; 4]| {
        json!({
            "role": role, "active": active, "inactive": inactive, "deleted": deleted, "two_factor": two_factor, "passkeys": 0
        })
    };
    let roles = json!([role("user", [1, 1, 1, 1]), role("moderator", [1, 0, 0, 0]), role("admin", [1, 0, 0, 0])]);
    assert_eq!(stats["roles"], roles, "of the active ones, and an app that was not confirmed is no second factor");
    let count = |name: &str| stats[name].as_i64().unwrap_or_else(|| panic!("{name} in {stats}"));
    let all = ["total_users", "active_users", "inactive_users", "deleted_users"].map(count);
    assert_eq!(all, [4, 3, 1, 1]);
    let some = ["email_verified", "email_unverified", "password_change_required", "never_logged_in"].map(count);
    assert_eq!(some, [1, 3, 1, 1]);
    assert_eq!(stats["recent_registrations"], json!({"last_24h": 2, "last_7d": 3, "last_30d": 3}));
    assert_eq!(stats["last_logins"], json!({"last_24h": 2, "last_7d": 2, "last_30d": 3}));
    assert_eq!(stats["sessions"], json!({"browser": 0, "api": 3, "people": 3}));
}

#[tokio::test]
async fn each_of_the_last_thirty_days_has_its_figures_in_utc() {
    let app = TestApp::start().await;
    let alma = people(&app).await;
    let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(&app.app.db).await.expect("the time");
    let stats = app.get(&alma, STATS).await.data();
    let days = stats["days"].as_array().expect("the days");
    assert_eq!(days.len(), 30);
    let ago = |days_ago: i64, days: &[Value]| {
        let day = &days[days.len() - 1 - days_ago as usize];
        let date = (now - TimeDelta::days(days_ago)).format("%Y-%m-%dT00:00:00Z").to_string();
        assert_eq!(day["at"], json!(date));
        (day["registered"].as_i64(), day["last_login"].as_i64())
    };
    assert_eq!(ago(0, days), (Some(2), Some(2)), "not Carol, who is deleted");
    assert_eq!(ago(3, days), (Some(1), Some(0)));
    assert_eq!(ago(8, days), (Some(0), Some(1)));
    assert_eq!(ago(29, days), (Some(0), Some(0)));
}

#[tokio::test]
async fn the_page_shows_the_figures_and_draws_the_days_without_the_client() {
    let app = TestApp::start().await;
    people(&app).await;
    let browser = app.browser_of("Alma").await;
    assert!(browser.open("/users").await.text.contains(r#"href="/users/statistics""#));
    let page = browser.open("/users/statistics").await;
    assert_eq!(page.status, 200);
    for shown in [
        r#"href="/users?role=user&amp;status=inactive""#,
        "1 of 1 (100 %)",
        "4, and 1 deleted",
        "1 of 4 (25 %)",
        "2 in 24 hours, 3 in 7 days, 3 in 30 days",
        "1 of browsers, 3 of programs, of 3 people",
        " · made 2</title>",
        " · people 1</title>",
    ] {
        assert!(page.text.contains(shown), "{shown} in {}", page.text);
    }
}
