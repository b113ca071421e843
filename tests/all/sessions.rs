//! Sessions: how long they last, how they end, and at which door they are good.

use chrono::{DateTime, Duration, Utc};
use model::auth::Refreshed;
use reqwest::Method;
use serde_json::json;
use server::auth::store::Store;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::{Duration as Lifetime, OffsetDateTime};
use tower_sessions::session::{Id, Record};

use crate::support::{Answer, Person, TestApp};

const UNAUTHORIZED: (u16, &str) = (401, "UNAUTHORIZED");

async fn is_refused(app: &TestApp, person: &Person) {
    let (status, code) = app.get(person, "/api/v1/auth/me").await.refusal();
    assert_eq!((status, code.as_str()), UNAUTHORIZED);
}

async fn refresh(app: &TestApp, person: &Person) -> Answer {
    app.post(person, "/api/v1/auth/refresh", json!({})).await
}

async fn absolute_end(app: &TestApp) -> DateTime<Utc> {
    sqlx::query_scalar("select absolute_until from sessions").fetch_one(&app.app.db).await.unwrap()
}

#[tokio::test]
async fn a_session_ends_when_it_was_idle_too_long() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set idle_until = now() - interval '1 second' where user_id = $1").await;
    is_refused(&app, &ada).await;
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_end_whatever_happens() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let move_end = "update sessions set idle_until = now() - interval '1 second', absolute_until = now() - interval '1 second' where user_id = $1";
    app.change(ada.id, move_end).await;
    is_refused(&app, &ada).await;
    assert_eq!(refresh(&app, &ada).await.status, 401);
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other() {
    let app = TestApp::start().await;
    let mut ada = app.register("Ada").await;
    let other = app.log_in("Ada").await;
    assert_eq!(app.post(&ada, "/api/v1/auth/logout", json!({})).await.status, 200);
    is_refused(&app, &ada).await;

    ada.token = other;
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.data()["username"], "Ada");
}

#[tokio::test]
async fn logging_out_everywhere_ends_the_sessions_of_this_person_and_counts_them() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    app.log_in("Ada").await;
    let browser = app.browser_of("Ada").await;

    let ended = app.post(&ada, "/api/v1/auth/logout-all", json!({})).await;
    assert_eq!(ended.json()["message"], "Ended 3 session(s)");
    is_refused(&app, &ada).await;
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.status, 401);
    assert_eq!(app.get(&bob, "/api/v1/auth/me").await.status, 200);
}

#[tokio::test]
async fn each_login_gets_a_token_of_its_own() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    assert_ne!(app.log_in("Ada").await, ada.token);
}

#[tokio::test]
async fn a_session_is_refreshed_when_the_last_time_is_long_enough_ago() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    assert_eq!(refresh(&app, &ada).await.refusal(), (409, "CONFLICT".into()));

    let long_ago = "update sessions set refreshed_at = now() - interval '6 minutes', idle_until = now() + interval '1 minute' where user_id = $1";
    app.change(ada.id, long_ago).await;
    let refreshed: Refreshed = serde_json::from_value(refresh(&app, &ada).await.data()).unwrap();
    assert!(refreshed.expires_at > Utc::now() + Duration::hours(23), "{refreshed:?}");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 200, "the token is the same");
    assert_eq!(refresh(&app, &ada).await.refusal(), (409, "CONFLICT".into()));
}

#[tokio::test]
async fn no_refresh_leads_past_the_absolute_end() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let near_the_end =
        "update sessions set refreshed_at = now() - interval '6 minutes', idle_until = now() + interval '1 minute',
        absolute_until = now() + interval '2 minutes' where user_id = $1";
    app.change(ada.id, near_the_end).await;
    let refreshed: Refreshed = serde_json::from_value(refresh(&app, &ada).await.data()).unwrap();
    assert_eq!(refreshed.expires_at, absolute_end(&app).await);
}

#[tokio::test]
async fn a_browser_stays_signed_in_by_being_used_but_not_past_the_absolute_end() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.post(&ada, "/api/v1/auth/logout", json!({})).await;
    let browser = app.browser_of("Ada").await;
    let used_before =
        "update sessions set last_seen_at = now() - interval '2 minutes', idle_until = now() + interval '1 minute',
        absolute_until = now() + interval '1 hour' where user_id = $1";
    app.change(ada.id, used_before).await;

    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.status, 200);
    let idle_end: DateTime<Utc> =
        sqlx::query_scalar("select idle_until from sessions").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(idle_end, absolute_end(&app).await);
}

#[tokio::test]
async fn a_token_is_good_at_its_own_door_only() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let me = || app.request(Method::GET, "/api/v1/auth/me");
    let fields = [("new[username]", "Ada"), ("new[password]", crate::support::PASSWORD)];
    let signed_in = app.browser().submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap();
    let (name, browser_token) = cookie.split_once('=').unwrap();

    assert_eq!(Answer::to(me().header("cookie", cookie)).await.data()["username"], "Ada", "the cookie is good");
    assert_eq!(Answer::to(me().bearer_auth(browser_token)).await.status, 401, "as a token it is not");
    let as_cookie = format!("{name}={}", ada.token);
    assert_eq!(Answer::to(me().header("cookie", as_cookie)).await.status, 401, "a token is no cookie");
}

#[tokio::test]
async fn a_slow_request_does_not_bring_back_a_session_that_was_ended() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let store = Store(app.app.clone());
    let login = json!({"user_id": ada.id, "user_agent": null});
    let expiry_date = OffsetDateTime::now_utc() + Lifetime::hours(1);
    let mut record = Record { id: Id::default(), data: [("login".to_owned(), login)].into(), expiry_date };
    store.create(&mut record).await.unwrap();
    let loaded = store.load(&record.id).await.unwrap().expect("the session is there");

    store.delete(&record.id).await.unwrap();
    store.save(&loaded).await.unwrap();
    assert!(store.load(&record.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_saved_without_a_login_is_no_session() {
    let app = TestApp::start().await;
    let expiry_date = OffsetDateTime::now_utc() + Lifetime::hours(1);
    let mut record = Record { id: Id::default(), data: Default::default(), expiry_date };
    assert!(Store(app.app.clone()).create(&mut record).await.is_err());
}
