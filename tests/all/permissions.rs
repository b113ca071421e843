//! Every cell of the permission table on tasks, through the doors; who is answered what at each door is in `matrix`.

use model::rbac::{Action, Relation, allowed};
use model::users::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::tasks::delay;
use crate::support::{Browser, Person, TestApp};

const YES: u16 = 200;

/// Action, relation, and what each role from user to admin is answered.
const CELLS: [(Action, Relation, [u16; 3]); 14] = [
    (Action::CreateTask, Relation::Own, [YES, YES, YES]),
    (Action::CleanFiles, Relation::Own, [403, 403, YES]),
    (Action::ReadTask, Relation::Own, [YES, YES, YES]),
    (Action::ReadTask, Relation::Other, [404, YES, YES]),
    (Action::CancelTask, Relation::Own, [YES, YES, YES]),
    (Action::CancelTask, Relation::Other, [404, YES, YES]),
    (Action::RetryTask, Relation::Own, [YES, YES, YES]),
    (Action::RetryTask, Relation::Other, [404, YES, YES]),
    (Action::DeleteTask, Relation::Own, [YES, YES, YES]),
    (Action::DeleteTask, Relation::Other, [404, YES, YES]),
    (Action::ReadTaskStats, Relation::Other, [403, YES, YES]),
    (Action::OperateQueue, Relation::Other, [403, YES, YES]),
    (Action::ManageSchedules, Relation::Other, [403, YES, YES]),
    (Action::DefineTaskType, Relation::Other, [403, 403, YES]),
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
        Action::CleanFiles => {
            app.post(
                actor,
                "/api/v1/tasks",
                json!({"task_type": "file_cleanup", "payload": {"file_path": "no such folder"}}),
            )
            .await
        }
        Action::ReadTask => app.get(actor, &format!("/api/v1/tasks/{task}")).await,
        Action::CancelTask => app.cancel(actor, task).await,
        Action::RetryTask => app.retry(actor, task).await,
        Action::DeleteTask => app.delete(actor, &format!("/api/v1/tasks/{task}")).await,
        Action::ReadTaskStats => app.get(actor, "/api/v1/tasks/stats").await,
        Action::OperateQueue => app.get(actor, "/api/v1/tasks/queue").await,
        Action::ManageSchedules => app.get(actor, "/api/v1/tasks/schedules").await,
        Action::DefineTaskType => app.post(actor, "/api/v1/tasks/types", json!({"task_type": "made_by_hand"})).await,
        Action::ReadHealthDetails => app.get(actor, "/api/v1/health/detailed").await,
        _ => unreachable!("tried in `people`"),
    };
    answer.status
}

/// None where pages have no such thing.
async fn through_browser(browser: &Browser, action: Action, task: Uuid) -> Option<u16> {
    let id = task.to_string();
    let create = [("new[task_type]", "delay_task"), ("new[payload][delay_seconds]", "0")];
    let clean = [
        ("new[task_type]", "file_cleanup"),
        ("new[payload][file_path]", "no such folder"),
        ("new[payload][max_age_hours]", "1"),
    ];
    let answer = match action {
        Action::CreateTask => browser.call("/api/tasks/create", &create).await,
        Action::CleanFiles => browser.call("/api/tasks/create", &clean).await,
        Action::ReadTask => browser.call("/api/tasks/get", &[("id", &id)]).await,
        Action::CancelTask => browser.call("/api/tasks/cancel", &[("id", &id)]).await,
        Action::RetryTask => browser.call("/api/tasks/retry", &[("id", &id)]).await,
        Action::DeleteTask => browser.call("/api/tasks/delete", &[("id", &id)]).await,
        _ => return None,
    };
    // A change that worked leads to another page.
    Some(if answer.status == 302 { YES } else { answer.status })
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let app = TestApp::with(|config| config.files.cleanup_root = Some(std::env::temp_dir())).await;
    let people = People::of(&app).await;

    for (action, relation, expected) in CELLS {
        for (((actor, browser), role), expected) in people.actors.iter().zip(Role::ALL).zip(expected) {
            let cell = format!("{action:?} {relation:?} as {role:?}, {}", actor.name);
            assert_eq!(allowed(role, action, relation), expected == YES, "{cell}: the table");
            let owner = if relation == Relation::Own { actor } else { &people.other };
            let (first, second) = (task_for(&app, owner, action).await, task_for(&app, owner, action).await);
            assert_eq!(through_rest(&app, actor, action, first).await, expected, "{cell}: REST");
            let answered = through_browser(browser, action, second).await;
            assert_eq!(answered.unwrap_or(expected), expected, "{cell}: browser");
        }
    }
    app.work().await;
}

/// A task in the state that the action is for.
async fn task_for(app: &TestApp, owner: &Person, action: Action) -> Uuid {
    if !matches!(action, Action::RetryTask | Action::DeleteTask) {
        return app.queue(owner, delay(0)).await;
    }
    let too_late = json!({"delay_seconds": 9, "deadline": "2020-01-01T00:00:00Z"});
    let id = app.queue(owner, json!({"task_type": "delay_task", "payload": too_late})).await;
    app.work().await;
    id
}

/// Whether a test of this file tries the action, or one of `maintenance` or `traces`; those on people are tried in `people`.
pub fn is_tried(action: Action) -> bool {
    let elsewhere = [Action::ReadHealthDetails, Action::ManageMaintenance, Action::ReadTraces];
    elsewhere.contains(&action) || CELLS.iter().any(|(tried, ..)| *tried == action)
}
