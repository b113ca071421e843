//! Two roles at the database: one owns the schema, the other one has its rows (OWASP ASVS 5.0, 13.2.2).

use model::users::Role;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::support::database::TwoRoles;
use crate::support::program::{Program, run};
use crate::support::tasks::sum;
use crate::support::{TestApp, within_patience};

/// What only an owner may: each is refused with "insufficient privilege".
const FORBIDDEN: [&str; 14] = [
    "drop table notes",
    "alter table users add column is_owner boolean",
    "create table mine (id integer)",
    "create function mine() returns integer language sql as 'select 1'",
    "create schema mine",
    "truncate notes",
    "alter table audit_log disable trigger all",
    "drop trigger audit_log_append_only on audit_log",
    "update audit_log set action = 'nothing'",
    "delete from audit_log",
    "delete from _sqlx_migrations",
    "drop table task_history_other",
    "alter function make_history_of(date) security invoker",
    "select let_use_rows('postgres')",
];

/// What the command says of the role; it fails for other reasons here, such as a client that is not built.
async fn doctor(url: &str) -> String {
    let output = run(&["doctor"], &[("DATABASE_URL", url)]).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().find(|line| line.contains(" role ")).expect("a line about the role").to_owned()
}

async fn said(args: &[&str], settings: &[(&str, &str)]) -> String {
    let output = run(args, settings).await;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn the_role_of_the_server_reads_and_writes_rows_and_can_do_nothing_else() {
    let roles = TwoRoles::create().await;
    let (rows, owner) = (roles.rows_url(), roles.owner_url());
    let both = [("DATABASE_URL", rows.as_str()), ("STARTER__DATABASE__MIGRATION_URL", owner.as_str())];
    said(&["migrate"], &both).await;
    let mut conn = PgConnection::connect(&rows).await.expect("the role connects");
    for statement in FORBIDDEN {
        let refused = sqlx::query(statement).execute(&mut conn).await.expect_err(statement);
        let code = refused.as_database_error().and_then(|error| error.code()).expect("PostgreSQL refuses it");
        assert_eq!(code, "42501", "{statement}: {refused}");
    }
    assert!(doctor(&rows).await.contains("has the rows of the tables and nothing else"));
    assert!(doctor(&owner).await.contains("may change the schema"));
}

#[tokio::test]
async fn the_program_lives_its_ordinary_life_as_the_role_that_has_only_rows() {
    let roles = TwoRoles::create().await;
    let (rows, owner) = (roles.rows_url(), roles.owner_url());
    said(&["migrate"], &[("DATABASE_URL", &rows), ("STARTER__DATABASE__MIGRATION_URL", &owner)]).await;
    let worker = Program::start(&["worker"], &[("DATABASE_URL", &rows)]);
    let app = TestApp::connected_to(rows.clone()).await;

    let (ada, alma) = (app.register("Ada").await, app.register_as("Alma", Role::Admin).await);
    let note =
        app.post(&ada, "/api/v1/notes", json!({"title": "Plans", "content": "A draft", "is_public": false})).await;
    assert_eq!(note.status, 201, "{}", note.text);
    let task = app.post(&ada, "/api/v1/tasks", sum(&[1, 2])).await.data();
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().expect("an id"));
    within_patience("the task is completed", async {
        while app.get(&ada, &path).await.data()["status"] != "completed" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        app.put(&alma, &format!("/api/v1/users/{}/role", ada.id), json!({"role": "moderator"})).await.status,
        200
    );
    let log = app.get(&alma, "/api/v1/admin/audit-log").await.data();
    let is_told = |row: &Value| row["action"] == "user.set_role";
    assert!(log.as_array().expect("the log").iter().any(is_told), "{log}");
    assert_eq!(app.delete(&alma, &format!("/api/v1/users/{}", ada.id)).await.status, 200);

    // The history's tables are the owner's, made and dropped through its functions.
    let made = "select count(*) from pg_class where relname ~ '^task_history_[0-9]{8}$' and relowner = $1::regrole";
    let count = async || -> i64 {
        sqlx::query_scalar(made).bind(roles.owner()).fetch_one(&app.app.db).await.expect("the tables are counted")
    };
    let before = count().await;
    assert!(before > 0);
    sqlx::query("select make_history_of(date '2020-02-02')").execute(&app.app.db).await.expect("a day is made");
    assert_eq!(count().await, before + 1);
    said(&["admin", "clear-completed", "--older-than-days", "30"], &[("DATABASE_URL", &rows)]).await;
    assert_eq!(count().await, before);
    drop(worker);
}

#[tokio::test]
async fn a_schema_that_is_behind_is_told_with_what_to_do_and_one_role_may_still_do_everything() {
    let roles = TwoRoles::create().await;
    let (rows, owner) = (roles.rows_url(), roles.owner_url());
    let behind = run(&["migrate"], &[("DATABASE_URL", &rows)]).await;
    let told = String::from_utf8_lossy(&behind.stderr).into_owned();
    assert!(!behind.status.success() && told.contains("database.migration_url"), "{told}");

    said(&["migrate"], &[("DATABASE_URL", &owner)]).await;
    let not_granted = run(&["migrate"], &[("DATABASE_URL", &rows)]).await;
    let told = String::from_utf8_lossy(&not_granted.stderr).into_owned();
    assert!(!not_granted.status.success() && told.contains("database.migration_url"), "{told}");

    let both = [("DATABASE_URL", rows.as_str()), ("STARTER__DATABASE__MIGRATION_URL", owner.as_str())];
    assert!(said(&["migrate"], &both).await.contains("0 migration(s) applied"));
    assert!(said(&["migrate"], &both[..1]).await.contains("0 migration(s) applied"));
}
