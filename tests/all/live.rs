//! Changes as they happen.

use model::users::Role;
use serde_json::json;

use crate::support::tasks::{delay, sum};
use crate::support::{TestApp, within_patience};

#[tokio::test]
async fn somebody_is_told_of_each_step_of_an_own_task() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut events = app.watch(&ada).await;
    let id = app.queue(&ada, sum(&[1])).await;
    app.work().await;

    for status in ["pending", "running", "completed"] {
        let event = events.next().await;
        assert_eq!((event.name.as_str(), event.data), ("task", json!({"id": id, "status": status})));
    }
}

#[tokio::test]
async fn nobody_is_told_of_a_strangers_task_but_moderators_are() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let grace = app.register_as("Grace", Role::Moderator).await;
    let (mut to_bob, mut to_grace) = (app.watch(&bob).await, app.watch(&grace).await);
    let of_ada = app.queue(&ada, delay(0)).await;
    let of_bob = app.queue(&bob, delay(0)).await;

    assert_eq!(to_bob.next().await.data["id"], json!(of_bob), "the first that he hears is his own");
    assert_eq!(to_grace.next().await.data["id"], json!(of_ada));
    assert_eq!(to_grace.next().await.data["id"], json!(of_bob));
    app.work().await;
}

#[tokio::test]
async fn operators_see_how_long_the_bell_takes() {
    let app = TestApp::start().await;
    let grace = app.register_as("Grace", Role::Moderator).await;
    app.queue(&grace, delay(0)).await;
    let bell = async || app.get(&grace, "/api/v1/tasks/queue").await.data()["health"]["bell_seconds"].as_f64();
    let heard = async {
        loop {
            if let Some(seconds) = bell().await {
                break seconds;
            }
        }
    };
    let seconds = within_patience("the call for work comes back", heard).await;
    assert!(seconds > 0.0);
    app.work().await;
}

#[tokio::test]
async fn a_browser_that_comes_back_hears_what_it_missed() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut events = app.watch(&ada).await;
    app.queue(&ada, delay(0)).await;
    let last_seen = events.next().await.id;
    drop(events);

    let missed = app.queue(&ada, delay(3600)).await;
    app.cancel(&ada, missed).await;
    let mut resumed = app.resume(&ada, &last_seen).await;
    for status in ["pending", "cancelled"] {
        assert_eq!(resumed.next().await.data, json!({"id": missed, "status": status}));
    }
    app.work().await;
    assert_eq!(resumed.next().await.data["status"], "running", "and what comes after");
}

#[tokio::test]
async fn a_browser_that_was_away_too_long_is_told_to_look_at_everything() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    for id in ["nonsense", "0195c0e0000070008000000000000000-7"] {
        assert_eq!(app.resume(&ada, id).await.next().await.name, "refresh", "{id}");
    }
}

#[tokio::test]
async fn a_stream_is_for_those_who_are_signed_in() {
    let app = TestApp::start().await;
    assert_eq!(app.open("/live/tasks").await.refusal(), (401, "UNAUTHORIZED".into()));
}
