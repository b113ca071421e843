//! Sessions: how long they last, how they end, and at which door they are good.

use chrono::{DateTime, Duration, Utc};
use model::auth::Refreshed;
use reqwest::Method;
use reqwest::header::SET_COOKIE;
use serde_json::json;
use server::auth::store::Store;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::{Duration as Lifetime, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use uuid::Uuid;

use crate::support::program::Program;
use crate::support::{Answer, Person, TestApp, is_nobodys, within_patience};

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
    let cookie = signed_in.set_cookie("session").split(';').next().unwrap();
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
    assert!(is_nobodys(&store, &record.id).await);
}

#[tokio::test]
async fn an_answer_that_comes_late_takes_no_cookie_away_and_a_logout_does() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    app.browser_of("Ada").await;
    sqlx::query("delete from sessions").execute(&app.app.db).await.unwrap();
    let late = Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await;
    assert_eq!(late.status, 401);
    assert_eq!(late.headers.get_all(SET_COOKIE).iter().count(), 0, "by now the cookie may be another one");

    let out = browser.submit("/login", "/api/auth/log_out", &[]).await;
    assert!(out.set_cookie("session").contains("Max-Age=0"));
}

#[tokio::test]
async fn what_is_saved_without_a_login_is_no_session() {
    let app = TestApp::start().await;
    let expiry_date = OffsetDateTime::now_utc() + Lifetime::hours(1);
    let mut record = Record { id: Id::default(), data: Default::default(), expiry_date };
    assert!(Store(app.app.clone()).create(&mut record).await.is_err());
}

const FIREFOX: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0";

/// Logs in as this program; the answer is the token.
async fn log_in_as(app: &TestApp, name: &str, user_agent: &str) -> String {
    let login = json!({"username": name, "password": crate::support::PASSWORD, "user_agent": user_agent});
    app.send("/api/v1/auth/login", login).await.data()["session_token"].as_str().unwrap().to_owned()
}

async fn sessions_of(app: &TestApp, person: &Person) -> Vec<serde_json::Value> {
    app.get(person, "/api/v1/auth/sessions").await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn somebody_sees_their_own_sessions_that_are_in_force_and_which_one_this_is() {
    let app = TestApp::start().await;
    let (ada, _bob) = (app.register("Ada").await, app.register("Bob").await);
    log_in_as(&app, "Ada", "gone").await;
    app.change(ada.id, "update sessions set idle_until = now() where user_agent = 'gone' and user_id = $1").await;
    log_in_as(&app, "Ada", FIREFOX).await;

    let sessions = sessions_of(&app, &ada).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let (this, firefox) = (&sessions[0], &sessions[1]);
    assert_eq!((&this["is_current"], &firefox["is_current"]), (&json!(true), &json!(false)));
    assert_eq!((&firefox["browser"], &firefox["system"]), (&json!("Firefox"), &json!("macOS")));
    assert_eq!((&firefox["kind"], &firefox["ip"]), (&json!("api"), &json!("127.0.0.1")));
    for moment in ["created_at", "last_seen_at", "expires_at"] {
        assert!(firefox[moment].as_str().unwrap().ends_with('Z'), "{firefox}");
    }
    assert!(!firefox.to_string().contains("token"), "{firefox}");
}

#[tokio::test]
async fn a_session_is_ended_by_its_owner_only() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let other = Person { token: app.log_in("Ada").await, name: "Ada".into(), email: ada.email.clone(), id: ada.id };
    let id = sessions_of(&app, &other).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/auth/sessions/{id}");

    assert_eq!(app.delete(&bob, &path).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(app.get(&other, "/api/v1/auth/me").await.status, 200, "a stranger ends nothing");
    let ended = app.delete(&ada, &path).await;
    assert_eq!((ended.status, ended.text.as_str()), (204, ""));
    is_refused(&app, &other).await;
    assert_eq!(app.delete(&ada, &path).await.refusal(), (404, "NOT_FOUND".into()), "it is gone");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 200);
}

#[tokio::test]
async fn logging_out_elsewhere_keeps_this_session_and_those_of_others() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    app.log_in("Ada").await;
    app.browser_of("Ada").await;

    let ended = app.post(&ada, "/api/v1/auth/logout-others", json!({})).await;
    assert_eq!(ended.json()["message"], "Ended 2 session(s)");
    assert_eq!(sessions_of(&app, &ada).await.len(), 1);
    assert_eq!(app.get(&bob, "/api/v1/auth/me").await.status, 200);
}

#[tokio::test]
async fn the_page_of_sessions_works_by_plain_forms() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let program = sessions_of(&app, &ada).await[0]["id"].as_str().unwrap().to_owned();
    let page = browser.open("/account/sessions").await;
    assert!(page.text.contains(&program) && page.text.contains("This one"), "{}", page.text);

    let ended = browser.submit("/account/sessions", "/api/auth/end_session", &[("id", &program)]).await;
    assert_eq!((ended.status, ended.header("location")), (302, "/account/sessions?done=session"));
    is_refused(&app, &ada).await;
    let again = browser.submit("/account/sessions", "/api/auth/end_session", &[("id", &program)]).await;
    assert_eq!(again.status, 404);
    assert!(again.text.contains("Session not found"), "{}", again.text);

    let other = app.browser_of("Ada").await;
    browser.submit("/account/sessions", "/api/auth/log_out_others", &[]).await;
    assert_eq!(Answer::to(other.request(Method::GET, "/api/v1/auth/me")).await.status, 401);
    let everywhere = browser.submit("/account/sessions", "/api/auth/log_out_everywhere", &[]).await;
    assert_eq!((everywhere.status, everywhere.header("location")), (302, "/"));
    assert_eq!(Answer::to(browser.request(Method::GET, "/api/v1/auth/me")).await.status, 401);
}

#[tokio::test]
async fn sessions_that_have_ended_are_purged_by_a_worker() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let kept = app.register("Bob").await;
    app.change(ada.id, "update sessions set idle_until = now() where user_id = $1").await;
    let worker = Program::start(&["worker"], &[("DATABASE_URL", app.database_url.as_str())]);
    within_patience("the schedule of the purge", async {
        let due = "update task_schedules set next_at = now() where name = 'maintenance: expired rows'";
        while sqlx::query(due).execute(&app.app.db).await.unwrap().rows_affected() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within_patience("the purge", async {
        let left = async || sqlx::query_scalar::<_, Uuid>("select user_id from sessions").fetch_all(&app.app.db).await;
        while left().await.unwrap() != [kept.id] {
            tokio::task::yield_now().await;
        }
        let alive = async || sqlx::query_scalar::<_, i64>("select count(*) from tasks").fetch_one(&app.app.db).await;
        while alive().await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(worker);
}
