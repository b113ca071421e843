//! The server functions of tasks.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::tasks::{Delivery, NewTaskForm, Task, TaskFilter, TaskStats};
use model::{Page, PageRequest};
use uuid::Uuid;

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// Own tasks, or everybody's for moderators; the newest first. As JSON, because a form cannot say an empty filter.
#[server(endpoint = "tasks/list", input = Json)]
pub async fn list_tasks(filter: TaskFilter, page: PageRequest) -> Result<Page<Task>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::list(&app, &actor, &filter, page).await.map_err(ssr::refuse)
}

/// One task.
#[server(endpoint = "tasks/get")]
pub async fn get_task(id: Uuid) -> Result<Task, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::get(&app, &actor, id).await.map_err(ssr::refuse)
}

/// The tries to deliver a webhook, the newest first.
#[server(endpoint = "tasks/deliveries")]
pub async fn task_deliveries(id: Uuid) -> Result<Vec<Delivery>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::deliveries(&app, &actor, id).await.map_err(ssr::refuse)
}

/// How many of them stand where.
#[server(endpoint = "tasks/overview")]
pub async fn task_overview() -> Result<TaskStats, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::overview(&app, &actor).await.map_err(ssr::refuse)
}

/// Queues a task and goes to its page.
#[server(endpoint = "tasks/create")]
pub async fn create_task(new: NewTaskForm) -> Result<Task, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    let new = new.read().map_err(|problem| ssr::refuse(problem.into()))?;
    let task = server::tasks::create(&app, &actor, new).await.map_err(ssr::refuse)?.task;
    ssr::redirect(&format!("/tasks/{}", task.id));
    Ok(task)
}

/// Cancels a waiting task, or tells a running one to stop.
#[server(endpoint = "tasks/cancel")]
pub async fn cancel_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::cancel(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/tasks/{id}"));
    Ok(())
}

/// Runs a task of the dead letter again.
#[server(endpoint = "tasks/retry")]
pub async fn retry_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::retry(&app, &actor, id, None).await.map_err(ssr::refuse)?;
    ssr::redirect(&format!("/tasks/{id}"));
    Ok(())
}

/// Deletes a task that has ended, and goes to the list.
#[server(endpoint = "tasks/delete")]
pub async fn delete_task(id: Uuid) -> Result<(), ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::tasks::delete(&app, &actor, id).await.map_err(ssr::refuse)?;
    ssr::redirect("/tasks");
    Ok(())
}
