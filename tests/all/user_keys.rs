//! The administration of users by API keys.

use model::rbac::Scope;
use model::users::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, account};

/// The doors that are open to keys, and what they are sent. `{id}` is the person.
fn doors() -> [(Method, &'static str, Value); 12] {
    let bulk = |action: &str| json!({"action": action, "ids": ["{id}"]});
    [
        (Method::GET, "/users/{id}", Value::Null),
        (Method::GET, "/users", Value::Null),
        (Method::GET, "/admin/users/stats", Value::Null),
        (Method::GET, "/admin/audit-log", Value::Null),
        (Method::POST, "/users", account("Newcomer")),
        (Method::PUT, "/users/{id}/status", json!({"is_active": false})),
        (Method::PUT, "/users/{id}/status", json!({"is_active": true})),
        (Method::DELETE, "/users/{id}/sessions", Value::Null),
        (Method::POST, "/users/{id}/restore", Value::Null),
        (Method::POST, "/users/bulk", bulk("disable")),
        (Method::POST, "/users/bulk", bulk("end_sessions")),
        (Method::POST, "/users/bulk", bulk("restore")),
    ]
}

fn request(app: &TestApp, method: &Method, path: &str, body: &Value, person: &Person) -> RequestBuilder {
    let id = person.id.to_string();
    let request = app.request(method.clone(), &format!("/api/v1{path}").replace("{id}", &id));
    if body.is_null() {
        return request;
    }
    request.header("content-type", "application/json").body(body.to_string().replace("{id}", &id))
}

async fn key(app: &TestApp, owner: &Person, scopes: &[Scope]) -> String {
    let created = app.post(owner, "/api/v1/api-keys", json!({"name": "ci", "scopes": scopes})).await;
    created.json()["data"]["key"].as_str().unwrap_or_else(|| panic!("{}", created.text)).to_owned()
}

async fn by_key(request: RequestBuilder, key: &str) -> Answer {
    Answer::to(request.header("x-api-key", key)).await
}

/// What was answered: the refusal of a bulk action is within.
fn said(answer: &Answer) -> (u16, String) {
    let code = |refusal: &Value| refusal["code"].as_str().unwrap_or_default().to_owned();
    let body = answer.json();
    (answer.status, code(&body["error"]) + &code(&body["data"]["people"][0]["refused"]))
}

#[tokio::test]
async fn a_key_does_to_each_person_what_its_owner_may_and_without_the_scope_nothing() {
    for (role, scopes) in [
        (Role::Moderator, vec![Scope::UsersRead, Scope::UsersWrite]),
        (Role::Admin, vec![Scope::UsersWrite, Scope::AuditRead]),
    ] {
        let app = TestApp::start().await;
        let owner = app.register_as("Alma", role).await;
        let mut people = app.somebody_of_each_kind().await;
        people.push(Person { id: owner.id, name: "Alma".into(), email: String::new(), token: String::new() });
        let all = key(&app, &owner, &scopes).await;
        let nothing = key(&app, &owner, &[Scope::TasksWrite, Scope::QueueOperate]).await;
        app.save_accounts().await;
        for (method, path, body) in doors() {
            for person in &people {
                let cell = format!("{method} {path} {body} by {role:?} on {}", person.name);
                let before = app.accounts().await;
                let refused = by_key(request(&app, &method, path, &body, person), &nothing).await;
                assert!(matches!(refused.status, 403 | 404), "{cell}: {}", refused.text);
                assert_eq!(app.accounts().await, before, "{cell}: without the scope");

                let answer = by_key(request(&app, &method, path, &body, person), &all).await;
                let changed = app.accounts().await;
                app.put_accounts_back().await;
                let as_owner = request(&app, &method, path, &body, person).bearer_auth(&owner.token);
                assert_eq!(said(&answer), said(&Answer::to(as_owner).await), "{cell}");
                assert_eq!(changed, app.accounts().await, "{cell}: changed");
                app.put_accounts_back().await;
            }
        }
        app.take_letters_back().await;
    }
}

#[tokio::test]
async fn who_only_reads_changes_nothing_and_who_is_no_moderator_has_no_such_key() {
    let app = TestApp::start().await;
    let (grace, ada) = (app.register_as("Grace", Role::Moderator).await, app.register("Ada").await);
    let reads = key(&app, &grace, &[Scope::UsersRead]).await;
    let before = app.accounts().await;
    for (method, path, body) in doors() {
        let answer = by_key(request(&app, &method, path, &body, &ada), &reads).await;
        let may = method == Method::GET && path.starts_with("/users");
        assert_eq!(answer.status, if may { 200 } else { 403 }, "{method} {path}: {}", answer.text);
    }
    assert_eq!(app.accounts().await, before);
    for (person, scope) in [(&ada, "users:read"), (&ada, "users:write"), (&grace, "audit:read")] {
        let new = json!({"name": "ci", "scopes": [scope]});
        assert_eq!(app.post(person, "/api/v1/api-keys", new).await.fields(), ["scopes"], "{scope}");
    }
    app.make(&grace, Role::User).await;
    assert_eq!(by_key(app.request(Method::GET, "/api/v1/users"), &reads).await.status, 403, "no moderator any more");
}

#[tokio::test]
async fn what_has_to_be_done_in_person_is_done_by_no_key() {
    let app = TestApp::start().await;
    let (alma, ada) = (app.register_as("Alma", Role::Admin).await, app.register("Ada").await);
    let all = key(&app, &alma, Scope::ALL).await;
    let (before, bulk) =
        (app.accounts().await, |action: &str| json!({"action": action, "ids": [ada.id], "role": "admin"}));
    let mut moderator = account("Newcomer");
    moderator["role"] = json!("moderator");
    for (method, path, body) in [
        (Method::PUT, "/users/{id}/profile", json!({"email": "mine@example.com"})),
        (Method::PUT, "/users/{id}/profile", json!({"email_verified": true})),
        (Method::PUT, "/users/{id}/role", json!({"role": "admin"})),
        (Method::POST, "/users/{id}/reset-password", json!({"new_password": "another fine passphrase"})),
        (Method::POST, "/users/{id}/require-password-change", json!({})),
        (Method::DELETE, "/users/{id}/two-factor", Value::Null),
        (Method::POST, "/users/{id}/impersonate", json!({"reason": "why"})),
        (Method::DELETE, "/users/{id}", json!({})),
        (Method::POST, "/users", moderator),
        (Method::POST, "/users/bulk", bulk("set_role")),
        (Method::POST, "/users/bulk", bulk("delete")),
        (Method::POST, "/users/bulk", bulk("require_password_change")),
    ] {
        let answer = by_key(request(&app, &method, path, &body, &ada), &all).await;
        assert_eq!(answer.refusal(), (403, "FORBIDDEN".into()), "{method} {path} {body}");
    }
    assert_eq!(app.accounts().await, before);
    let made = by_key(app.request(Method::POST, "/api/v1/users").json(&account("Newcomer")), &all).await;
    assert_eq!(made.data()["role"], "user");
    let log = by_key(app.request(Method::GET, "/api/v1/admin/audit-log?action=user"), &all).await.data();
    assert_eq!(log.as_array().unwrap().len(), 1, "what was refused is not in the log: {log}");
    assert_eq!((&log[0]["action"], &log[0]["actor_name"]), (&json!("user.create"), &json!("Alma")));
    app.take_letters_back().await;
}
