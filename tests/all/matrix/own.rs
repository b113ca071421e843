//! What no cell can tell: answers that count rows instead of naming them, and one that depends on a stranger's row.

use model::users::Role;
use serde_json::json;

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
