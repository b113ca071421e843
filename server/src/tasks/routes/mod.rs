//! `/tasks` of the REST API.

mod operate;
mod outputs;
mod schedules;

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use model::PageRequest;
use model::tasks::{NewTask, Task, TaskFilter, TaskStats, TaskStatus, TaskType};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::enqueue::{self, BatchQueued, NewBatch};
use crate::http::{Authenticated, ErrorBody, Json, Listed, OptionalJson, Path, Query, Success};
use crate::{App, Result, tasks};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(types))
        .routes(routes!(stats))
        .routes(routes!(dead_letter))
        .routes(routes!(create_many))
        .routes(routes!(get, delete))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(run_now))
        .merge(outputs::routes())
        .merge(operate::routes())
        .merge(schedules::routes())
}

/// The registered task types, by name.
#[utoipa::path(get, path = "/tasks/types", tag = "tasks", responses((status = 200, body = Success<Vec<TaskType>>)))]
async fn types(State(app): State<App>) -> Result<Success<Vec<TaskType>>> {
    Ok(Success::of(tasks::types(&app).await?))
}

/// Queue a task.
#[utoipa::path(post, path = "/tasks", tag = "tasks", security(("bearer" = []), ("api_key" = [])), request_body = NewTask, responses(
    (status = 200, body = Success<Task>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "The unique key belongs to somebody else's task"), (status = 422, body = ErrorBody),
    (status = 429, body = ErrorBody),
))]
async fn create(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(new): Json<NewTask>,
) -> Result<Success<Task>> {
    let created = tasks::create(&app, &actor, new).await?;
    let told = if created.is_new { "The task was queued" } else { "A task of this unique key is there already" };
    Ok(Success::told(created.task, told))
}

/// Queue up to 1000 tasks, all or none: beside one another, or as a chain; with a callback when all have ended.
#[utoipa::path(post, path = "/tasks/batch", tag = "tasks", security(("bearer" = []), ("api_key" = [])), request_body = NewBatch, responses(
    (status = 201, body = Success<BatchQueued>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn create_many(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(batch): Json<NewBatch>,
) -> Result<(StatusCode, Success<BatchQueued>)> {
    Ok((StatusCode::CREATED, Success::of(enqueue::create_many(&app, &actor, batch).await?)))
}

/// Own tasks, or everybody's for moderators; the newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(TaskFilter, PageRequest), responses(
    (status = 200, body = Success<Vec<Task>>, headers(
        ("X-Total-Count" = i64, description = "Tasks that match in all"),
        ("Link" = String, description = "The next part, rel=\"next\""),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<TaskFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Listed<Task>> {
    Ok(Listed::new(tasks::list(&app, &actor, &filter, page).await?, &uri))
}

/// Tasks that failed for good; own ones, or everybody's for moderators.
#[utoipa::path(get, path = "/tasks/dead-letter", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(PageRequest), responses(
    (status = 200, body = Success<Vec<Task>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
))]
async fn dead_letter(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    OriginalUri(uri): OriginalUri,
    Query(page): Query<PageRequest>,
) -> Result<Listed<Task>> {
    Ok(Listed::new(tasks::dead_letter(&app, &actor, page).await?, &uri))
}

/// How many tasks stand where, over all users; for moderators.
#[utoipa::path(get, path = "/tasks/stats", tag = "tasks", security(("bearer" = []), ("api_key" = [])), responses(
    (status = 200, body = Success<TaskStats>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn stats(State(app): State<App>, Authenticated(actor): Authenticated) -> Result<Success<TaskStats>> {
    Ok(Success::of(tasks::stats(&app, &actor).await?))
}

/// One task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<Task>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn get(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<Task>> {
    Ok(Success::of(tasks::get(&app, &actor, id).await?))
}

/// Cancel a waiting task, or tell a running one to stop.
#[utoipa::path(post, path = "/tasks/{id}/cancel", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn cancel(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<String>> {
    let told = match tasks::cancel(&app, &actor, id).await? {
        TaskStatus::Running => "The task was told to stop",
        _ => "The task was cancelled",
    };
    Ok(Success::of(told.into()))
}

/// A replay, as it is or with another payload.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Retry {
    #[serde(default)]
    payload: Option<Value>,
}

/// Replay a task from the dead letter. A body is needed only to change the payload.
#[utoipa::path(post, path = "/tasks/{id}/retry", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    request_body = Option<Retry>, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn retry(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
    OptionalJson(retry): OptionalJson<Retry>,
) -> Result<Success<String>> {
    tasks::retry(&app, &actor, id, retry.unwrap_or_default().payload).await?;
    Ok(Success::of("The task was queued again".into()))
}

/// Let a task that waits for its start or its next attempt make it at once.
#[utoipa::path(post, path = "/tasks/{id}/run-now", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn run_now(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<String>> {
    tasks::run_now(&app, &actor, id).await?;
    Ok(Success::of("The task runs as soon as a worker is free".into()))
}

/// Delete a task that has ended.
#[utoipa::path(delete, path = "/tasks/{id}", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn delete(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<String>> {
    tasks::delete(&app, &actor, id).await?;
    Ok(Success::of("The task was deleted".into()))
}
