//! Notes in a browser without JavaScript, and what its pages hold.

use serde_json::json;

use crate::support::TestApp;
use crate::support::notes::path;

#[tokio::test]
async fn a_plain_form_writes_a_note_and_a_refused_one_keeps_what_was_typed() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let fields = [("new[title]", "Plans"), ("new[content]", "A *first* draft"), ("new[is_public]", "false")];
    let created = browser.submit("/notes", "/api/notes/create", &fields).await;
    assert_eq!((created.status, created.header("location")), (302, "/notes?done=note-created"), "{}", created.text);
    assert!(browser.open("/notes?done=note-created").await.text.contains("The note was created."));

    let evil = "</textarea><script>alert(1)</script>";
    let refused = browser.submit("/notes", "/api/notes/create", &[("new[title]", " "), ("new[content]", evil)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("must have 1 to 200 characters"), "{}", refused.text);
    assert!(refused.text.contains("&lt;/textarea&gt;&lt;script&gt;alert(1)") && !refused.text.contains(evil));
}

#[tokio::test]
async fn the_page_of_a_note_shows_markdown_and_nothing_that_runs() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let content = "A *first* draft\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))";
    let id = app.note_of(&ada, json!({"title": "<b>Plans</b>", "content": content})).await;
    let browser = app.browser_of("Ada").await;
    let page = browser.open(&format!("/notes/{id}")).await.text;
    assert!(page.contains("<em>first</em>") && page.contains("&lt;b&gt;Plans&lt;/b&gt;"), "{page}");
    let shown = page.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    assert!(!shown.contains("<script>alert") && !shown.contains("\"javascript:"), "{shown}");

    let editor = browser.open(&format!("/notes/{id}/edit")).await.text;
    assert!(editor.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !editor.contains("<script>alert"), "{editor}");
    let list = browser.open("/notes").await.text;
    assert!(!list.contains("<script>alert") && list.contains("&lt;b&gt;Plans"), "{list}");
    let found = browser.open("/notes?search=draft").await.text;
    assert!(found.contains("<mark>draft") && !found.contains("<script>alert"), "{found}");
}

#[tokio::test]
async fn without_javascript_the_second_editor_sees_both_texts_and_may_save_over_the_first() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note(&ada, "Plans").await;
    let browser = app.browser_of("Ada").await;
    let editor = format!("/notes/{id}/edit");
    app.put(&ada, &path(id), json!({"title": "Plans", "content": "from the phone"})).await.data();

    let id_text = id.to_string();
    let mine = |title: &'static str, version: &'static str| {
        [
            ("id", id_text.as_str()),
            ("new[title]", title),
            ("new[content]", "from the laptop"),
            ("new[version]", version),
        ]
    };
    // Whatever else is wrong with it: the page that is shown again names the present version.
    for title in ["", "Plans"] {
        let refused = browser.submit(&editor, "/api/notes/update", &mine(title, "1")).await;
        assert_eq!(refused.status, 409);
        for text in ["Somebody has changed it meanwhile", "from the phone", "from the laptop", "value=\"2\""] {
            assert!(refused.text.contains(text), "{text}: {}", refused.text);
        }
    }
    let saved = browser.submit(&editor, "/api/notes/update", &mine("Plans", "2")).await;
    assert_eq!(saved.header("location"), format!("/notes/{id}?done=note-saved"), "{}", saved.text);
    assert_eq!(app.get(&ada, &path(id)).await.data()["content"], "from the laptop");
}

#[tokio::test]
async fn a_plain_form_empties_a_note_whose_text_was_deleted() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let id = app.note_of(&ada, json!({"title": "Plans", "content": "old"})).await;
    let (browser, id_text) = (app.browser_of("Ada").await, id.to_string());
    let edit = [("id", id_text.as_str()), ("new[title]", "Plans"), ("new[content]", ""), ("new[version]", "1")];
    let saved = browser.submit(&format!("/notes/{id}/edit"), "/api/notes/update", &edit).await;
    assert_eq!(saved.status, 302, "{}", saved.text);
    assert_eq!(app.get(&ada, &path(id)).await.data()["content"], "");
}

#[tokio::test]
async fn without_javascript_a_note_is_shared_and_its_receiver_finds_it_by_the_notification() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    let (browser, of_bob) = (app.browser_of("Ada").await, app.browser_of("Bob").await);
    let share = format!("/notes/{id}/share");
    let id_text = id.to_string();
    let wish = [("id", id_text.as_str()), ("new[user]", "Bob"), ("new[permission]", "read")];
    let shared = browser.submit(&share, "/api/notes/share", &wish).await;
    assert_eq!(shared.header("location"), format!("{share}?done=note-shared"), "{}", shared.text);
    assert!(browser.open(&share).await.text.contains("may read"));
    app.work().await;

    let bar = of_bob.open("/dashboard").await.text;
    assert!(bar.contains("<span class=\"sr-only\"> unread</span>"), "{bar}");
    let told = of_bob.open("/notifications").await.text;
    assert!(told.contains("Ada shared the note “Plans” with you, to read."), "{told}");
    let one = app.get(&bob, "/api/v1/notifications").await.data()[0]["id"].as_str().unwrap().to_owned();
    let opened = of_bob.submit("/notifications", "/api/notifications/open", &[("id", &one)]).await;
    assert_eq!(opened.header("location"), format!("/notes/{id}"), "{}", opened.text);
    let page = of_bob.open(&format!("/notes/{id}")).await.text;
    assert!(page.contains("Leave") && !page.contains("/edit\"") && !page.contains("Delete"), "{page}");
    assert!(!of_bob.open("/dashboard").await.text.contains(" unread</span>"));
}
