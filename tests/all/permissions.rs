//! Every cell of the permission table, through the doors.

use model::rbac::{Action, Relation, TABLE, allowed};
use model::users::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::tasks::delay;
use crate::support::{Browser, Person, TestApp};

const YES: u16 = 200;

/// Action, relation, and what each role from user to admin is answered.
const CELLS: [(Action, Relation, [u16; 3]); 6] = [
    (Action::CreateTask, Relation::Own, [YES, YES, YES]),
    (Action::ReadTask, Relation::Own, [YES, YES, YES]),
    (Action::ReadTask, Relation::Other, [404, YES, YES]),
    (Action::CancelTask, Relation::Own, [YES, YES, YES]),
    (Action::CancelTask, Relation::Other, [404, YES, YES]),
    (Action::ReadTaskStats, Relation::Other, [403, YES, YES]),
];

/// The roles with one person each, and somebody else whose things are others' to all of them.
struct People {
    actors: Vec<(Person, Browser)>,
    other: Person,
}

impl People {
    async fn of(app: &TestApp) -> Self {
        let mut actors = Vec::new();
        for (name, role) in ["Ursula", "Monica", "Adele"].into_iter().zip(Role::ALL) {
            actors.push((app.register_as(name, role).await, app.browser_of(name).await));
        }
        Self { actors, other: app.register("Olga").await }
    }
}

async fn through_rest(app: &TestApp, actor: &Person, action: Action, task: Uuid) -> u16 {
    let answer = match action {
        Action::CreateTask => app.post(actor, "/api/v1/tasks", delay(0)).await,
        Action::ReadTask => app.get(actor, &format!("/api/v1/tasks/{task}")).await,
        Action::CancelTask => app.cancel(actor, task).await,
        Action::ReadTaskStats => app.get(actor, "/api/v1/tasks/stats").await,
        Action::ReadHealthDetails => app.get(actor, "/api/v1/health/detailed").await,
    };
    answer.status
}

/// None where pages have no such thing.
async fn through_browser(browser: &Browser, action: Action, task: Uuid) -> Option<u16> {
    let id = task.to_string();
    let create = [("new[task_type]", "delay_task"), ("new[payload][delay_seconds]", "0")];
    let answer = match action {
        Action::CreateTask => browser.call("/api/tasks/create", &create).await,
        Action::ReadTask => browser.call("/api/tasks/get", &[("id", &id)]).await,
        Action::CancelTask => browser.call("/api/tasks/cancel", &[("id", &id)]).await,
        Action::ReadTaskStats | Action::ReadHealthDetails => return None,
    };
    // A change that worked leads to another page.
    Some(if answer.status == 302 { YES } else { answer.status })
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let app = TestApp::start().await;
    let people = People::of(&app).await;

    for (action, relation, expected) in CELLS {
        for (((actor, browser), role), expected) in people.actors.iter().zip(Role::ALL).zip(expected) {
            let cell = format!("{action:?} {relation:?} as {role:?}");
            assert_eq!(allowed(role, action, relation), expected == YES, "{cell}: the table");
            let owner = if relation == Relation::Own { actor } else { &people.other };
            let (first, second) = (app.queue(owner, delay(0)).await, app.queue(owner, delay(0)).await);
            assert_eq!(through_rest(&app, actor, action, first).await, expected, "{cell}: REST");
            let answered = through_browser(browser, action, second).await;
            assert_eq!(answered.unwrap_or(expected), expected, "{cell}: browser");
        }
    }
    app.work().await;
}

#[tokio::test]
async fn nobody_may_do_what_needs_an_account() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let task = app.queue(&ada, delay(0)).await;
    let nobody = Person { id: Uuid::nil(), name: "Nobody".into(), email: String::new(), token: "none".into() };
    for action in [Action::CreateTask, Action::ReadTask, Action::CancelTask, Action::ReadTaskStats] {
        assert_eq!(through_rest(&app, &nobody, action, task).await, 401, "{action:?}");
        let answered = through_browser(&app.browser(), action, task).await;
        assert_eq!(answered.unwrap_or(401), 401, "{action:?}");
    }
    assert_eq!(app.work().await, 1, "the task is as it was");
}

#[tokio::test]
async fn figures_about_health_are_for_administrators() {
    let app = TestApp::start().await;
    let people = People::of(&app).await;
    for ((actor, _), shows_figures) in people.actors.iter().zip([false, false, true]) {
        let health = app.get(actor, "/api/v1/health/detailed").await.data();
        assert_eq!(health["checks"]["database"].get("details").is_some(), shows_figures, "{} {health}", actor.name);
    }
    let anonymous = app.open("/api/v1/health/detailed").await.data();
    assert_eq!(anonymous["checks"]["database"].get("details"), None, "{anonymous}");
    assert_eq!(anonymous["checks"]["workers"]["status"], json!("degraded"));
}

#[test]
fn every_action_of_the_table_is_tried() {
    for rule in TABLE {
        let is_tried = CELLS.iter().any(|(action, ..)| *action == rule.action);
        assert!(is_tried || rule.action == Action::ReadHealthDetails, "{:?}", rule.action);
    }
}
