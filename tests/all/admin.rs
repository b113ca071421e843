//! The command line for administrators.

use std::process::Output;

use model::users::Role;
use serde_json::json;
use server::users;
use uuid::Uuid;

use crate::support::mail::token_in;
use crate::support::program::{run, run_with_input};
use crate::support::tasks::sum;
use crate::support::{PASSWORD, TestApp};

/// The table as the documentation has it.
const PERMISSIONS: &str = include_str!("../../docs/security/permissions.md");

async fn admin(app: &TestApp, args: &[&str], input: &str) -> (bool, String) {
    let settings = [("DATABASE_URL", app.database_url.as_str())];
    let output: Output = run_with_input(&[&["admin"], args].concat(), &settings, input).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn an_administrator_is_made_with_the_password_from_standard_input() {
    let app = TestApp::start().await;
    let make = ["create-admin", "Alma", "alma@example.com"];
    for refused in ["", "weak\n"] {
        let (is_good, said) = admin(&app, &make, refused).await;
        assert!(!is_good && said.contains("password"), "{said}");
    }
    let (is_good, said) = admin(&app, &make, &format!("{PASSWORD}\n")).await;
    assert!(is_good && said.contains("created the administrator Alma") && !said.contains(PASSWORD), "{said}");
    let login = json!({"username": "Alma", "password": PASSWORD});
    let logged_in = app.send("/api/v1/auth/login", login).await.data();
    assert_eq!(logged_in["user"]["role"], "admin");
    let (is_good, said) = admin(&app, &make, &format!("{PASSWORD}\n")).await;
    assert!(!is_good && said.contains("already taken"), "{said}");
    app.take_letters_back().await;
}

#[tokio::test]
async fn roles_and_sessions_are_changed_and_the_audit_log_names_the_command_line() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let (is_good, said) = admin(&app, &["set-role", "ADA@example.com", "moderator", "--reason", "helps"], "").await;
    assert!(is_good && said.contains("Ada is moderator now"), "{said}");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.data()["role"], "moderator");
    let (is_good, said) = admin(&app, &["set-role", "Alma", "user"], "").await;
    assert!(!is_good && said.contains("The last administrator has to stay"), "{said}");

    let (is_good, said) = admin(&app, &["end-sessions", "ada"], "").await;
    assert!(is_good && said.contains("ended 1 session(s)"), "{said}");
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
    let (is_good, said) = admin(&app, &["end-sessions", "nobody"], "").await;
    assert!(!is_good && said.contains("User not found"), "{said}");
    app.switch_on(&alma).await;
    let (is_good, said) = admin(&app, &["reset-two-factor", "alma"], "").await;
    assert!(is_good && said.contains("Alma logs in by the password only now"), "{said}");
    app.take_letters_back().await;
    let log = app.get(&alma, "/api/v1/admin/audit-log").await.data();
    for (place, action) in [(0, "user.reset_two_factor"), (3, "user.set_role")] {
        assert_eq!((&log[place]["action"], &log[place]["actor_name"]), (&json!(action), &json!("command line")));
    }

    let (_, said) = admin(&app, &["list-users", "--role", "moderator"], "").await;
    assert!(said.contains("ada@example.com") && !said.contains("Alma") && said.contains("1 of 1"), "{said}");
}

#[tokio::test]
async fn tasks_are_listed_and_counted() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.queue(&ada, sum(&[20, 22])).await;
    app.work().await;
    app.queue(&ada, sum(&[1])).await;
    let (_, said) = admin(&app, &["task-stats"], "").await;
    for line in ["Task Statistics", "pending: 1", "completed: 1", "Total: 2"] {
        assert!(said.lines().any(|said| said == line), "{line} is not in: {said}");
    }
    let (_, said) = admin(&app, &["list-tasks", "--status", "completed", "--verbose"], "").await;
    assert!(said.contains("42") && said.contains("1 of 1"), "{said}");
    let (is_good, said) = admin(&app, &["list-tasks", "--status", "lost"], "").await;
    assert!(!is_good && said.contains("there is no state `lost`"), "{said}");
    app.leaves_tasks(1);
}

#[tokio::test]
async fn the_permission_table_is_printed_as_the_documentation_has_it() {
    let output = run(&["admin", "permissions"], &[]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        PERMISSIONS.contains(&printed),
        "docs/security/permissions.md is not what `starter admin permissions` prints: {printed}"
    );
}

#[tokio::test]
async fn an_account_that_was_deleted_long_ago_is_removed() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    for (person, days) in [(&ada, 31), (&bob, 29)] {
        let delete = "update users set is_active = false, deleted_at = now() - make_interval(days => $2) where id = $1";
        sqlx::query(delete).bind(person.id).bind(days).execute(&app.app.db).await.unwrap();
    }
    assert_eq!(users::purge(&app.app.db, 30).await.unwrap(), 1);
    app.register("Ada").await;
    assert_eq!(app.send("/api/v1/auth/register", crate::support::account("Bob")).await.status, 409);
}

#[tokio::test]
async fn a_link_to_a_new_password_is_printed_and_works_once() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let (is_good, said) = admin(&app, &["reset-password", "ADA@example.com"], "").await;
    assert!(is_good && said.contains("/reset-password?token=") && said.contains("60 minutes"), "{said}");
    let (_, second) = admin(&app, &["reset-password", "Ada"], "").await;
    let (token, second) = (token_in(&said), token_in(&second));
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 200, "nothing changes before it is used");

    assert_eq!(app.reset(&token, "a fine new passphrase").await.status, 200);
    assert_eq!(app.get(&ada, "/api/v1/auth/me").await.status, 401);
    for dead in [&token, &second] {
        assert_eq!(app.reset(dead, "one more passphrase").await.status, 400);
    }
    let log = app.get(&alma, "/api/v1/admin/audit-log?action=user.reset_link&actor=command%20line").await.data();
    assert_eq!((log.as_array().unwrap().len(), &log[0]["subject_name"]), (2, &json!("Ada")));
    assert!(!log.to_string().contains(&token), "{log}");

    app.change(ada.id, "update users set is_active = false where id = $1").await;
    let (is_good, said) = admin(&app, &["reset-password", "Ada"], "").await;
    assert!(!is_good && !said.contains("token=") && said.contains("activate it first"), "{said}");
    app.take_letters_back().await;
}

#[tokio::test]
async fn whole_days_of_old_history_are_counted_and_dropped() {
    let app = TestApp::start().await;
    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let (old, new) = (app.queue(&ada, sum(&[1])).await, app.queue(&ada, sum(&[2])).await);
    app.work().await;
    let age = "update task_history set finished_at = finished_at - interval '9 days' where id = $1";
    assert_eq!(sqlx::query(age).bind(old).execute(&app.app.db).await.unwrap().rows_affected(), 1);

    let days = ["clear-completed", "--older-than-days", "8"];
    let (is_good, said) = admin(&app, &[&days[..], &["--dry-run"]].concat(), "").await;
    assert!(is_good && said.contains("would drop 1 task(s)"), "{said}");
    let (_, said) = admin(&app, &["clear-completed", "--older-than-days", "10"], "").await;
    assert!(said.contains("dropped 0 task(s)"), "{said}");
    let there = async |id: Uuid| app.get(&ada, &format!("/api/v1/tasks/{id}")).await.status;
    assert_eq!((there(old).await, there(new).await), (200, 200));
    let (_, said) = admin(&app, &days, "").await;
    assert!(said.contains("dropped 1 task(s)"), "{said}");
    assert_eq!((there(old).await, there(new).await), (404, 200));
    let (is_good, said) = admin(&app, &["clear-completed", "--older-than-days", "0"], "").await;
    assert!(!is_good && said.contains("older_than_days"), "{said}");
    let log = app.get(&alma, "/api/v1/admin/audit-log?action=tasks.clear_history").await.data();
    assert_eq!(log[0]["details"], json!({"older_than_days": 8, "tasks": 1}));
}
