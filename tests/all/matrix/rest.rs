//! The REST API, and what else a program opens by its token.

use std::collections::BTreeSet;

use model::rbac::Scope::{
    AuditRead, HealthRead, QueueOperate, SchedulesManage, TaskTypesManage, TasksRead, TasksWrite, UsersRead, UsersWrite,
};

use super::Gate::{Key, Open, Session, Sudo};
use super::On::{Nothing, Person, Schedule, Thing};
use super::run::{Kind, run};
use super::world::World;
use super::{FEATURES, Row, assert_complete, row};

const OK: [u16; 3] = [200; 3];
const CREATED: [u16; 3] = [201; 3];
const EMPTY: [u16; 3] = [204; 3];
const FOR_MODERATORS: [u16; 3] = [403, 200, 200];
const FOR_ADMINS: [u16; 3] = [403, 403, 200];
/// Own things, and a stranger's that only higher roles see.
const THINGS: &[[u16; 3]] = &[OK, [404, 200, 200]];
/// Own things, and a stranger's that nobody sees.
const MINE: &[[u16; 3]] = &[EMPTY, [404; 3]];
const ADMINS_ONLY: &[[u16; 3]] = &[FOR_ADMINS; 4];

const SCHEDULE: &str = r#"{"name": "weekly", "cron": "0 3 * * 1", "time_zone": "UTC", "task_type": "delay_task", "payload": {"delay_seconds": 0}}"#;
const TASK: &str = r#"{"task_type": "delay_task", "payload": {"delay_seconds": 0}}"#;

const ACCOUNTS: &[Row] = &[
    row(
        "POST /api/v1/auth/register",
        Open,
        Nothing,
        r#"{"username": "Grace", "email": "grace@example.com", "password": "SecurePass123"}"#,
        &[OK],
    ),
    row("POST /api/v1/auth/login", Open, Nothing, r#"{"username": "Ursula", "password": "SecurePass123"}"#, &[OK]),
    row("POST /api/v1/auth/verify-email", Open, Nothing, r#"{"token": "nothing"}"#, &[[400; 3]]),
    row("POST /api/v1/auth/password/forgot", Open, Nothing, r#"{"email": "ursula@example.com"}"#, &[OK]),
    row(
        "POST /api/v1/auth/password/reset",
        Open,
        Nothing,
        r#"{"token": "nothing", "new_password": "another-Secret-9"}"#,
        &[[400; 3]],
    ),
    row("POST /api/v1/auth/logout", Session, Nothing, "", &[OK]).always(),
    row("POST /api/v1/auth/logout-all", Session, Nothing, "", &[OK]).always(),
    row("POST /api/v1/auth/logout-others", Session, Nothing, "", &[OK]).always(),
    row("POST /api/v1/auth/sudo", Session, Nothing, r#"{"password": "SecurePass123"}"#, &[OK]).always(),
    row("GET /api/v1/auth/me", Session, Nothing, "", &[OK]).always(),
    // Refreshed when it was made.
    row("POST /api/v1/auth/refresh", Session, Nothing, "", &[[409; 3]]).always(),
    row("GET /api/v1/auth/sessions", Session, Nothing, "", &[OK]).always(),
    row("DELETE /api/v1/auth/sessions/{id}", Session, Thing("session"), "", MINE).always(),
    row("POST /api/v1/auth/verify-email/resend", Session, Nothing, "", &[OK]).always(),
    row("GET /api/v1/users/me/profile", Session, Nothing, "", &[OK]).always(),
    row("PUT /api/v1/users/me/profile", Session, Nothing, r#"{"username": "Countess"}"#, &[OK]),
    row(
        "PUT /api/v1/users/me/password",
        Session,
        Nothing,
        r#"{"current_password": "SecurePass123", "new_password": "another-Secret-9"}"#,
        &[OK],
    )
    .always(),
    row(
        "DELETE /api/v1/users/me",
        Session,
        Nothing,
        r#"{"password": "SecurePass123", "confirmation": "DELETE"}"#,
        &[OK],
    ),
    row("GET /api/v1/auth/two-factor", Session, Nothing, "", &[OK]),
    row("POST /api/v1/auth/two-factor", Sudo, Nothing, "", &[OK]),
    // Nobody here has begun with it.
    row("POST /api/v1/auth/two-factor/confirm", Sudo, Nothing, r#"{"code": "000000"}"#, &[[409; 3]]),
    row("POST /api/v1/auth/two-factor/recovery-codes", Sudo, Nothing, "", &[[409; 3]]),
    row("POST /api/v1/auth/two-factor/disable", Sudo, Nothing, r#"{"code": "000000"}"#, &[[409; 3]]),
    row("GET /api/v1/api-keys", Session, Nothing, "", &[OK]),
    row("POST /api/v1/api-keys", Sudo, Nothing, r#"{"name": "ci", "scopes": ["tasks:read"]}"#, &[CREATED]),
    row("DELETE /api/v1/api-keys/{id}", Sudo, Thing("key"), "", MINE),
    row("DELETE /api/v1/api-keys", Sudo, Nothing, "", &[OK]),
    // Nobody here acts as somebody else.
    row("DELETE /api/v1/auth/impersonation", Session, Nothing, "", &[[409; 3]]).always(),
];

/// By relation: oneself, a user, a moderator, an administrator.
const PEOPLE: &[Row] = &[
    row("GET /api/v1/users", Key(UsersRead), Nothing, "", &[FOR_MODERATORS]),
    row(
        "POST /api/v1/users",
        Key(UsersWrite),
        Nothing,
        r#"{"username": "Grace", "email": "grace@example.com", "password": "SecurePass123"}"#,
        &[FOR_ADMINS],
    ),
    row("GET /api/v1/users/{id}", Key(UsersRead), Person, "", &[OK, [404, 200, 200], [404, 200, 200], [404, 404, 200]])
        .always(),
    row(
        "PUT /api/v1/users/{id}/profile",
        Sudo,
        Person,
        r#"{"username": "Countess", "email": "countess@example.com", "email_verified": true}"#,
        ADMINS_ONLY,
    ),
    row(
        "PUT /api/v1/users/{id}/status",
        Key(UsersWrite),
        Person,
        r#"{"is_active": false, "reason": "spam"}"#,
        &[[403; 3], FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]],
    ),
    row("PUT /api/v1/users/{id}/role", Sudo, Person, r#"{"role": "user", "reason": "asked for it"}"#, ADMINS_ONLY),
    row(
        "POST /api/v1/users/{id}/reset-password",
        Sudo,
        Person,
        r#"{"new_password": "another-Secret-9"}"#,
        &[[403; 3], FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]],
    ),
    row(
        "POST /api/v1/users/{id}/require-password-change",
        Session,
        Person,
        "",
        &[[403; 3], FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]],
    ),
    // Whoever may do it to somebody is answered what became of each: see `bulk`.
    row(
        "POST /api/v1/users/bulk",
        Key(UsersWrite),
        Person,
        r#"{"action": "disable", "ids": ["{id}"], "reason": "spam"}"#,
        &[FOR_MODERATORS; 4],
    ),
    row(
        "DELETE /api/v1/users/{id}/two-factor",
        Sudo,
        Person,
        "",
        &[[403; 3], [403, 409, 409], [403, 403, 409], [403, 404, 409]],
    ),
    row(
        "POST /api/v1/users/{id}/impersonate",
        Sudo,
        Person,
        r#"{"reason": "asked"}"#,
        &[[403; 3], FOR_ADMINS, FOR_ADMINS, [403; 3]],
    ),
    row(
        "DELETE /api/v1/users/{id}/sessions",
        Key(UsersWrite),
        Person,
        "",
        &[OK, FOR_MODERATORS, FOR_ADMINS, [403, 404, 200]],
    ),
    row("DELETE /api/v1/users/{id}", Sudo, Person, "", &[[403, 403, 400], FOR_ADMINS, FOR_ADMINS, FOR_ADMINS]),
    // Nobody here is deleted, which is said to those who may restore.
    row(
        "POST /api/v1/users/{id}/restore",
        Key(UsersWrite),
        Person,
        "",
        &[[403; 3], [403, 403, 409], [403, 403, 409], [403, 403, 409]],
    ),
    row("GET /api/v1/admin/users/stats", Key(UsersRead), Nothing, "", &[FOR_ADMINS]),
    row("GET /api/v1/admin/audit-log", Key(AuditRead), Nothing, "", &[FOR_ADMINS]),
    row("GET /api/v1/admin/health", Session, Nothing, "", &[FOR_ADMINS]),
];

const TASKS: &[Row] = &[
    row("GET /api/v1/tasks", Key(TasksRead), Nothing, "", &[OK]),
    row("POST /api/v1/tasks", Key(TasksWrite), Nothing, TASK, &[OK]),
    row(
        "POST /api/v1/tasks/batch",
        Key(TasksWrite),
        Nothing,
        r#"{"tasks": [{"task_type": "delay_task", "payload": {"delay_seconds": 0}}]}"#,
        &[CREATED],
    ),
    row("GET /api/v1/tasks/types", Open, Nothing, "", &[OK]),
    row("GET /api/v1/tasks/dead-letter", Key(TasksRead), Nothing, "", &[OK]),
    row("GET /api/v1/tasks/{id}", Key(TasksRead), Thing("task"), "", THINGS),
    row("GET /api/v1/tasks/{id}/deliveries", Key(TasksRead), Thing("task"), "", THINGS),
    // Nobody here has a file.
    row("GET /api/v1/tasks/{id}/file", Key(TasksRead), Thing("task"), "", &[[404; 3], [404; 3]]),
    row("DELETE /api/v1/tasks/{id}", Key(TasksWrite), Thing("dead"), "", THINGS),
    row("POST /api/v1/tasks/{id}/cancel", Key(TasksWrite), Thing("task"), "", THINGS),
    row("POST /api/v1/tasks/{id}/retry", Key(TasksWrite), Thing("dead"), "", THINGS),
    row("POST /api/v1/tasks/{id}/run-now", Key(TasksWrite), Thing("task"), "", THINGS),
    row("GET /live/tasks", Session, Nothing, "", &[OK]),
];

const QUEUE: &[Row] = &[
    row("GET /api/v1/tasks/stats", Key(TasksRead), Nothing, "", &[FOR_MODERATORS]),
    row("POST /api/v1/tasks/types", Key(TaskTypesManage), Nothing, r#"{"task_type": "made_by_hand"}"#, &[FOR_ADMINS]),
    row("POST /api/v1/tasks/types/{name}/pause", Key(QueueOperate), Nothing, r#"{"reason": "why"}"#, &[FOR_MODERATORS]),
    row("POST /api/v1/tasks/types/{name}/resume", Key(QueueOperate), Nothing, "", &[FOR_MODERATORS]),
    row(
        "PUT /api/v1/tasks/types/{name}/breaker",
        Key(QueueOperate),
        Nothing,
        r#"{"state": "open"}"#,
        &[FOR_MODERATORS],
    ),
    row("GET /api/v1/tasks/queue", Key(QueueOperate), Nothing, "", &[FOR_MODERATORS]),
    row("GET /api/v1/tasks/queue/minutes", Key(QueueOperate), Nothing, "", &[FOR_MODERATORS]),
    // Of the own tasks, or of all: see `bulk_tasks`.
    row("POST /api/v1/tasks/bulk", Key(TasksWrite), Nothing, r#"{"action": "cancel"}"#, &[OK]),
    row("GET /api/v1/tasks/schedules", Key(SchedulesManage), Nothing, "", &[FOR_MODERATORS]),
    row("POST /api/v1/tasks/schedules", Key(SchedulesManage), Nothing, SCHEDULE, &[[403, 201, 201]]),
    row("PUT /api/v1/tasks/schedules/{id}", Key(SchedulesManage), Schedule, SCHEDULE, &[FOR_MODERATORS]),
    row("DELETE /api/v1/tasks/schedules/{id}", Key(SchedulesManage), Schedule, "", &[[403, 204, 204]]),
    row("POST /api/v1/tasks/schedules/{id}/run", Key(SchedulesManage), Schedule, "", &[FOR_MODERATORS]),
];

const HEALTH: &[Row] = &[
    row("GET /health", Open, Nothing, "", &[OK]),
    row("GET /health/detailed", Open, Nothing, "", &[OK]),
    row("GET /health/live", Open, Nothing, "", &[OK]),
    row("GET /health/ready", Open, Nothing, "", &[OK]),
    row("GET /health/startup", Open, Nothing, "", &[OK]),
    row("GET /api/v1/health", Open, Nothing, "", &[OK]),
    row("GET /api/v1/health/detailed", Open, Nothing, "", &[OK]),
    row("GET /api/v1/health/live", Open, Nothing, "", &[OK]),
    row("GET /api/v1/health/ready", Open, Nothing, "", &[OK]),
    row("GET /api/v1/health/startup", Open, Nothing, "", &[OK]),
];

/// Every route of the OpenAPI document, and what is no part of it.
fn doors() -> BTreeSet<String> {
    let document = serde_json::to_value(starter::web::openapi()).unwrap();
    let mut doors = BTreeSet::from(["GET /live/tasks".to_owned()]);
    for (path, methods) in document["paths"].as_object().unwrap() {
        doors.extend(methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    doors
}

#[test]
fn every_route_has_a_row_and_the_document_says_who_passes() {
    let core = [ACCOUNTS, PEOPLE, TASKS, QUEUE, HEALTH];
    let all: Vec<_> = core.into_iter().chain(FEATURES.iter().map(|feature| feature.rest)).collect();
    assert_complete(&all, doors());
    let document = serde_json::to_value(starter::web::openapi()).unwrap();
    for row in all.iter().flat_map(|rows| rows.iter()).filter(|row| row.door != "GET /live/tasks") {
        let (method, path) = row.door.split_once(' ').unwrap();
        let schemes =
            document["paths"][path][method.to_lowercase()]["security"].as_array().cloned().unwrap_or_default();
        // Where nobody has to be somebody, `{}` is one of the ways.
        let is_open = schemes.contains(&serde_json::json!({}));
        let says = |scheme: &str| !is_open && schemes.iter().any(|one| one.get(scheme).is_some());
        let expected = (row.gate != Open, matches!(row.gate, Key(_)));
        assert_eq!((says("bearer"), says("api_key")), expected, "{}", row.door);
    }
}

pub async fn tried(rows: &[Row]) {
    let world = World::new().await;
    run(&world, Kind::Rest, rows).await;
    world.end().await;
}

#[tokio::test]
async fn the_routes_of_the_own_account_answer_each_as_the_matrix_says() {
    tried(ACCOUNTS).await;
}

#[tokio::test]
async fn the_routes_on_people_answer_each_as_the_matrix_says() {
    tried(PEOPLE).await;
}

#[tokio::test]
async fn the_routes_of_tasks_answer_each_as_the_matrix_says() {
    tried(TASKS).await;
}

#[tokio::test]
async fn the_routes_of_the_queue_answer_each_as_the_matrix_says() {
    tried(QUEUE).await;
}

#[tokio::test]
async fn the_routes_of_health_answer_each_as_the_matrix_says() {
    tried(HEALTH).await;
}

#[tokio::test]
async fn figures_about_health_are_for_administrators_and_keys_of_their_scope() {
    let world = World::new().await;
    for path in ["/health/detailed", "/api/v1/health/detailed"] {
        let ask = async |credential: super::world::Credential<'_>| {
            let request = credential.on(world.app.request(reqwest::Method::GET, path));
            let health = crate::support::Answer::to(request).await.data();
            health["checks"]["database"].get("details").is_some()
        };
        use super::world::Credential::{Key, None, Token};
        assert!(!ask(None).await);
        for (role, expected) in world.roles.iter().zip([false, false, true]) {
            assert_eq!(ask(Token(&role.token)).await, expected);
        }
        assert!(ask(Key(world.key(HealthRead))).await && !ask(Key(world.key_without(HealthRead))).await);
    }
    world.end().await;
}

#[tokio::test]
async fn an_account_of_a_higher_role_is_made_by_administrators_who_confirmed_their_password_and_by_no_key() {
    use super::world::Credential::{Key, Token};
    let world = World::new().await;
    let new =
        r#"{"username": "Grace", "email": "grace@example.com", "password": "SecurePass123", "role": "moderator"}"#;
    for (credential, expected) in [
        (Key(world.key(UsersWrite)), (403, "FORBIDDEN")),
        (Token(&world.unconfirmed.token), (403, "REAUTHENTICATION_REQUIRED")),
        (Token(&world.roles[1].token), (403, "FORBIDDEN")),
    ] {
        let request =
            world.app.request(reqwest::Method::POST, "/api/v1/users").header("content-type", "application/json");
        let answer = crate::support::Answer::to(credential.on(request.body(new))).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.to_owned()));
        assert!(!world.has_changed().await);
    }
    let request = world.app.request(reqwest::Method::POST, "/api/v1/users").header("content-type", "application/json");
    let made = crate::support::Answer::to(Token(&world.roles[2].token).on(request.body(new))).await;
    assert_eq!(made.data()["role"], "moderator");
    world.end().await;
}
