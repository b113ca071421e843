//! The audit log: where a change came from, and finding it again.

use model::users::Role;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const LOG: &str = "/api/v1/admin/audit-log";

#[tokio::test]
async fn each_entry_says_where_it_came_from_at_every_door() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let profile = app.request("PUT".parse().unwrap(), "/api/v1/users/me/profile").bearer_auth(&ada.token);
    let profile = profile.header("x-forwarded-for", "203.0.113.7").json(&json!({"username": "Countess"}));
    assert_eq!(Answer::to(profile).await.status, 200);
    let browser = app.browser_of("Countess").await;
    let form = [("new[username]", "Lovelace")];
    assert_eq!(browser.submit("/account", "/api/account/edit", &form).await.status, 302);

    let log = app.get(&alma, LOG).await.data();
    assert_eq!((&log[1]["ip"], &log[0]["ip"]), (&json!("203.0.113.7"), &json!("127.0.0.1")), "{log}");
    let page = app.browser_of("Alma").await.open("/admin/audit-log").await;
    assert!(page.text.contains("203.0.113.7"), "{}", page.text);
}

#[tokio::test]
async fn the_log_is_filtered_by_who_what_whom_and_when() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let alma = app.register_as("Alma", Role::Admin).await;
    for person in [&ada, &bob] {
        let role = app.put(&alma, &format!("/api/v1/users/{}/role", person.id), json!({"role": "moderator"})).await;
        assert_eq!(role.status, 200);
    }
    app.put(&ada, "/api/v1/users/me/profile", json!({"username": "Countess"})).await.data();

    let count = async |query: &str| match app.get(&alma, &format!("{LOG}?{query}")).await.data() {
        Value::Array(rows) => rows.len(),
        other => panic!("{other}"),
    };
    let today = chrono::Utc::now().date_naive();
    let (before, after) = (today - chrono::Days::new(2), today + chrono::Days::new(2));
    for (query, expected) in [
        (String::new(), 3),
        ("actor=ALMA".into(), 2),
        (format!("actor={}", ada.id), 1),
        ("actor=nobody".into(), 0),
        ("action=user.set_role".into(), 2),
        ("subject=countess".into(), 2),
        (format!("subject={}&action=user", bob.id), 1),
        (format!("from={before}&to={after}"), 3),
        (format!("from={after}"), 0),
        (format!("to={before}"), 0),
    ] {
        assert_eq!(count(&query).await, expected, "{query}");
    }
    assert_eq!(app.get(&alma, &format!("{LOG}?from=yesterday")).await.status, 400);

    let browser = app.browser_of("Alma").await;
    let rows = async |query: &str| {
        let page = browser.open(&format!("/admin/audit-log?{query}")).await;
        assert_eq!(page.status, 200);
        page.text.matches("data-label=\"Did\"").count()
    };
    assert_eq!(rows("actor=alma&action=&subject=bob&from=&to=").await, 1);
    assert_eq!(rows(&format!("to={before}")).await, 0);
}
