//! A request against the end of what it came with: nothing is accepted once the end was answered.

use model::auth::SessionKind;
use model::rbac::Scope;
use model::users::Role;
use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::json;
use server::auth::sessions;
use server::auth::store::Store;
use server::http::Client;
use tower_sessions::session_store::SessionStore;
use uuid::Uuid;

use crate::support::{Answer, Person, TestApp, is_nobodys};

const ROUNDS: usize = 1_000;

/// Another session of this person, without the work of a login.
async fn session(app: &TestApp, person: Uuid, kind: SessionKind) -> String {
    let token = sessions::new_token().to_string();
    let client = Client { ip: None, user_agent: None, ..Client::default() };
    let mut conn = app.app.db.acquire().await.unwrap();
    sessions::insert(&mut conn, &app.app, person, kind, &token, &client, false).await.unwrap();
    token
}

async fn me(app: &TestApp, token: &str) -> u16 {
    Answer::to(app.request(Method::GET, "/api/v1/auth/me").bearer_auth(token)).await.status
}

#[tokio::test]
async fn nothing_is_accepted_after_the_answer_to_a_logout() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for round in 0..ROUNDS {
        let token = session(&app, ada.id, SessionKind::Api).await;
        let log_out = app.request(Method::POST, "/api/v1/auth/logout").bearer_auth(&token);
        let (ended, beside) = tokio::join!(Answer::to(log_out), me(&app, &token));
        assert!(ended.status == 200 && matches!(beside, 200 | 401), "round {round}: {} {beside}", ended.status);
        assert_eq!(me(&app, &token).await, 401, "round {round}");
    }
}

#[tokio::test]
async fn nothing_is_accepted_after_the_answer_that_an_account_is_disabled() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let path = format!("/api/v1/users/{}/status", ada.id);
    for round in 0..ROUNDS {
        let token = session(&app, ada.id, SessionKind::Api).await;
        let disable = app.put(&alma, &path, json!({"is_active": false}));
        let (ended, beside) = tokio::join!(disable, me(&app, &token));
        assert!(ended.status == 200 && matches!(beside, 200 | 401), "round {round}: {} {beside}", ended.status);
        assert_eq!(me(&app, &token).await, 401, "round {round}");
        app.change(ada.id, "update users set is_active = true where id = $1").await;
        assert_eq!(me(&app, &token).await, 401, "round {round}: the session is gone for good");
    }
}

#[tokio::test]
async fn nothing_is_accepted_after_the_answer_to_a_revoke() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for round in 0..ROUNDS {
        let new = json!({"name": "ci", "scopes": [Scope::TasksRead]});
        let created = app.post(&ada, "/api/v1/api-keys", new).await.json()["data"].clone();
        let path = format!("/api/v1/api-keys/{}", created["id"].as_str().unwrap());
        let tasks = async || {
            let request =
                app.request(Method::GET, "/api/v1/tasks").header("x-api-key", created["key"].as_str().unwrap());
            Answer::to(request).await.status
        };
        let (ended, beside) = tokio::join!(app.delete(&ada, &path), tasks());
        assert!(ended.status == 204 && matches!(beside, 200 | 401), "round {round}: {} {beside}", ended.status);
        assert_eq!(tasks().await, 401, "round {round}");
    }
}

#[tokio::test]
async fn a_slow_request_brings_no_session_back_that_a_logout_has_ended() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let Person { id: person, .. } = ada;
    let store = Store(app.app.clone());
    for round in 0..ROUNDS {
        let token = session(&app, person, SessionKind::Browser).await;
        let id = token.parse().expect("an id");
        // A request has read its session, the logout ends it, and the request writes what it has read.
        let record = store.load(&id).await.unwrap().expect("it is in force");
        let cookie = format!("session={token}");
        let log_out = app.request(Method::POST, "/api/auth/log_out").header(COOKIE, &cookie);
        let log_out = log_out.header("sec-fetch-site", "same-origin").header("accept", "application/json");
        let log_out = log_out.header("content-type", "application/x-www-form-urlencoded");
        let (ended, saved) = tokio::join!(Answer::to(log_out), store.save(&record));
        assert!(ended.status == 200 && saved.is_ok(), "round {round}: {}", ended.text);
        store.save(&record).await.unwrap();
        assert!(is_nobodys(&store, &id).await, "round {round}");
        let me = app.request(Method::GET, "/api/v1/auth/me").header(COOKIE, &cookie);
        assert_eq!(Answer::to(me).await.status, 401, "round {round}");
    }
}
