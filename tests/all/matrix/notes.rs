//! What notes answer, by relation: own, shared to write, shared to read, public, a stranger's.

use model::rbac::Scope::{NotesRead, NotesWrite};
use model::users::Role;
use serde_json::json;

use super::Gate::{Key, Session};
use super::On::{Nothing, Thing};
use super::world::{CANARY, Somebody, Things};
use super::{Feature, On, Row, functions, rest, row};
use crate::support::notes::path;
use crate::support::{Person, TestApp};

pub const FEATURE: Feature = Feature { rest: REST, functions: FUNCTIONS, pages: PAGES };

const NOTE: On = Thing("note");

const OK: [u16; 3] = [200; 3];
const CREATED: [u16; 3] = [201; 3];
const EMPTY: [u16; 3] = [204; 3];
const FOR_MODERATORS: [u16; 3] = [403, 200, 200];
const OF_ITS_OWNER: &[[u16; 3]] = &[OK, [403; 3], [403; 3], [403; 3], [404; 3]];

const REST: &[Row] = &[
    row("GET /api/v1/notes", Key(NotesRead), Nothing, "", &[OK]),
    row("POST /api/v1/notes", Key(NotesWrite), Nothing, r#"{"title": "News"}"#, &[CREATED]),
    row("GET /api/v1/notes/{id}", Key(NotesRead), NOTE, "", &[OK, OK, OK, OK, [404; 3]]),
    row(
        "PUT /api/v1/notes/{id}",
        Key(NotesWrite),
        NOTE,
        r#"{"title": "x", "content": ""}"#,
        &[OK, OK, [403; 3], [403; 3], [404; 3]],
    ),
    row("DELETE /api/v1/notes/{id}", Key(NotesWrite), NOTE, "", &[EMPTY, [403; 3], [403; 3], [403; 3], [404; 3]]),
    row(
        "POST /api/v1/notes/{id}/share",
        Key(NotesWrite),
        NOTE,
        r#"{"user": "Mia", "permission": "read"}"#,
        &[CREATED, [403; 3], [403; 3], [403; 3], [404; 3]],
    ),
    row("GET /api/v1/notes/{id}/shares", Key(NotesWrite), NOTE, "", &[OK, [403; 3], [403; 3], [403; 3], [404; 3]]),
    row(
        "PUT /api/v1/notes/{id}/shares/{user_id}",
        Key(NotesWrite),
        NOTE,
        r#"{"permission": "write"}"#,
        &[OK, [403; 3], [403; 3], [403; 3], [404; 3]],
    ),
    row(
        "DELETE /api/v1/notes/{id}/shares/{user_id}",
        Key(NotesWrite),
        NOTE,
        "",
        &[EMPTY, [403; 3], [403; 3], [403; 3], [404; 3]],
    ),
    // What is not public can not be hidden, which is said to those who may; nothing here is hidden.
    row(
        "PUT /api/v1/notes/{id}/hidden",
        Session,
        NOTE,
        r#"{"reason": "why"}"#,
        &[[403, 409, 409], [403, 409, 409], [403, 409, 409], FOR_MODERATORS, [403, 404, 404]],
    ),
    row(
        "DELETE /api/v1/notes/{id}/hidden",
        Session,
        NOTE,
        "",
        &[[403, 409, 409], [403, 409, 409], [403, 409, 409], [403, 409, 409], [403, 404, 404]],
    ),
];

const FUNCTIONS: &[Row] = &[
    row("POST /api/notes/list", Session, Nothing, super::LISTED, &[OK]),
    row("POST /api/notes/get", Session, NOTE, "id={id}", &[OK, OK, OK, OK, [404; 3]]),
    row("POST /api/notes/to_edit", Session, NOTE, "id={id}", &[OK, OK, [403; 3], [403; 3], [404; 3]]),
    row("POST /api/notes/create", Session, Nothing, "new[title]=News&new[content]=&new[is_public]=true", &[OK]),
    row(
        "POST /api/notes/update",
        Session,
        NOTE,
        "id={id}&new[title]=x&new[content]=&new[version]=1",
        &[OK, OK, [403; 3], [403; 3], [404; 3]],
    ),
    row("POST /api/notes/delete", Session, NOTE, "id={id}", OF_ITS_OWNER),
    row("POST /api/notes/shares", Session, NOTE, "id={id}", OF_ITS_OWNER),
    row("POST /api/notes/share", Session, NOTE, "id={id}&new[user]=Mia&new[permission]=read", OF_ITS_OWNER),
    row("POST /api/notes/change_share", Session, NOTE, "id={id}&user_id={user_id}&new[permission]=write", OF_ITS_OWNER),
    row("POST /api/notes/revoke", Session, NOTE, "id={id}&user_id={user_id}", OF_ITS_OWNER),
    row("POST /api/notes/leave", Session, NOTE, "id={id}", &[[403; 3], OK, OK, [403; 3], [404; 3]]),
    row(
        "POST /api/notes/hide",
        Session,
        NOTE,
        "id={id}&new[reason]=why",
        &[[403, 409, 409], [403, 409, 409], [403, 409, 409], FOR_MODERATORS, [403, 404, 404]],
    ),
    row(
        "POST /api/notes/unhide",
        Session,
        NOTE,
        "id={id}",
        &[[403, 409, 409], [403, 409, 409], [403, 409, 409], [403, 409, 409], [403, 404, 404]],
    ),
];

const PAGES: &[Row] = &[
    row("GET /notes", Session, Nothing, "", &[OK]),
    row("GET /notes/{id}", Session, NOTE, "", &[OK, OK, OK, OK, [404; 3]]),
    row("GET /notes/{id}/edit", Session, NOTE, "", &[OK, OK, [403; 3], [403; 3], [404; 3]]),
    row("GET /notes/{id}/share", Session, NOTE, "", &[OK, [403; 3], [403; 3], [403; 3], [404; 3]]),
];

/// A private note, those that are shared later to write and to read, one that is open, and the private one again.
pub async fn make(app: &TestApp, person: &Person, things: &mut Things) {
    let mut ids = Vec::new();
    for is_public in [false, false, false, true] {
        let id = app.note_of(person, json!({"title": CANARY, "content": CANARY, "is_public": is_public})).await;
        app.share(person, id, "Zoe", "read").await;
        ids.push(id);
    }
    ids.push(ids[0]);
    things.insert("note", ids);
}

/// Lets everybody write in one note of the stranger's, and read another.
pub async fn share(app: &TestApp, stranger: &Somebody, with: &[&str]) {
    for name in with {
        for (place, permission) in [(1, "write"), (2, "read")] {
            let address = format!("/api/v1/notes/{}/share", stranger.things["note"][place]);
            let shared = stranger.post(app, &address, json!({"user": name, "permission": permission})).await;
            assert_eq!(shared["success"], json!(true), "{shared}");
        }
    }
}

#[tokio::test]
async fn the_routes_of_notes_answer_each_as_the_matrix_says() {
    rest::tried(REST).await;
}

#[tokio::test]
async fn the_functions_of_notes_answer_each_as_the_matrix_says() {
    functions::tried(FUNCTIONS).await;
}

#[tokio::test]
async fn only_its_owner_opens_a_note_to_everybody() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    app.share(&ada, id, "Bob", "write").await;
    let opened = app.put(&bob, &path(id), json!({"title": "Plans", "content": "", "is_public": true})).await;
    assert_eq!(opened.refusal(), (403, "FORBIDDEN".into()));
    app.work().await;
}

#[tokio::test]
async fn a_hidden_note_is_there_for_moderators_and_for_no_stranger() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = app.note_of(&ada, json!({"title": "News", "is_public": true})).await;
    app.put(&grace, &format!("{}/hidden", path(id)), json!({"reason": "why"})).await.data();
    assert_eq!(app.get(&bob, &path(id)).await.status, 404);
    assert_eq!(app.get(&grace, &path(id)).await.status, 200);
}
