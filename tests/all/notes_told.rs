//! A share is told once in effect, whatever becomes of the worker that tells it: one notification and one letter.

use std::time::Duration;

use model::users::Role;
use serde_json::json;
use server::tasks::queue;
use sqlx::{Postgres, Transaction};

use crate::support::gate::Gate;
use crate::support::program::Program;
use crate::support::{Person, TestApp, within_patience};

const NOTIFICATIONS: &str = "/api/v1/notifications";

/// Ada has shared a note with Bob, and no worker has told him yet.
async fn shared(app: &TestApp) -> Person {
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let id = app.note(&ada, "Plans").await;
    assert_eq!(app.share(&ada, id, "Bob", "read").await.status, 201);
    bob
}

/// How many notifications and letters he has.
async fn told(app: &TestApp, bob: &Person) -> (usize, usize) {
    let notifications = app.get(bob, NOTIFICATIONS).await.data().as_array().expect("a list").len();
    let to_bob = app.letters().await.into_iter().filter(|letter| letter.to == bob.email);
    (notifications, to_bob.count())
}

/// Whatever is left of it runs, also what would run again only after a wait.
async fn work_to_the_end(app: &TestApp) {
    for _ in 0..3 {
        app.work().await;
        app.pass_time(Duration::from_secs(3600)).await;
    }
    app.work().await;
}

#[tokio::test]
async fn the_tasks_that_tell_say_where_they_come_from() {
    let app = TestApp::start().await;
    let (ada, _) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let note = app.note(&ada, "Plans").await;
    assert_eq!(app.share(&ada, note, "Bob", "read").await.status, 201);
    work_to_the_end(&app).await;

    let browser = app.browser_of("Grace").await;
    let page_of = async |task_type: &str| {
        let listed = app.get(&grace, &format!("/api/v1/tasks?task_type={task_type}")).await.data();
        let id = listed[0]["id"].as_str().expect("an id").to_owned();
        (browser.open(&format!("/tasks/{id}")).await.text, id)
    };
    let (telling, id) = page_of("note_shared").await;
    assert!(telling.contains(&format!("href=\"/notes/{note}\"")), "{telling}");
    assert!(!telling.contains("Plans"), "what is in the note is for those who may read it: {telling}");
    let (letter, _) = page_of("mail").await;
    assert!(letter.contains(&format!("href=\"/tasks/{id}\"")), "{letter}");
}

#[tokio::test]
async fn a_commit_that_fails_tells_nobody_and_the_next_attempt_tells_once() {
    let app = TestApp::start().await;
    let bob = shared(&app).await;
    let db = &app.app.db;
    let refuses = "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$";
    let at_the_commit = "create constraint trigger refused after insert on notifications deferrable initially deferred
        for each row execute function refuse()";
    for statement in [refuses, at_the_commit] {
        sqlx::query(statement).execute(db).await.unwrap();
    }
    assert_eq!(app.work().await, 1);
    assert_eq!(told(&app, &bob).await, (0, 0));
    assert!(app.letters_waiting().await.is_empty(), "the letter went with the transaction");
    let traces = "select trace from attempt_traces join tasks on tasks.id = task_id";
    let [trace]: [String; 1] =
        sqlx::query_scalar(traces).fetch_all(db).await.unwrap().try_into().expect("the task waits for another attempt");
    assert!(trace.contains("the disk is full"), "{trace}");

    sqlx::query("drop trigger refused on notifications").execute(db).await.unwrap();
    work_to_the_end(&app).await;
    assert_eq!(told(&app, &bob).await, (1, 1));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_has_told_and_is_not_done_again() {
    let app = TestApp::start().await;
    let bob = shared(&app).await;
    let mut gate = Gate::before(&app.database_url).await;
    gate.lose_the_commit_of("insert into notifications");
    gate.open().await;
    let elsewhere = app
        .beside(|config| {
            config.database.url = Some(gate.url().into());
            config.mail.folder.clone_from(&app.app.config.mail.folder);
        })
        .await;
    elsewhere.work().await;
    assert!(gate.has_lost_it(), "the commit came through the gate");
    work_to_the_end(&app).await;
    assert_eq!(told(&app, &bob).await, (1, 1));
}

/// Lets no task end: an attempt has its effects by then, and waits with them.
const ENDINGS: &str = "lock table task_history in share mode";
/// Lets nobody be told: an attempt has begun its transaction, and waits.
const TELLING: &str = "lock table notifications in share mode";

/// Until it is rolled back.
async fn hold(app: &TestApp, what: &'static str) -> Transaction<'static, Postgres> {
    let mut hold = server::db::begin(&app.app.db).await.expect("a transaction");
    sqlx::query(what).execute(&mut *hold).await.expect("the table is locked");
    hold
}

/// Waits until so many statements wait for a lock in this database.
async fn until_held(app: &TestApp, count: i64) {
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    until(app, waiting, count).await;
}

async fn until(app: &TestApp, counted: &'static str, count: i64) {
    within_patience(counted, async {
        while sqlx::query_scalar::<_, i64>(counted).fetch_one(&app.app.db).await.expect("the database answers") != count
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_killed_between_the_effect_and_the_end_has_told_nobody_and_another_tells_once() {
    let app = TestApp::start().await;
    let (bob, hold) = (shared(&app).await, hold(&app, ENDINGS).await);
    let settings = [
        ("DATABASE_URL", app.database_url.as_str()),
        ("STARTER__MAIL__FOLDER", app.app.config.mail.folder.to_str().expect("a path in UTF-8")),
    ];
    let mut first = Program::start(&["worker"], &settings);
    until_held(&app, 1).await;
    first.signal("KILL").await;
    assert!(!first.ends().await.success());
    hold.rollback().await.unwrap();
    // PostgreSQL ends the statement, and only then sees that nobody is there to commit it.
    until(
        &app,
        "select count(*) from pg_locks where relation = 'notifications'::regclass and mode = 'RowExclusiveLock'",
        0,
    )
    .await;
    assert_eq!(told(&app, &bob).await, (0, 0));

    app.pass_time(Duration::from_secs(60)).await;
    assert_eq!(queue::rescue(&app.app.db).await.unwrap().tasks.len(), 1);
    work_to_the_end(&app).await;
    assert_eq!(told(&app, &bob).await, (1, 1));
}

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_can_not_end_what_another_one_has_begun_again() {
    let app = TestApp::start().await;
    let (bob, hold) = (shared(&app).await, hold(&app, TELLING).await);
    let same_letters = |config: &mut server::Config| config.mail.folder.clone_from(&app.app.config.mail.folder);
    let slow = app.beside(same_letters).await;
    let (ended, _) = tokio::join!(slow.work(), async {
        until_held(&app, 1).await;
        let worker: i64 = sqlx::query_scalar("select id from workers").fetch_one(&app.app.db).await.unwrap();
        app.let_lapse(worker).await;
        assert_eq!(queue::rescue(&app.app.db).await.unwrap().tasks.len(), 1);
        let (again, ()) = tokio::join!(app.work(), async {
            until_held(&app, 2).await;
            // The first one writes, finds that the task is not its own any more, and takes it back; the second has waited for that.
            hold.rollback().await.unwrap();
        });
        assert_eq!(again, 2, "the share is told, and the letter sent");
    });
    assert_eq!(ended, 1);
    let results: Vec<serde_json::Value> = sqlx::query_scalar(
        "select result from task_history h join task_types t on t.id = h.task_type_id where t.name = 'note_shared'",
    )
    .fetch_all(&app.app.db)
    .await
    .unwrap();
    assert_eq!(results, [json!({"told": true})]);
    work_to_the_end(&app).await;
    assert_eq!(told(&app, &bob).await, (1, 1));
}
