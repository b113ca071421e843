//! The password once more.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, PASSWORD, TestApp};

#[tokio::test]
async fn a_wrong_password_confirms_nothing_and_the_right_one_does_for_ten_minutes() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1").await;
    let is_confirmed = async || -> bool {
        let query =
            "select sudo_until between now() + interval '9 minutes' and now() + interval '10 minutes' from sessions";
        sqlx::query_scalar(query).fetch_one(&app.app.db).await.unwrap()
    };

    let wrong = app.post(&ada, "/api/v1/auth/sudo", json!({"password": "not this one"})).await;
    assert_eq!(wrong.refusal(), (401, "INVALID_CREDENTIALS".into()));
    assert!(!is_confirmed().await);
    let right = app.post(&ada, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await;
    assert!(right.data()["sudo_until"].as_str().unwrap().ends_with('Z'));
    assert!(is_confirmed().await);
    assert_eq!(app.send("/api/v1/auth/sudo", json!({"password": PASSWORD})).await.status, 401, "nobody");
}

#[tokio::test]
async fn a_login_counts_as_a_confirmation() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    app.browser_of("Ada").await;
    let query = "select count(*) from sessions where sudo_until > now()";
    let confirmed: i64 = sqlx::query_scalar(query).fetch_one(&app.app.db).await.unwrap();
    assert_eq!(confirmed, 2);
}

#[tokio::test]
async fn a_browser_goes_on_with_a_new_session_and_back_to_where_it_came_from() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.post(&ada, "/api/v1/auth/logout", json!({})).await;
    let browser = app.browser_of("Ada").await;
    app.change(ada.id, "update sessions set sudo_until = null where user_id = $1").await;
    let old: Vec<u8> = sqlx::query_scalar("select token_hash from sessions").fetch_one(&app.app.db).await.unwrap();

    let page = "/account/confirm?to=/account/sessions";
    assert!(browser.open(page).await.text.contains(r#"name="to" value="/account/sessions""#));
    let wrong = [("new[password]", "canary-not-this"), ("to", "/account/sessions")];
    let refused = browser.submit(page, "/api/auth/confirm", &wrong).await;
    assert_eq!(refused.status, 401);
    assert!(!refused.text.contains("canary"), "{}", refused.text);

    let right = [("new[password]", PASSWORD), ("to", "/tasks?status=failed")];
    let confirmed = browser.submit(page, "/api/auth/confirm", &right).await;
    assert_eq!((confirmed.status, confirmed.header("location")), (302, "/tasks?status=failed"));
    let (new, is_confirmed): (Vec<u8>, bool) =
        sqlx::query_as("select token_hash, sudo_until > now() from sessions").fetch_one(&app.app.db).await.unwrap();
    assert!(is_confirmed && new != old, "one session, with a new token");
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.data()["username"], "Ada");
}

#[tokio::test]
async fn the_way_back_leads_to_no_other_site() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    for evil in
        ["//evil.example", "/\\evil.example", "https://evil.example", "https:evil.example", "/\t/evil.example", ""]
    {
        let fields = [("new[password]", PASSWORD), ("to", evil)];
        let answer = browser.submit("/account/confirm", "/api/auth/confirm", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (302, "/account/sessions"), "{evil:?}");
    }
}
