//! A unique key: one task of it while it is alive, and for a time after it when that was asked for.

use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;
use crate::support::tasks::{delay, sum};

#[tokio::test]
async fn a_key_is_unique_while_its_task_is_alive() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.register("Ada").await, app.register("Bob").await);
    let mut new = sum(&[1]);
    new["unique_key"] = json!("invoice 7");
    let first = app.queue(&ada, new.clone()).await;
    assert_eq!(app.queue(&ada, new.clone()).await, first, "the answer is the first one");
    assert_eq!(
        app.post(&bob, "/api/v1/tasks", new.clone()).await.refusal(),
        (409, "CONFLICT".into()),
        "not his to see"
    );
    let mut other_type = delay(0);
    other_type["unique_key"] = json!("invoice 7");
    assert_ne!(app.queue(&ada, other_type).await, first);

    assert_eq!(app.work().await, 2);
    assert_ne!(app.queue(&ada, new).await, first, "it has ended, so the key is free");
    app.work().await;
}

#[tokio::test]
async fn of_many_who_want_one_key_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut new = sum(&[1]);
    new["unique_key"] = json!("once");
    let queued = futures::future::join_all((0..8).map(|_| app.queue(&ada, new.clone()))).await;
    assert!(queued.iter().all(|id| *id == queued[0]), "{queued:?}");
    assert_eq!(app.work().await, 1);
}

#[tokio::test]
async fn a_key_that_counts_for_a_time_outlives_its_task() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    let mut new = sum(&[1]);
    new["unique_key"] = json!("daily");
    new["unique_for_seconds"] = json!(86_400);
    let first = app.queue(&ada, new.clone()).await;
    assert_eq!(app.work().await, 1);
    assert_eq!(app.queue(&ada, new.clone()).await, first);

    app.pass_time(Duration::from_secs(86_400)).await;
    assert_ne!(app.queue(&ada, new).await, first);
    assert_eq!(app.work().await, 1);
}
