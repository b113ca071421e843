//! The pages, as the server renders them.

use std::collections::BTreeSet;

use super::Gate::{Open, Session};
use super::On::{Nothing, Person, Schedule, Thing};
use super::run::{Kind, run};
use super::world::World;
use super::{FEATURES, Row, assert_complete, row};

const OK: [u16; 3] = [200; 3];

const PAGES: &[Row] = &[
    row("GET /", Open, Nothing, "", &[OK]),
    row("GET /register", Open, Nothing, "", &[OK]),
    row("GET /login", Open, Nothing, "", &[OK]),
    row("GET /login/code", Open, Nothing, "", &[OK]),
    row("GET /verify-email", Open, Nothing, "", &[OK]),
    row("GET /verify-email/done", Open, Nothing, "", &[OK]),
    row("GET /verify-email/sent", Open, Nothing, "", &[OK]),
    row("GET /forgot-password", Open, Nothing, "", &[OK]),
    row("GET /forgot-password/sent", Open, Nothing, "", &[OK]),
    row("GET /reset-password", Open, Nothing, "", &[OK]),
    row("GET /reset-password/done", Open, Nothing, "", &[OK]),
    row("GET /account", Session, Nothing, "", &[OK]).always(),
    row("GET /account/sessions", Session, Nothing, "", &[OK]).always(),
    row("GET /account/confirm", Session, Nothing, "", &[OK]).always(),
    row("GET /account/api-keys", Session, Nothing, "", &[OK]),
    row("GET /account/two-factor", Session, Nothing, "", &[OK]),
    #[cfg(feature = "passkeys")]
    row("GET /account/passkeys", Session, Nothing, "", &[OK]),
    #[cfg(not(feature = "passkeys"))]
    row("GET /account/passkeys", Open, Nothing, "", &[[404; 3]]),
    row("GET /dashboard", Session, Nothing, "", &[OK]),
    row("GET /tasks", Session, Nothing, "", &[OK]),
    row("GET /tasks/new", Session, Nothing, "", &[OK]).always(),
    row("GET /tasks/overview", Session, Nothing, "", &[[403, 200, 200]]),
    row("GET /tasks/dead", Session, Nothing, "", &[OK]),
    row("GET /tasks/bulk", Session, Nothing, "?do=cancel", &[OK]),
    row("GET /tasks/schedules/{id}", Session, Schedule, "", &[[403, 200, 200]]),
    row("GET /tasks/{id}/retry", Session, Thing("task"), "", &[OK, [404, 200, 200]]),
    row("GET /tasks/{id}", Session, Thing("task"), "", &[OK, [404, 200, 200]]),
    row("GET /users", Session, Nothing, "", &[[403, 200, 200]]),
    row("GET /users/new", Session, Nothing, "", &[OK]).always(),
    row("GET /users/bulk", Session, Person, "?do=disable&id={id}", &[[403, 200, 200]; 4]),
    row("GET /users/statistics", Session, Nothing, "", &[[403, 403, 200]]),
    row("GET /users/{id}", Session, Person, "", &[OK, [404, 200, 200], [404, 200, 200], [404, 404, 200]]).always(),
    row("GET /admin/audit-log", Session, Nothing, "", &[[403, 403, 200]]),
    row("GET /admin/permissions", Session, Nothing, "", &[[403, 403, 200]]),
];

#[tokio::test]
async fn every_page_answers_each_as_the_matrix_says() {
    let doors: BTreeSet<String> =
        leptos_axum::generate_route_list(app::App).iter().map(|route| format!("GET {}", route.path())).collect();
    let all: Vec<_> = [PAGES].into_iter().chain(FEATURES.iter().map(|feature| feature.pages)).collect();
    assert_complete(&all, doors);
    let world = World::new().await;
    for rows in all {
        run(&world, Kind::Page, rows).await;
    }
    world.end().await;
}
