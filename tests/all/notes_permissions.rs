//! Every cell of the permission table on notes, through REST and through the pages' server functions.

use model::rbac::{self, Action, Relation, allowed};
use model::users::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::notes::path;
use crate::support::{Person, TestApp};

const RELATIONS: [Relation; 5] =
    [Relation::Own, Relation::SharedWrite, Relation::SharedRead, Relation::Public, Relation::Other];

/// What is asked for, by REST.
fn door(action: Action, actor: &Person) -> Option<(&'static str, String, Value)> {
    Some(match action {
        Action::ReadNote => ("GET", String::new(), Value::Null),
        Action::EditNote => ("PUT", String::new(), json!({"title": "Edited", "content": ""})),
        // To what it is not: see `note`.
        Action::PublishNote => ("PUT", String::new(), json!({"title": "Opened", "content": "", "is_public": false})),
        Action::DeleteNote => ("DELETE", String::new(), Value::Null),
        Action::ShareNote => ("POST", "/share".into(), json!({"user": "Zoe", "permission": "read"})),
        Action::LeaveNote => ("DELETE", format!("/shares/{}", actor.id), Value::Null),
        Action::HideNote => ("PUT", "/hidden".into(), json!({"reason": "why"})),
        _ => return None,
    })
}

/// A note that stands so to the actor. One that is to be closed or hidden is open, unless it stands to the actor as a stranger's.
async fn note(app: &TestApp, actor: &Person, other: &Person, relation: Relation, action: Action) -> Uuid {
    let owner = if relation == Relation::Own { actor } else { other };
    let is_about_the_public = matches!(action, Action::PublishNote | Action::HideNote);
    let is_public = relation == Relation::Public || is_about_the_public && relation != Relation::Other;
    let id = app.note_of(owner, json!({"title": "Canary", "is_public": is_public})).await;
    match relation {
        Relation::SharedWrite => app.share(owner, id, &actor.name, "write").await.json(),
        Relation::SharedRead => app.share(owner, id, &actor.name, "read").await.json(),
        _ => Value::Null,
    };
    id
}

#[tokio::test]
async fn each_role_may_do_with_a_note_what_the_table_says_and_nothing_else() {
    let app = TestApp::start().await;
    let other = app.register("Olga").await;
    app.register("Zoe").await;
    for (name, role) in ["Ursula", "Monica", "Adele"].into_iter().zip(Role::ALL) {
        let actor = app.register_as(name, role).await;
        for action in rbac::table().map(|rule| rule.action) {
            let Some((method, tail, body)) = door(action, &actor) else { continue };
            for relation in RELATIONS {
                let id = note(&app, &actor, &other, relation, action).await;
                let answer = app.ask(&actor, method, id, &tail, &body).await;
                let cell = format!("{action:?} {relation:?} as {role:?}: {} {}", answer.status, answer.text);
                assert_eq!(allowed(role, action, relation), !matches!(answer.status, 403 | 404), "{cell}");
                assert!(answer.status < 300 || matches!(answer.status, 403 | 404), "{cell}");
                // Who may not read a note does not learn that it is there; hiding is refused before anything is looked up.
                if relation == Relation::Other && action != Action::HideNote {
                    assert_eq!(answer.status, 404, "{cell}");
                }
            }
        }
        let created = app.post(&actor, "/api/v1/notes", json!({"title": "x"})).await.status;
        assert_eq!(created == 201, allowed(role, Action::CreateNote, Relation::Own));
    }
    app.work().await;
}

/// Whether the test above tries the action.
pub fn is_tried(action: Action) -> bool {
    let anybody = Person { id: Uuid::nil(), name: String::new(), email: String::new(), token: String::new() };
    action == Action::CreateNote || door(action, &anybody).is_some()
}

#[tokio::test]
async fn what_a_moderator_may_hide_is_read_by_them_while_it_is_hidden_and_by_no_user() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let id = app.note_of(&ada, json!({"title": "Offers", "is_public": true})).await;
    app.share(&ada, id, "Bob", "read").await;
    app.put(&grace, &format!("{}/hidden", path(id)), json!({"reason": "why"})).await.data();
    let mia = app.register("Mia").await;
    let mut statuses = Vec::new();
    for person in [&ada, &bob, &grace, &mia] {
        statuses.push(app.get(person, &path(id)).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 404], "owner, receiver, moderator, user");
    app.work().await;
}
