//! The server functions, which pages call with the browser's cookie.

use std::collections::BTreeSet;

use leptos::server_fn::axum::server_fn_paths;

use super::Gate::{Open, Session, Sudo};
use super::On::{Nothing, Person, Schedule, Thing};
use super::run::{Kind, run};
use super::world::World;
use super::{FEATURES, LISTED, Row, assert_complete, row};

const OK: [u16; 3] = [200; 3];
const FOR_MODERATORS: [u16; 3] = [403, 200, 200];
const FOR_ADMINS: [u16; 3] = [403, 403, 200];
const ADMINS_ONLY: &[[u16; 3]] = &[FOR_ADMINS; 4];
const THINGS: &[[u16; 3]] = &[OK, [404, 200, 200]];
const MINE: &[[u16; 3]] = &[OK, [404; 3]];
/// By relation: oneself, a user, a moderator, an administrator.
const BELOW: &[[u16; 3]] = &[[403; 3], FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]];
#[cfg(feature = "passkeys")]
const NO_CEREMONY: &str = "answer[id]=0195c0e0-0000-7000-8000-000000000000&answer[credential]={}";

const ACCOUNTS: &[Row] = &[
    row("POST /api/auth/me", Open, Nothing, "", &[OK]),
    row(
        "POST /api/auth/register",
        Open,
        Nothing,
        "new[username]=Grace&new[email]=grace@example.com&new[password]=SecurePass123",
        &[OK],
    ),
    row("POST /api/auth/log_in", Open, Nothing, "new[username]=Ursula&new[password]=SecurePass123", &[OK]),
    row("POST /api/auth/log_out", Open, Nothing, "", &[OK]),
    row("POST /api/auth/verify_email", Open, Nothing, "new[token]=nothing", &[[400; 3]]),
    row("POST /api/auth/forgot_password", Open, Nothing, "new[email]=ursula@example.com", &[OK]),
    row(
        "POST /api/auth/reset_password",
        Open,
        Nothing,
        "new[token]=nothing&new[new_password]=another-Secret-9",
        &[[400; 3]],
    ),
    row("POST /api/auth/email_is_verified", Session, Nothing, "", &[OK]).always(),
    row("POST /api/auth/resend_verification", Session, Nothing, "", &[OK]).always(),
    row("POST /api/auth/sessions", Session, Nothing, "", &[OK]).always(),
    row("POST /api/auth/end_session", Session, Thing("session"), "id={id}", MINE).always(),
    row("POST /api/auth/log_out_others", Session, Nothing, "", &[OK]).always(),
    row("POST /api/auth/log_out_everywhere", Session, Nothing, "", &[OK]).always(),
    row("POST /api/auth/confirm", Session, Nothing, "new[password]=SecurePass123&to=/account", &[OK]).always(),
    row("POST /api/account/profile", Session, Nothing, "", &[OK]).always(),
    row("POST /api/account/edit", Session, Nothing, "new[username]=Countess", &[OK]),
    row(
        "POST /api/account/password",
        Session,
        Nothing,
        "new[current_password]=SecurePass123&new[new_password]=another-Secret-9",
        &[OK],
    )
    .always(),
    row("POST /api/account/delete", Session, Nothing, "new[password]=SecurePass123&new[confirmation]=DELETE", &[OK]),
    row("POST /api/auth/code", Open, Nothing, "new[code]=000000", &[[409; 3]]),
    row("POST /api/two_factor/status", Session, Nothing, "", &[OK]),
    row("POST /api/two_factor/start", Sudo, Nothing, "", &[OK]),
    // Nobody here has begun with it.
    row("POST /api/two_factor/on", Sudo, Nothing, "new[code]=000000", &[[409; 3]]),
    row("POST /api/two_factor/renew_codes", Sudo, Nothing, "", &[[409; 3]]),
    row("POST /api/two_factor/off", Sudo, Nothing, "new[code]=000000", &[[409; 3]]),
    row("POST /api/api_keys/list", Session, Nothing, "", &[OK]),
    row("POST /api/api_keys/create", Sudo, Nothing, "new[name]=ci&new[scopes][0]=tasks:read", &[OK]),
    row("POST /api/api_keys/revoke", Sudo, Thing("key"), "id={id}", MINE),
    row("POST /api/api_keys/revoke_all", Sudo, Nothing, "", &[OK]),
];

#[cfg(feature = "passkeys")]
const PASSKEYS: &[Row] = &[
    row("POST /api/passkeys/list", Session, Nothing, "", &[OK]),
    row("POST /api/passkeys/start_registration", Sudo, Nothing, "new[name]=phone", &[OK]),
    // No authenticator is here, so nothing was begun and there is none to remove.
    row("POST /api/passkeys/finish_registration", Session, Nothing, NO_CEREMONY, &[[409; 3]]),
    row("POST /api/passkeys/remove", Sudo, Nothing, "id=0195c0e0-0000-7000-8000-000000000000", &[[404; 3]]),
    row("POST /api/passkeys/start_login", Open, Nothing, "", &[OK]),
    row("POST /api/passkeys/finish_login", Open, Nothing, NO_CEREMONY, &[[409; 3]]),
];
#[cfg(not(feature = "passkeys"))]
const PASSKEYS: &[Row] = &[];

const PEOPLE: &[Row] = &[
    row("POST /api/users/list", Session, Nothing, LISTED, &[[403, 200, 200]]),
    row("POST /api/users/stats", Session, Nothing, "", &[FOR_ADMINS]),
    row("POST /api/users/get", Session, Person, "id={id}", &[OK, [404, 200, 200], [404, 200, 200], [404, 404, 200]])
        .always(),
    row(
        "POST /api/users/create",
        Session,
        Nothing,
        "new[username]=Grace&new[email]=grace@example.com&new[password]=SecurePass123",
        &[FOR_ADMINS],
    ),
    row("POST /api/users/edit", Session, Person, "id={id}&new[username]=Countess", ADMINS_ONLY),
    row("POST /api/users/status", Session, Person, "id={id}&new[is_active]=false", BELOW),
    row("POST /api/users/role", Sudo, Person, "id={id}&new[role]=user", ADMINS_ONLY),
    row("POST /api/users/reset_password", Sudo, Person, "id={id}&new[new_password]=another-Secret-9", BELOW),
    row("POST /api/users/require_password_change", Session, Person, "id={id}&new[reason]=leaked", BELOW),
    // Whoever may do it to somebody is answered what became of each: see `bulk`.
    row(
        "POST /api/users/preview_bulk",
        Session,
        Person,
        r#"{"wish": {"action": "disable", "ids": ["{id}"]}}"#,
        &[FOR_MODERATORS; 4],
    ),
    row("POST /api/users/bulk", Session, Person, "new[action]=disable&new[ids][0]={id}", &[FOR_MODERATORS; 4]),
    row(
        "POST /api/users/reset_two_factor",
        Sudo,
        Person,
        "id={id}",
        &[[403; 3], [403, 409, 409], [403, 403, 409], [403, 404, 409]],
    ),
    row("POST /api/users/end_sessions", Session, Person, "id={id}", &[OK, FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]]),
    row(
        "POST /api/users/delete",
        Sudo,
        Person,
        "id={id}&new[hard_delete]=false",
        &[[403, 403, 400], FOR_ADMINS, FOR_ADMINS, FOR_ADMINS],
    ),
    row(
        "POST /api/users/restore",
        Session,
        Person,
        "id={id}",
        &[[403; 3], [403, 403, 409], [403, 403, 409], [403, 403, 409]],
    ),
    row(
        "POST /api/users/impersonate",
        Sudo,
        Person,
        "id={id}&new[reason]=asked",
        &[[403; 3], FOR_ADMINS, FOR_ADMINS, [403; 3]],
    ),
    // Nobody here acts as somebody else.
    row("POST /api/users/end_impersonation", Session, Nothing, "", &[[409; 3]]).always(),
    row("POST /api/audit/list", Session, Nothing, LISTED, &[[403, 403, 200]]),
];

const TIMES: &str = "id={id}&new[cron]=0 4 * * 1&new[time_zone]=UTC&new[missed]=once";

const TASKS: &[Row] = &[
    row("POST /api/tasks/list", Session, Nothing, LISTED, &[OK]),
    row("POST /api/tasks/overview", Session, Nothing, "", &[OK]),
    row("POST /api/tasks/deliveries", Session, Thing("task"), "id={id}", &[OK, [404, 200, 200]]),
    row("POST /api/tasks/get", Session, Thing("task"), "id={id}", &[OK, [404, 200, 200]]),
    row("POST /api/tasks/create", Session, Nothing, "new[task_type]=delay_task&new[payload][delay_seconds]=0", &[OK]),
    row("POST /api/tasks/cancel", Session, Thing("task"), "id={id}", THINGS),
    row("POST /api/tasks/retry", Session, Thing("dead"), "id={id}", THINGS),
    row("POST /api/tasks/run_now", Session, Thing("task"), "id={id}", THINGS),
    row("POST /api/tasks/copy", Session, Thing("task"), "id={id}", THINGS),
    row("POST /api/tasks/delete", Session, Thing("dead"), "id={id}", THINGS),
    row("POST /api/tasks/dead", Session, Nothing, "", &[OK]),
    row("POST /api/tasks/operations", Session, Nothing, "period=hour", &[FOR_MODERATORS]),
    row("POST /api/tasks/schedule", Session, Schedule, "id={id}", &[FOR_MODERATORS]),
    row("POST /api/tasks/set_times", Session, Schedule, TIMES, &[FOR_MODERATORS]),
    row("POST /api/tasks/delete_schedule", Session, Schedule, "id={id}", &[FOR_MODERATORS]),
    row("POST /api/tasks/command", Session, Nothing, "new[action]=resume&new[subject]=delay_task", &[FOR_MODERATORS]),
    // Of the own tasks, or of all: see `bulk_tasks`.
    row("POST /api/tasks/preview_bulk", Session, Nothing, r#"{"wish": {"action": "cancel", "dry_run": true}}"#, &[OK]),
    row("POST /api/tasks/bulk", Session, Nothing, "new[action]=cancel", &[OK]),
];

#[test]
fn every_server_function_has_a_row() {
    let doors: BTreeSet<String> = server_fn_paths().map(|(path, method)| format!("{method} {path}")).collect();
    let core = [ACCOUNTS, PASSKEYS, PEOPLE, TASKS];
    let all: Vec<_> = core.into_iter().chain(FEATURES.iter().map(|feature| feature.functions)).collect();
    assert_complete(&all, doors);
}

pub async fn tried(rows: &[Row]) {
    let world = World::new().await;
    run(&world, Kind::Function, rows).await;
    world.end().await;
}

#[tokio::test]
async fn the_functions_of_the_own_account_answer_each_as_the_matrix_says() {
    tried(ACCOUNTS).await;
}

#[cfg(feature = "passkeys")]
#[tokio::test]
async fn the_functions_of_passkeys_answer_each_as_the_matrix_says() {
    tried(PASSKEYS).await;
}

#[tokio::test]
async fn the_functions_on_people_answer_each_as_the_matrix_says() {
    tried(PEOPLE).await;
}

#[tokio::test]
async fn the_functions_of_tasks_answer_each_as_the_matrix_says() {
    tried(TASKS).await;
}
