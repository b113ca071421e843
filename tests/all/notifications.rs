//! What people are told in the program.

use model::rbac::{Action, Relation, allowed};
use model::users::Role;
use server::notifications::{self, Told};

use crate::support::{Person, TestApp};

const NOTIFICATIONS: &str = "/api/v1/notifications";

async fn tell(app: &TestApp, person: &Person, key: &str) -> bool {
    let text = format!("About {key}");
    let told = Told { user_id: person.id, key: key.into(), text, href: "/account".into() };
    let mut conn = app.app.db.acquire().await.expect("a connection");
    notifications::add(&mut conn, &told).await.expect("it is told")
}

#[tokio::test]
async fn what_one_is_told_is_told_once_and_ticked_off_by_nobody_else() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    assert!(tell(&app, &ada, "tea").await && !tell(&app, &ada, "tea").await, "one key is told once");
    assert!(tell(&app, &bob, "tea").await && tell(&app, &ada, "cake").await);

    let listed = app.get(&ada, NOTIFICATIONS).await.data();
    let texts: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["About cake", "About tea"], "the newest first");
    let read = format!("{NOTIFICATIONS}/{}/read", listed[0]["id"].as_str().unwrap());
    assert_eq!(app.post(&bob, &read, serde_json::json!({})).await.status, 404);
    assert_eq!(app.post(&ada, &read, serde_json::json!({})).await.data(), "/account");
    let unread = async |name: &str| app.browser_of(name).await.call("/api/notifications/unread", &[]).await.text;
    assert_eq!((unread("Ada").await, unread("Bob").await), ("1".into(), "1".into()));
}

#[tokio::test]
async fn everybody_reads_what_they_are_told() {
    let app = TestApp::start().await;
    for (name, role) in ["Ursula", "Monica", "Adele"].into_iter().zip(Role::ALL) {
        let actor = app.register_as(name, role).await;
        let told = app.get(&actor, NOTIFICATIONS).await.status;
        assert_eq!(told == 200, allowed(role, Action::ReadNotifications, Relation::Own), "{role:?}");
    }
}

/// Whether the tests above try the action.
pub fn is_tried(action: Action) -> bool {
    action == Action::ReadNotifications
}
