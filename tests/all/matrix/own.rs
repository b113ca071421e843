//! What no cell can tell: answers that count rows instead of naming them, what depends on another row or on the order of refusals, what a stream
//! tells, and what has no door but the command line.

use model::Problem;
use model::users::Role;
use serde_json::json;
use server::auth::two_factor;
use server::tasks::operate;
use server::{Actor, Error, users};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::tasks::{delay, tomorrow};

#[tokio::test]
async fn a_user_is_told_the_number_of_the_own_tasks() {
    let app = TestApp::start().await;
    let (ada, _) = (app.register("Ada").await, app.register("Bob").await);
    app.register_as("Grace", Role::Moderator).await;
    app.queue(&ada, tomorrow(delay(0))).await;
    for (name, total) in [("Ada", 1), ("Bob", 0), ("Grace", 1)] {
        let overview = app.browser_of(name).await.call("/api/tasks/overview", &[]).await.json();
        assert_eq!(overview["total"], total, "{name}: {overview}");
    }
    app.leaves_tasks(1);
}

#[tokio::test]
async fn a_user_is_told_of_the_own_dead_letter() {
    let app = TestApp::start().await;
    let (ada, _) = (app.register("Ada").await, app.register("Bob").await);
    app.register_as("Grace", Role::Moderator).await;
    let too_late = json!({"delay_seconds": 9, "deadline": "2020-01-01T00:00:00Z"});
    app.queue(&ada, json!({"task_type": "delay_task", "payload": too_late})).await;
    app.work().await;
    for (name, groups) in [("Ada", 1), ("Bob", 0), ("Grace", 1)] {
        let dead = app.browser_of(name).await.call("/api/tasks/dead", &[]).await.json();
        assert_eq!(dead.as_array().map(Vec::len), Some(groups), "{name}: {dead}");
    }
}

#[tokio::test]
async fn a_task_that_waits_for_a_strangers_does_not_name_it() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    app.register_as("Grace", Role::Moderator).await;
    let both = json!({"tasks": [tomorrow(delay(0)), tomorrow(delay(0))], "is_chain": true});
    let queued = app.post(&ada, "/api/v1/tasks/batch", both).await.json();
    let [first, second]: [Uuid; 2] = serde_json::from_value(queued["data"]["ids"].clone()).unwrap();
    // A program that queues tasks itself may bind those of different people.
    sqlx::query("update tasks set created_by = $1 where id = $2")
        .bind(bob.id)
        .bind(first)
        .execute(&app.app.db)
        .await
        .unwrap();
    let second = second.to_string();
    for (name, sees_it) in [("Ada", false), ("Grace", true)] {
        let seen = app.browser_of(name).await.call("/api/tasks/get", &[("id", &second)]).await;
        assert_eq!(seen.text.contains(&first.to_string()), sees_it, "{name}: {}", seen.text);
    }
    app.leaves_tasks(2);
}

#[tokio::test]
async fn a_unique_key_that_a_stranger_has_is_a_conflict_and_shows_nothing_of_the_task() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let mut new = tomorrow(delay(0));
    new["unique_key"] = json!("invoice 7");
    let id = app.queue(&ada, new.clone()).await;
    let refused = app.post(&bob, "/api/v1/tasks", new).await;
    assert_eq!(refused.refusal(), (409, "CONFLICT".into()));
    assert!(!refused.text.contains(&id.to_string()), "{}", refused.text);
    app.leaves_tasks(1);
}

#[tokio::test]
async fn who_may_not_set_a_password_is_told_so_before_it_is_looked_at() {
    let app = TestApp::start().await;
    let (grace, mia) = (app.register_as("Grace", Role::Moderator).await, app.register_as("Mia", Role::Moderator).await);
    let path = format!("/api/v1/users/{}/reset-password", mia.id);
    let refused = app.post(&grace, &path, json!({"new_password": "short"})).await;
    assert_eq!(refused.refusal(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn a_stream_tells_nobody_of_a_strangers_task() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let mut events = app.watch(&bob).await;
    app.queue(&ada, delay(0)).await;
    let own = app.queue(&bob, delay(0)).await;
    assert_eq!(events.next().await.data["id"], json!(own), "the first that he hears is his own");
    app.work().await;
}

#[tokio::test]
async fn another_email_wants_a_password_that_was_given_lately() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.change(ada.id, "update sessions set sudo_until = null where user_id = $1").await;
    let refused = app.put(&ada, "/api/v1/users/me/profile", json!({"email": "countess@example.com"})).await;
    assert_eq!(refused.refusal(), (403, "REAUTHENTICATION_REQUIRED".into()));
}

#[tokio::test]
async fn what_only_the_command_line_offers_is_refused_all_the_same() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let ada = Actor::of(users::active(&app.app, ada.id).await.unwrap().expect("she may log in"));
    let is_forbidden = |error: Error| matches!(error, Error::Problem(Problem::Forbidden));
    assert!(two_factor::rotate_encryption_key(&app.app, &ada).await.is_err_and(is_forbidden));
    assert!(operate::clear_history(&app.app, &ada, 1, true).await.is_err_and(is_forbidden));
}
