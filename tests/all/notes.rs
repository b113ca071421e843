//! Notes through REST: written, read, found, changed by two at once, and closed to strangers.

use model::users::Role;
use serde_json::{Value, json};

use crate::support::notes::{NOTES, path, titles};
use crate::support::{Person, TestApp, id_of};

#[tokio::test]
async fn somebody_writes_a_note_reads_it_changes_it_and_deletes_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let new = json!({"title": " Plans ", "content": "A *first* draft", "is_public": false});
    let created = app.post(&ada, NOTES, new).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let note = created.json()["data"].clone();
    for (field, value) in [
        ("title", json!("Plans")),
        ("content", json!("A *first* draft")),
        ("is_public", json!(false)),
        ("user_id", json!(ada.id)),
        ("username", json!("Ada")),
        ("version", json!(1)),
        ("relation", json!("own")),
    ] {
        assert_eq!(note[field], value, "{field}");
    }
    let id = id_of(&note);
    assert_eq!(app.get(&ada, &path(id)).await.data(), note);

    let edited = app.put(&ada, &path(id), json!({"title": "Plans", "content": "Done"})).await.data();
    assert_eq!(
        (&edited["content"], &edited["version"], &edited["is_public"]),
        (&json!("Done"), &json!(2), &json!(false))
    );
    assert_eq!(titles(&app.get(&ada, NOTES).await), ["Plans"]);
    assert_eq!(app.delete(&ada, &path(id)).await.status, 204);
    assert_eq!(app.get(&ada, &path(id)).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(app.get(&ada, NOTES).await.data(), json!([]));
}

#[tokio::test]
async fn an_edit_that_forgets_the_text_is_refused_at_its_field_and_empties_nothing() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note_of(&ada, json!({"title": "Plans", "content": "kept"})).await;
    for forgotten in [json!({"title": "Renamed"}), json!({"title": "Renamed", "content": null})] {
        let refused = app.put(&ada, &path(id), forgotten).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_FAILED".into()), "{}", refused.text);
        assert_eq!(refused.fields(), ["content"]);
    }
    let stored = app.get(&ada, &path(id)).await.data();
    assert_eq!((&stored["title"], &stored["content"]), (&json!("Plans"), &json!("kept")));
    let emptied = app.put(&ada, &path(id), json!({"title": "Plans", "content": ""})).await.data();
    assert_eq!(emptied["content"], "", "whoever means it says it");
}

#[tokio::test]
async fn nobody_writes_or_reads_without_being_signed_in() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "Plans").await;
    let unauthorized = (401, "UNAUTHORIZED".to_owned());
    assert_eq!(app.send(NOTES, json!({"title": "x"})).await.refusal(), unauthorized);
    assert_eq!(app.open(NOTES).await.refusal(), unauthorized);
    assert_eq!(app.open(&path(id)).await.refusal(), unauthorized);
}

#[tokio::test]
async fn a_strangers_private_note_is_not_there_for_anybody_of_any_role() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "Plans").await;
    for role in Role::ALL {
        let other = app.register_as(role.name(), role).await;
        let own = app.note(&other, "Mine").await;
        let nothing = uuid::Uuid::nil();
        for (method, tail, body) in [
            ("GET", "", Value::Null),
            ("PUT", "", json!({"title": "x"})),
            ("DELETE", "", Value::Null),
            ("POST", "/share", json!({"user": "Ada", "permission": "read"})),
            ("GET", "/shares", Value::Null),
        ] {
            let (stranger, unknown) =
                (app.ask(&other, method, id, tail, &body).await, app.ask(&other, method, nothing, tail, &body).await);
            assert_eq!(stranger.refusal(), (404, "NOT_FOUND".into()), "{method} {tail} by {role:?}");
            let alike = |answer: &crate::support::Answer| answer.text.replace(answer.header("x-request-id"), "…");
            assert_eq!(alike(&stranger), alike(&unknown), "{method} {tail} by {role:?}");
        }
        assert_eq!(app.get(&other, NOTES).await.data()[0]["id"], json!(own), "only own ones");
        for list in ["shared", "public"] {
            assert_eq!(app.get(&other, &format!("{NOTES}?list={list}")).await.data(), json!([]), "{list}");
        }
    }
    assert_eq!(app.get(&ada, &path(id)).await.data()["version"], 1);
}

#[tokio::test]
async fn a_public_note_is_read_by_everybody_and_changed_by_its_owner_only() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "News").await;
    let opened = app.put(&ada, &path(id), json!({"title": "News", "content": "", "is_public": true})).await;
    assert_eq!(opened.data()["is_public"], true);

    let seen = app.get(&bob, &path(id)).await.data();
    assert_eq!((&seen["relation"], &seen["username"]), (&json!("public"), &json!("Ada")));
    assert_eq!(titles(&app.get(&bob, &format!("{NOTES}?list=public")).await), ["News"]);
    assert_eq!(titles(&app.get(&ada, &format!("{NOTES}?list=public")).await), [""; 0], "others' only");
    for (method, tail, body) in [
        ("PUT", "", json!({"title": "x"})),
        ("DELETE", "", Value::Null),
        ("GET", "/shares", Value::Null),
        ("POST", "/share", json!({"user": "Bob", "permission": "write"})),
    ] {
        let refused = app.ask(&bob, method, id, tail, &body).await;
        assert_eq!(refused.refusal(), (403, "FORBIDDEN".into()), "{method} {tail}");
    }
    app.put(&ada, &path(id), json!({"title": "News", "content": "", "is_public": false})).await.data();
    assert_eq!(app.get(&bob, &path(id)).await.status, 404);
}

#[tokio::test]
async fn of_two_editors_the_second_one_is_told() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "Plans").await;
    let edit = |content: &'static str, version: i32| {
        let body = json!({"title": "Plans", "content": content, "version": version});
        let (app, ada) = (&app, &ada);
        async move { app.put(ada, &path(id), body).await }
    };
    let (first, second) = tokio::join!(edit("from the laptop", 1), edit("from the phone", 1));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", first.text, second.text);
    let (kept, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_eq!(lost.refusal(), (409, "CONFLICT".into()));
    let stored = app.get(&ada, &path(id)).await.data();
    assert_eq!((&stored["content"], &stored["version"]), (&kept.data()["content"], &json!(2)));
    assert_eq!(edit("after a look at the other text", 2).await.data()["version"], 3);
    let blind = app.put(&ada, &path(id), json!({"title": "Plans", "content": "without a version"})).await;
    assert_eq!(blind.data()["version"], 4);
}

#[tokio::test]
async fn what_is_too_large_or_too_much_is_refused_at_its_field() {
    let app = TestApp::with(|config| {
        config.notes.title_length = 10;
        config.notes.content_length = 20;
        config.notes.per_user = 2;
    })
    .await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "One").await;
    let large = json!({"title": "a title of many words", "content": "x".repeat(21)});
    for answer in [app.post(&ada, NOTES, large.clone()).await, app.put(&ada, &path(id), large).await] {
        assert_eq!(answer.refusal(), (400, "VALIDATION_FAILED".into()));
        assert_eq!(answer.fields(), ["title", "content"]);
    }
    let new = || app.post(&ada, NOTES, json!({"title": "Last"}));
    let (first, second) = tokio::join!(new(), new());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400]);
    let refused = new().await;
    assert_eq!((refused.fields(), refused.status), (vec!["title".to_owned()], 400));
    assert!(refused.text.contains("2 notes already"), "{}", refused.text);
}

/// Three notes: made in the order of their titles, edited the other way round.
async fn three(app: &TestApp, ada: &Person) {
    let mut ids = Vec::new();
    for (title, content) in [
        ("apples", "Pears and plums"),
        ("Bread", "Apples, apples, and an apple pie"),
        ("cheese", "Nothing of the kind <b>bold</b>"),
    ] {
        ids.push(app.note_of(ada, json!({"title": title, "content": content})).await);
    }
    for (seconds, id) in ids.into_iter().enumerate() {
        let moved = sqlx::query("update notes set updated_at = now() - make_interval(secs => $2) where id = $1");
        moved.bind(id).bind(seconds as f64).execute(&app.app.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_search_finds_words_ranks_them_and_shows_where_they_are() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    three(&app, &ada).await;
    app.note_of(&bob, json!({"title": "apples of Bob"})).await;

    let search = async |words: &str| app.get(&ada, &format!("{NOTES}?search={words}")).await;
    let found = search("apple").await;
    assert_eq!(titles(&found), ["apples", "Bread"], "a word of the title weighs more, and its forms are one word");
    let of = |place: usize, field: &str| found.data()[place]["found"][field].clone();
    assert_eq!(of(0, "title"), json!([{"text": "apples", "is_match": true}]));
    assert_eq!(of(1, "content")[0], json!({"text": "Apples", "is_match": true}));
    assert_eq!(of(1, "content")[1], json!({"text": ", ", "is_match": false}));
    assert_eq!(found.header("x-total-count"), "2");
    assert_eq!(titles(&search("%22pears+and+plums%22").await), ["apples"], "a phrase");
    assert_eq!(titles(&search("apple+-pie").await), ["apples"], "without a word");
    for nothing in ["zebra", "the", "%27%3B+drop+table+notes%3B--", "%3A*%26%7C%21"] {
        assert_eq!(titles(&search(nothing).await), [""; 0], "{nothing}");
    }
    assert_eq!(search(&"x".repeat(201)).await.fields(), ["search"]);
    let markup = search("bold").await;
    assert_eq!(markup.data()[0]["found"]["content"][1], json!({"text": "bold", "is_match": true}), "{}", markup.text);
}

#[tokio::test]
async fn lists_have_an_order_and_the_cursor_keeps_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    three(&app, &ada).await;
    for (query, expected) in [
        ("", ["apples", "Bread", "cheese"]),
        ("sort=newest", ["cheese", "Bread", "apples"]),
        ("sort=title", ["apples", "Bread", "cheese"]),
        ("sort=updated", ["apples", "Bread", "cheese"]),
        ("search=apple+or+kind", ["apples", "Bread", "cheese"]),
    ] {
        let (mut next, mut walked) = (format!("{NOTES}?limit=1&{query}"), Vec::new());
        loop {
            let part = app.get(&ada, &next).await;
            assert_eq!(part.header("x-total-count"), "3", "{query}: {}", part.text);
            walked.extend(titles(&part));
            let Some(link) = part.header("link").strip_prefix('<') else { break };
            next = link.split('>').next().unwrap().to_owned();
        }
        assert_eq!(walked, expected, "{query}");
    }
    let second = app.get(&ada, &format!("{NOTES}?limit=1&offset=1&sort=title")).await;
    assert_eq!(titles(&second), ["Bread"]);
}

#[tokio::test]
async fn a_cursor_tells_nothing_of_notes_that_are_not_in_the_list() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    three(&app, &ada).await;
    let of_bob = app.note(&bob, "box").await;
    for sort in ["title", "newest", "updated"] {
        let answer = app.get(&ada, &format!("{NOTES}?sort={sort}&after={of_bob}")).await;
        assert_eq!((answer.status, answer.fields()), (400, vec!["after".to_owned()]), "{sort}: {}", answer.text);
    }
    let own = app.note(&ada, "gone").await;
    app.delete(&ada, &path(own)).await;
    assert_eq!(app.get(&ada, &format!("{NOTES}?after={own}")).await.fields(), ["after"]);
}

#[tokio::test]
async fn moderators_hide_a_public_note_and_its_owner_is_told_why() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let (grace, alma) = (app.register_as("Grace", Role::Moderator).await, app.register_as("Alma", Role::Admin).await);
    let id = app.note_of(&ada, json!({"title": "Offers", "is_public": true})).await;
    let hidden = format!("{}/hidden", path(id));
    let reason = || json!({"reason": "It is advertising."});

    assert_eq!(app.put(&bob, &hidden, reason()).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(app.put(&grace, &hidden, json!({"reason": " "})).await.fields(), ["reason"]);
    assert_eq!(app.put(&grace, &hidden, reason()).await.data()["hidden_reason"], "It is advertising.");
    assert_eq!(app.put(&grace, &hidden, reason()).await.status, 409, "it is hidden already");
    assert_eq!(app.get(&bob, &path(id)).await.status, 404);
    assert_eq!(app.get(&bob, &format!("{NOTES}?list=public")).await.data(), json!([]));
    assert_eq!(titles(&app.get(&grace, &format!("{NOTES}?list=public")).await), ["Offers"]);
    assert_eq!(app.get(&ada, &path(id)).await.data()["hidden_reason"], "It is advertising.");
    let told = app.get(&ada, "/api/v1/notifications").await.data();
    assert_eq!(told[0]["text"], "A moderator has hidden your note “Offers” from the public: It is advertising.");
    let log = app.get(&alma, &format!("/api/v1/admin/audit-log?subject={id}")).await.data();
    assert_eq!((&log[0]["action"], &log[0]["details"]), (&json!("note.hide"), &reason()), "{log}");

    assert_eq!(app.delete(&grace, &hidden).await.data()["hidden_reason"], Value::Null);
    assert_eq!(app.get(&bob, &path(id)).await.status, 200);
    assert_eq!(app.delete(&grace, &hidden).await.status, 409);
    let private = app.note(&grace, "Own and private").await;
    assert_eq!(app.put(&grace, &format!("{}/hidden", path(private)), reason()).await.status, 409);
}
