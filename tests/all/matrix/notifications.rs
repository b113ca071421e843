//! What notifications answer.

use server::notifications::{self, Told};

use super::Gate::{Open, Session};
use super::On::{Nothing, Thing};
use super::world::{CANARY, Things};
use super::{Feature, Row, functions, rest, row};
use crate::support::{Person, TestApp, id_of};

pub const FEATURE: Feature = Feature { rest: REST, functions: FUNCTIONS, pages: PAGES };

const OK: [u16; 3] = [200; 3];
const MINE: &[[u16; 3]] = &[OK, [404; 3]];

const REST: &[Row] = &[
    row("GET /api/v1/notifications", Session, Nothing, "", &[OK]),
    row("POST /api/v1/notifications/read", Session, Nothing, "", &[OK]),
    row("POST /api/v1/notifications/{id}/read", Session, Thing("notification"), "", &[OK, [404; 3]]),
];

const FUNCTIONS: &[Row] = &[
    row("POST /api/notifications/list", Session, Nothing, r#"{"page": {}}"#, &[OK]),
    row("POST /api/notifications/unread", Open, Nothing, "", &[OK]),
    row("POST /api/notifications/open", Session, Thing("notification"), "id={id}", MINE),
    row("POST /api/notifications/read_all", Session, Nothing, "", &[OK]),
];

const PAGES: &[Row] = &[row("GET /notifications", Session, Nothing, "", &[OK])];

/// Something to be told.
pub async fn make(app: &TestApp, person: &Person, things: &mut Things) {
    let told = Told { user_id: person.id, key: "test".into(), text: CANARY.into(), href: "/account".into() };
    let mut conn = app.app.db.acquire().await.expect("a connection");
    notifications::add(&mut conn, &told).await.expect("it is told");
    let newest = id_of(&app.get(person, "/api/v1/notifications").await.data()[0]);
    things.insert("notification", vec![newest]);
}

#[tokio::test]
async fn the_routes_of_notifications_answer_each_as_the_matrix_says() {
    rest::tried(REST).await;
}

#[tokio::test]
async fn the_functions_of_notifications_answer_each_as_the_matrix_says() {
    functions::tried(FUNCTIONS).await;
}

#[tokio::test]
async fn whoever_must_choose_a_password_is_not_told_how_much_is_unread() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let told = Told { user_id: ada.id, key: "test".into(), text: "News".into(), href: "/account".into() };
    notifications::add(&mut app.app.db.acquire().await.unwrap(), &told).await.unwrap();
    let browser = app.browser_of("Ada").await;
    let unread = async || browser.call("/api/notifications/unread", &[]).await.json();
    assert_eq!(unread().await, 1);
    app.change(ada.id, "update users set must_change_password = true where id = $1").await;
    assert_eq!(unread().await, 0);
}
