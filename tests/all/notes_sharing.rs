//! Notes that are shared: who may do what with them, and how people learn of it.

use model::live::Topic;
use reqwest::Method;
use serde_json::{Value, json};
use server::notes::NoteShared;
use server::tasks::enqueue;

use crate::support::notes::{NOTES, path, titles};
use crate::support::{Answer, TestApp, id_of};

const NOTIFICATIONS: &str = "/api/v1/notifications";

#[tokio::test]
async fn a_note_that_is_shared_to_read_is_read_and_nothing_else() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    let shared = app.share(&ada, id, "bob", "read").await;
    assert_eq!(shared.status, 201, "{}", shared.text);
    let share = shared.json()["data"].clone();
    assert_eq!(
        (&share["user_id"], &share["username"], &share["permission"]),
        (&json!(bob.id), &json!("Bob"), &json!("read"))
    );

    assert_eq!(app.get(&bob, &path(id)).await.data()["relation"], "shared_read");
    assert_eq!(titles(&app.get(&bob, &format!("{NOTES}?list=shared")).await), ["Plans"]);
    assert_eq!(app.get(&bob, NOTES).await.data(), json!([]), "not among his own");
    for (method, tail, body) in [
        ("PUT", "", json!({"title": "x"})),
        ("DELETE", "", Value::Null),
        ("GET", "/shares", Value::Null),
        ("POST", "/share", json!({"user": "Ada", "permission": "write"})),
    ] {
        assert_eq!(
            app.ask(&bob, method, id, tail, &body).await.refusal(),
            (403, "FORBIDDEN".into()),
            "{method} {tail}"
        );
    }
    app.work().await;
}

#[tokio::test]
async fn a_note_that_is_shared_to_write_is_changed_but_neither_opened_nor_deleted() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    app.change(bob.id, "update users set email_verified = true where id = $1").await;
    assert_eq!(app.share(&ada, id, &bob.email.to_uppercase(), "write").await.status, 201);

    let edited =
        app.put(&bob, &path(id), json!({"title": "Our plans", "content": "by Bob", "version": 1})).await.data();
    assert_eq!((&edited["relation"], &edited["version"]), (&json!("shared_write"), &json!(2)));
    assert_eq!(app.get(&ada, &path(id)).await.data()["content"], "by Bob");
    let opened = app.put(&bob, &path(id), json!({"title": "Our plans", "content": "", "is_public": true})).await;
    assert_eq!(opened.refusal(), (403, "FORBIDDEN".into()));
    let same = app.put(&bob, &path(id), json!({"title": "Our plans", "content": "", "is_public": false})).await;
    assert_eq!(same.status, 200, "as it is already");
    assert_eq!(app.delete(&bob, &path(id)).await.status, 403);
    let stale = app.put(&ada, &path(id), json!({"title": "Mine", "version": 1})).await;
    assert_eq!(stale.refusal(), (409, "CONFLICT".into()));
    app.work().await;
}

#[tokio::test]
async fn shares_are_listed_changed_revoked_and_left() {
    let app = TestApp::start().await;
    let (ada, bob, grace) = (app.register("Ada").await, app.register("Bob").await, app.register("Grace").await);
    let id = app.note(&ada, "Plans").await;
    app.share(&ada, id, &grace.id.to_string(), "read").await;
    app.share(&ada, id, "Bob", "read").await;
    let shares = format!("{}/shares", path(id));
    let listed = async || -> Vec<(String, String)> {
        let shares = app.get(&ada, &shares).await.data();
        let word = |share: &Value, name: &str| share[name].as_str().unwrap().to_owned();
        shares.as_array().unwrap().iter().map(|share| (word(share, "username"), word(share, "permission"))).collect()
    };
    let pairs =
        |pairs: &[(&str, &str)]| -> Vec<_> { pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect() };
    assert_eq!(listed().await, pairs(&[("Bob", "read"), ("Grace", "read")]));

    let of = |person: &crate::support::Person| format!("{shares}/{}", person.id);
    assert_eq!(app.put(&ada, &of(&bob), json!({"permission": "write"})).await.data()["permission"], "write");
    assert_eq!(app.share(&ada, id, "Grace", "write").await.status, 200, "she has it already");
    assert_eq!(listed().await, pairs(&[("Bob", "write"), ("Grace", "write")]));
    assert_eq!(app.put(&ada, &of(&ada), json!({"permission": "read"})).await.status, 404);
    assert_eq!(app.put(&ada, &of(&bob), json!({"permission": "own"})).await.status, 422);

    assert_eq!(app.delete(&bob, &of(&grace)).await.status, 403, "not his to end");
    assert_eq!(app.delete(&ada, &of(&bob)).await.status, 204);
    assert_eq!(app.get(&bob, &path(id)).await.status, 404, "revoked");
    assert_eq!(app.delete(&ada, &of(&bob)).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(app.delete(&grace, &of(&grace)).await.status, 204);
    assert_eq!(app.get(&grace, &path(id)).await.status, 404, "left");
    assert_eq!(app.delete(&ada, &of(&ada)).await.status, 403, "an owner can not leave");
    assert_eq!(listed().await, []);
    app.work().await;
}

#[tokio::test]
async fn an_email_that_is_not_verified_finds_nobody_and_shows_nobody() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    let refused = async |user: &str| {
        let refused = app.share(&ada, id, user, "read").await;
        (refused.status, refused.json()["error"]["fields"].clone())
    };
    let unknown = refused("nobody@example.com").await;
    assert_eq!(unknown.0, 400);
    assert_eq!(refused(&bob.email).await, unknown, "whoever has an account with it is not told apart");
    assert_eq!(app.share(&ada, id, "Bob", "read").await.status, 201, "a username needs no click");
    assert_eq!(app.delete(&ada, &format!("{}/shares/{}", path(id), bob.id)).await.status, 204);

    app.change(bob.id, "update users set email_verified = true where id = $1").await;
    assert_eq!(app.share(&ada, id, &bob.email, "read").await.status, 201);
    let change = json!({"email": "robert@example.com"});
    assert_eq!(app.put(&bob, "/api/v1/users/me/profile", change).await.status, 200);
    assert_eq!(app.delete(&ada, &format!("{}/shares/{}", path(id), bob.id)).await.status, 204);
    assert_eq!(refused("robert@example.com").await, unknown, "another address has to be verified anew");
    app.work().await;
}

#[tokio::test]
async fn a_share_with_nobody_with_oneself_or_with_too_many_is_refused_at_its_field() {
    let app = TestApp::with(|config| config.notes.shares_per_note = 1).await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let gone = app.register("Grace").await;
    app.change(gone.id, "update users set is_active = false where id = $1").await;
    let id = app.note(&ada, "Plans").await;
    for user in ["nobody", "", "Ada", "Grace", "0195c0e0-0000-7000-8000-000000000000"] {
        let refused = app.share(&ada, id, user, "read").await;
        assert_eq!((refused.status, refused.fields()), (400, vec!["user".to_owned()]), "{user}");
    }
    app.register("Mia").await;
    assert_eq!(app.share(&ada, id, "Bob", "read").await.status, 201);
    let second = app.share(&ada, id, "Mia", "read").await;
    assert!(second.fields() == ["user"] && second.text.contains("1 users"), "{}", second.text);
    assert_eq!(app.share(&ada, id, &bob.name, "write").await.status, 200, "one that is there can be changed");
    app.work().await;
}

#[tokio::test]
async fn somebody_who_shares_too_often_has_to_wait() {
    let app = TestApp::with(|config| config.limits.share_per_account = "2/1h".parse().unwrap()).await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "Plans").await;
    for expected in [400, 400, 429] {
        assert_eq!(app.share(&ada, id, "nobody", "read").await.status, expected);
    }
}

#[tokio::test]
async fn the_receiver_is_told_in_the_program_and_by_a_letter_without_the_title() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let mut events = app.watch(&bob).await;
    let id = app.note(&ada, "Secret plans").await;
    app.share(&ada, id, "Bob", "write").await;
    let event = events.next().await;
    assert_eq!((event.name.as_str(), &event.data["id"]), (Topic::Note.name(), &json!(id)));
    app.work().await;
    assert_eq!(events.next().await.name, Topic::Notification.name());

    let told = app.get(&bob, NOTIFICATIONS).await;
    assert_eq!(told.header("x-total-count"), "1");
    let one = told.data()[0].clone();
    assert_eq!(one["text"], "Ada shared the note “Secret plans” with you, to write.");
    assert_eq!((&one["href"], &one["read_at"]), (&json!(format!("/notes/{id}")), &Value::Null));
    let letters = app.letters().await;
    assert_eq!((letters.len(), letters[0].to.as_str()), (1, bob.email.as_str()));
    assert!(
        letters[0].text.contains(&format!("/notes/{id}")) && !letters[0].text.contains("Secret"),
        "{}",
        letters[0].text
    );

    assert_eq!(app.get(&ada, NOTIFICATIONS).await.data(), json!([]), "nobody else is told");
    let read = format!("{NOTIFICATIONS}/{}/read", one["id"].as_str().unwrap());
    assert_eq!(app.post(&ada, &read, json!({})).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(app.post(&bob, &read, json!({})).await.data(), json!(format!("/notes/{id}")));
    assert!(!app.get(&bob, NOTIFICATIONS).await.data()[0]["read_at"].is_null());
    assert_eq!(app.post(&bob, &format!("{NOTIFICATIONS}/read"), json!({})).await.data(), "Read 0 notification(s)");
}

#[tokio::test]
async fn a_share_that_is_told_twice_is_one_notification_and_one_letter() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    let share = app.share(&ada, id, "Bob", "read").await.json()["data"].clone();
    let again = NoteShared { share_id: id_of(&share) };
    for _ in 0..2 {
        enqueue(&app.app, None, again.task()).await.unwrap();
    }
    app.work().await;
    enqueue(&app.app, None, again.task()).await.unwrap();
    app.work().await;
    assert_eq!(app.get(&bob, NOTIFICATIONS).await.data().as_array().unwrap().len(), 1);
    assert_eq!(app.letters().await.len(), 1);
}

#[tokio::test]
async fn a_share_that_was_never_made_is_not_told_and_one_that_was_revoked_is_not_told_any_more() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    sqlx::query("alter table audit_log add constraint refused check (action <> 'note.share') not valid")
        .execute(&app.app.db)
        .await
        .unwrap();
    assert_eq!(app.share(&ada, id, "Bob", "read").await.status, 500);
    assert_eq!(app.work().await, 0, "the task went with the transaction");
    assert_eq!(app.get(&bob, &path(id)).await.status, 404);
    sqlx::query("alter table audit_log drop constraint refused").execute(&app.app.db).await.unwrap();

    app.share(&ada, id, "Bob", "read").await;
    app.delete(&ada, &format!("{}/shares/{}", path(id), bob.id)).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.get(&bob, NOTIFICATIONS).await.data(), json!([]));
    assert!(app.letters().await.is_empty());
}

#[tokio::test]
async fn those_who_see_a_note_hear_of_each_change_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (ada, bob, mia) = (app.register("Ada").await, app.register("Bob").await, app.register("Mia").await);
    let id = app.note(&ada, "Plans").await;
    app.share(&ada, id, "Bob", "write").await;
    app.work().await;
    let (mut to_ada, mut to_bob, mut to_mia) = (app.watch(&ada).await, app.watch(&bob).await, app.watch(&mia).await);
    app.put(&bob, &path(id), json!({"title": "Our plans", "content": ""})).await.data();
    for events in [&mut to_ada, &mut to_bob] {
        let event = events.next().await;
        assert_eq!((event.name.as_str(), event.data), ("note", json!({"id": id})));
    }
    app.delete(&ada, &path(id)).await;
    assert_eq!(to_bob.next().await.data, json!({"id": id}), "that it is gone, too");
    let of_mia = app.note(&mia, "Mine").await;
    assert_eq!(to_mia.next().await.data, json!({"id": of_mia}), "the first that she hears is her own");
}

#[tokio::test]
async fn keys_read_and_write_notes_within_their_scope_and_open_no_moderation() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", model::users::Role::Moderator).await;
    let id = app.note_of(&grace, json!({"title": "Plans", "is_public": true})).await;
    let key = async |scope: &str| {
        let made = app.post(&grace, "/api/v1/api-keys", json!({"name": "ci", "scopes": [scope]})).await.json();
        made["data"]["key"].as_str().unwrap().to_owned()
    };
    let (reads, writes) = (key("notes:read").await, key("notes:write").await);
    let ask = async |key: &str, method: Method, path: &str, body: Value| {
        let request = app.request(method, path).header("x-api-key", key);
        Answer::to(if body.is_null() { request } else { request.json(&body) }).await.status
    };
    for (key, expected) in [(&reads, [200, 403, 403]), (&writes, [200, 201, 200])] {
        let answered = [
            ask(key, Method::GET, &path(id), Value::Null).await,
            ask(key, Method::POST, NOTES, json!({"title": "x"})).await,
            ask(key, Method::PUT, &path(id), json!({"title": "x", "content": ""})).await,
        ];
        assert_eq!(answered, expected);
    }
    let hidden = format!("{}/hidden", path(id));
    assert_eq!(ask(&writes, Method::PUT, &hidden, json!({"reason": "x"})).await, 403);
    assert_eq!(ask(&writes, Method::GET, NOTIFICATIONS, Value::Null).await, 403);
}

#[tokio::test]
async fn a_share_by_somebody_who_has_gone_is_not_told_and_who_has_gone_is_no_share_any_more() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", model::users::Role::Admin).await;
    let id = app.note(&ada, "Plans").await;
    app.share(&ada, id, "Bob", "read").await;
    let gone = app.delete(&grace, &format!("/api/v1/users/{}", ada.id)).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    app.work().await;
    assert_eq!(app.get(&bob, NOTIFICATIONS).await.data(), json!([]));
    assert!(app.letters().await.is_empty());

    let id = app.note(&grace, "Figures").await;
    app.share(&grace, id, "Bob", "read").await;
    app.delete(&grace, &format!("/api/v1/users/{}", bob.id)).await;
    assert_eq!(app.get(&grace, &format!("{}/shares", path(id))).await.data(), json!([]));
    app.work().await;
}
