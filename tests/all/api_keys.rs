//! API keys: made and ended by their owner, and good for what their scopes say.

use model::rbac::Scope;
use model::users::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::tasks::delay;
use crate::support::{Answer, PASSWORD, Person, TestApp};

const KEYS: &str = "/api/v1/api-keys";

/// A key as its owner was shown it.
struct Key {
    id: String,
    text: String,
}

async fn create(app: &TestApp, person: &Person, scopes: &[Scope]) -> Key {
    let answer = app.post(person, KEYS, json!({"name": "ci", "scopes": scopes})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let created = answer.json()["data"].clone();
    let word = |name: &str| created[name].as_str().unwrap().to_owned();
    Key { id: word("id"), text: word("key") }
}

async fn revoke(app: &TestApp, person: &Person, key: &Key) -> Answer {
    app.delete(person, &format!("{KEYS}/{}", key.id)).await
}

async fn with_key(request: RequestBuilder, key: &str) -> Answer {
    Answer::to(request.header("x-api-key", key)).await
}

async fn tasks(app: &TestApp, key: &str) -> Answer {
    with_key(app.request(Method::GET, "/api/v1/tasks"), key).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_in_both_headers() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let key = create(&app, &ada, &[Scope::TasksWrite]).await;

    let queued = with_key(app.request(Method::POST, "/api/v1/tasks").json(&delay(0)), &key.text).await.data();
    let bearer = app.request(Method::GET, "/api/v1/tasks").bearer_auth(&key.text);
    assert_eq!(Answer::to(bearer).await.data()[0]["id"], queued["id"], "written by the owner, and read with it");
    let from_elsewhere = app.request(Method::POST, "/api/v1/tasks").header("origin", "https://evil.example");
    with_key(from_elsewhere.json(&delay(0)), &key.text).await.data();
    app.work().await;

    let listed = app.get(&ada, KEYS).await;
    let entry = &listed.data()[0];
    assert_eq!(
        (&entry["name"], &entry["scopes"], &entry["is_live"]),
        (&json!("ci"), &json!(["tasks:write"]), &json!(true))
    );
    assert!(key.text.starts_with(entry["prefix"].as_str().unwrap()) && !entry["last_used_at"].is_null(), "{entry}");
    assert!(!listed.text.contains(&key.text), "{}", listed.text);
    let days: i32 = sqlx::query_scalar("select extract(day from expires_at - created_at)::int from api_keys")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert_eq!(days, 90);
}

#[tokio::test]
async fn every_key_that_is_not_in_force_is_refused_alike() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let (revoked, expired) =
        (create(&app, &ada, &[Scope::TasksRead]).await, create(&app, &ada, &[Scope::TasksRead]).await);
    let of_bob = create(&app, &bob, &[Scope::TasksRead]).await;
    assert_eq!(revoke(&app, &bob, &revoked).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(tasks(&app, &revoked.text).await.status, 200, "a stranger ends nothing");
    assert_eq!(revoke(&app, &ada, &revoked).await.status, 204);
    assert_eq!(revoke(&app, &ada, &revoked).await.refusal(), (404, "NOT_FOUND".into()), "it has ended");
    let expire = "update api_keys set created_at = now() - interval '2 days', expires_at = now() where id = $1";
    app.change(expired.id.parse().unwrap(), expire).await;
    app.change(bob.id, "update users set is_active = false where id = $1").await;

    let mut typo = revoked.text.clone();
    typo.pop();
    let unknown = server::api_keys::Key::random().into_shown();
    let mut answers = Vec::new();
    for key in [&revoked.text, &expired.text, &of_bob.text, &typo, &unknown, "", "starter_"].map(String::from) {
        for request in [
            app.request(Method::GET, "/api/v1/tasks").header("x-api-key", &key),
            app.request(Method::GET, "/api/v1/tasks").bearer_auth(&key),
        ] {
            let answer = Answer::to(request).await;
            assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{key}");
            answers.push(answer.text.replace(answer.header("x-request-id"), "…"));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_key_has_a_name_an_end_and_scopes_of_its_owners_role() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let bad = [
        (json!({"name": " ", "scopes": []}), 400, vec!["name", "scopes"]),
        (json!({"name": "ci", "scopes": ["queue:operate"]}), 400, vec!["scopes"]),
        (json!({"name": "ci", "scopes": ["tasks:read"], "expires_in_days": 366}), 400, vec!["expires_in_days"]),
    ];
    for (new, status, fields) in bad {
        let answer = app.post(&ada, KEYS, new).await;
        assert_eq!((answer.status, answer.fields()), (status, fields.into_iter().map(String::from).collect()));
    }
    assert_eq!(app.post(&ada, KEYS, json!({"name": "ci", "scopes": ["everything"]})).await.status, 422);
    assert_eq!(app.get(&ada, KEYS).await.data(), json!([]));
}

#[tokio::test]
async fn a_key_does_no_more_than_its_owner_may_by_now() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    let key = create(&app, &grace, &[Scope::QueueOperate]).await;
    let queue = async || with_key(app.request(Method::GET, "/api/v1/tasks/queue"), &key.text).await;
    assert_eq!(queue().await.status, 200);
    app.make(&grace, Role::User).await;
    assert_eq!(queue().await.refusal(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn the_last_of_twenty_keys_is_given_once_also_to_two_at_once() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let new = || app.post(&ada, KEYS, json!({"name": "ci", "scopes": ["tasks:read"]}));
    for _ in 0..19 {
        assert_eq!(new().await.status, 201);
    }
    let (first, second) = tokio::join!(new(), new());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let last = app.get(&ada, KEYS).await.data()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.delete(&ada, &format!("{KEYS}/{last}")).await.status, 204);
    assert_eq!(new().await.status, 201, "a revoked one does not count");
}

#[tokio::test]
async fn keys_are_made_and_ended_only_with_a_password_that_was_given_lately() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let key = create(&app, &ada, &[Scope::TasksRead]).await;
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1").await;

    let wanted = (403, "REAUTHENTICATION_REQUIRED".to_owned());
    assert_eq!(app.post(&ada, KEYS, json!({"name": "ci", "scopes": ["tasks:read"]})).await.refusal(), wanted);
    assert_eq!(revoke(&app, &ada, &key).await.refusal(), wanted);
    app.post(&ada, "/api/v1/auth/sudo", json!({"password": PASSWORD})).await.data();
    assert_eq!(revoke(&app, &ada, &key).await.status, 204);

    let rows: Vec<(String, Uuid, String)> =
        sqlx::query_as("select action, actor_id, subject from audit_log order by id")
            .fetch_all(&app.app.db)
            .await
            .unwrap();
    let expected = ["api_key.create", "api_key.revoke"].map(|action| (action.to_owned(), ada.id, key.id.clone()));
    assert_eq!(rows, expected, "what was refused is not in the audit log");
}

#[tokio::test]
async fn the_page_shows_a_new_key_once_in_the_answer_to_its_plain_form() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.post(&ada, "/api/v1/auth/logout", json!({})).await.data();
    let browser = app.browser_of("Ada").await;
    let page = "/account/api-keys";
    let first = browser.open(page).await;
    assert!(first.text.contains("tasks:write") && !first.text.contains("queue:operate"), "{}", first.text);

    let fields = [("new[name]", "nightly"), ("new[expires_in_days]", "7"), ("new[scopes][1]", "tasks:write")];
    let refused = browser.submit(page, "/api/api_keys/create", &fields[..2]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("choose at least one") && refused.text.contains("nightly"), "{}", refused.text);

    let created = browser.submit(page, "/api/api_keys/create", &fields).await;
    assert_eq!((created.status, created.header("location")), (200, ""));
    assert_eq!(created.header("cache-control"), "no-store");
    let begin = created.text.find(r#"value="starter_"#).expect("the key is on the page") + 7;
    let key = &created.text[begin..begin + 43];
    assert_eq!(created.text.matches(key).count(), 1);
    assert_eq!(tasks(&app, key).await.data(), json!([]));
    assert!(!browser.open(page).await.text.contains(key), "shown once");

    app.change(ada.id, "update sessions set sudo_until = null where user_id = $1").await;
    let late = browser.submit(page, "/api/api_keys/create", &fields).await;
    assert_eq!(late.status, 403);
    assert!(late.text.contains("/account/confirm?to=/account/api-keys"), "{}", late.text);
}

#[tokio::test]
async fn a_key_is_nowhere_in_the_database_and_not_in_the_log() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut program = crate::support::program::Program::start(
        &["serve", "--port", "0"],
        &[("DATABASE_URL", app.database_url.as_str()), ("RUST_LOG", "debug")],
    );
    let ready = program.says("ready on").await;
    let address = ready.split("ready on ").nth(1).unwrap().split_whitespace().next().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let new = json!({"name": "ci", "scopes": ["tasks:read"]});
    let created = Answer::to(client.post(format!("{address}{KEYS}")).bearer_auth(&ada.token).json(&new)).await;
    let key = created.json()["data"]["key"].as_str().unwrap().to_owned();
    let get = || client.get(format!("{address}/api/v1/tasks"));
    assert_eq!(with_key(get(), &key).await.status, 200);
    assert_eq!(Answer::to(get().bearer_auth(&key)).await.status, 200);
    program.signal("TERM").await;
    program.ends().await;
    assert!(!program.said().contains(&key[12..]), "{}", program.said());

    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&app.app.db)
        .await
        .unwrap();
    assert!(tables.iter().any(|table| table == "api_keys"));
    for table in tables {
        let dump = format!("select coalesce(string_agg(one::text, ' '), '') from \"{table}\" one");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(dump)).fetch_one(&app.app.db).await.unwrap();
        assert!(!rows.contains(&key[12..]) && !rows.contains(PASSWORD), "{table}");
    }
}

async fn reset_by_letter(app: &TestApp, ada: &Person) {
    app.forgot(&ada.email).await;
    let token = app.newest_token().await;
    assert_eq!(app.reset(&token, OTHER_PASSWORD).await.status, 200);
}

async fn reset_by_somebody(app: &TestApp, ada: &Person, grace: &Person) {
    let (path, body) = (format!("/api/v1/users/{}/reset-password", ada.id), json!({"new_password": OTHER_PASSWORD}));
    assert_eq!(app.post(grace, &path, body).await.status, 200);
}

const OTHER_PASSWORD: &str = "another fine passphrase";

#[tokio::test]
async fn keys_stay_when_their_owner_changes_the_password_and_end_when_it_is_reset() {
    let app = TestApp::start().await;
    let (ada, grace) = (app.register("Ada").await, app.register_as("Grace", Role::Moderator).await);
    let of_grace = create(&app, &grace, &[Scope::TasksRead]).await;
    let key = create(&app, &ada, &[Scope::TasksRead]).await;
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    assert_eq!(app.put(&ada, "/api/v1/users/me/password", change).await.status, 200);
    assert_eq!(tasks(&app, &key.text).await.status, 200, "a change by the owner");

    reset_by_letter(&app, &ada).await;
    assert_eq!(tasks(&app, &key.text).await.status, 401, "a forgotten password");

    app.change(ada.id, "update api_keys set revoked_at = null where user_id = $1").await;
    assert_eq!(tasks(&app, &key.text).await.status, 200);
    reset_by_somebody(&app, &ada, &grace).await;
    // Whether it is in force, apart from the password that has to be changed first.
    app.change(ada.id, "update users set must_change_password = false where id = $1").await;
    assert_eq!(tasks(&app, &key.text).await.status, 401, "somebody else has set it");
    assert_eq!(tasks(&app, &of_grace.text).await.status, 200, "somebody else's key");
    app.take_letters_back().await;
}

#[tokio::test]
async fn all_keys_of_their_owner_are_ended_at_once() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.push(create(&app, &ada, &[Scope::TasksRead]).await);
    }
    let of_bob = create(&app, &bob, &[Scope::TasksRead]).await;
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1").await;
    assert_eq!(app.delete(&ada, KEYS).await.refusal(), (403, "REAUTHENTICATION_REQUIRED".into()));
    assert_eq!(tasks(&app, &keys[0].text).await.status, 200);

    let browser = app.browser_of("Ada").await;
    let page = browser.open("/account/api-keys").await;
    assert!(page.text.contains("Revoke all keys"), "{}", page.text);
    let done = browser.submit("/account/api-keys", "/api/api_keys/revoke_all", &[]).await;
    assert_eq!((done.status, done.header("location")), (302, "/account/api-keys?done=keys"), "{}", done.text);
    for key in &keys {
        assert_eq!(tasks(&app, &key.text).await.status, 401);
    }
    assert_eq!(tasks(&app, &of_bob.text).await.status, 200);
    assert_eq!(app.delete(&bob, KEYS).await.data(), "Revoked 1 key(s)");
    assert_eq!(app.delete(&bob, KEYS).await.data(), "Revoked 0 key(s)");
    assert_eq!(tasks(&app, &of_bob.text).await.status, 401);
}

#[tokio::test]
async fn keys_that_ended_long_ago_are_removed() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut keys = Vec::new();
    for ended in [
        "expires_at = now() + interval '1 day'",
        "revoked_at = now() - interval '89 days'",
        "revoked_at = now() - interval '91 days'",
        "created_at = now() - interval '200 days', expires_at = now() - interval '91 days'",
        "created_at = now() - interval '200 days', expires_at = now() - interval '89 days'",
    ] {
        let key = create(&app, &ada, &[Scope::TasksRead]).await;
        let id: Uuid = key.id.parse().unwrap();
        let statement = format!("update api_keys set {ended} where id = $1");
        sqlx::query(AssertSqlSafe(statement)).bind(id).execute(&app.app.db).await.unwrap();
        keys.push(key);
    }
    assert_eq!(server::api_keys::purge(&app.app.db).await.unwrap(), 2);
    let listed = app.get(&ada, KEYS).await.data();
    let mut left: Vec<_> = listed.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, [&keys[0].id, &keys[1].id, &keys[4].id]);
}
