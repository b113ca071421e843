//! `/tasks` of the REST API.

use axum::extract::{OriginalUri, State};
use model::PageRequest;
use model::tasks::{NewTask, Task, TaskFilter, TaskStats, TaskStatus, TaskType};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{ErrorBody, Json, Listed, Path, Query, SignedIn, Success};
use crate::{App, Result, tasks};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(types))
        .routes(routes!(stats))
        .routes(routes!(get))
        .routes(routes!(cancel))
}

/// The registered task types, by name.
#[utoipa::path(get, path = "/tasks/types", tag = "tasks", responses((status = 200, body = Success<Vec<TaskType>>)))]
async fn types(State(app): State<App>) -> Result<Success<Vec<TaskType>>> {
    Ok(Success::of(tasks::types(&app).await?))
}

/// Queue a task.
#[utoipa::path(post, path = "/tasks", tag = "tasks", security(("bearer" = [])), request_body = NewTask, responses(
    (status = 200, body = Success<Task>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn create(State(app): State<App>, SignedIn(actor): SignedIn, Json(new): Json<NewTask>) -> Result<Success<Task>> {
    Ok(Success::told(tasks::create(&app, &actor, new).await?, "The task was queued"))
}

/// Own tasks, or everybody's for moderators; the newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", security(("bearer" = [])), params(TaskFilter, PageRequest), responses(
    (status = 200, body = Success<Vec<Task>>, headers(
        ("X-Total-Count" = i64, description = "Tasks that match in all"),
        ("Link" = String, description = "The next part, rel=\"next\""),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<TaskFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Listed<Task>> {
    Ok(Listed::new(tasks::list(&app, &actor, &filter, page).await?, &uri))
}

/// How many tasks stand where, over all users; for moderators.
#[utoipa::path(get, path = "/tasks/stats", tag = "tasks", security(("bearer" = [])), responses(
    (status = 200, body = Success<TaskStats>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn stats(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<TaskStats>> {
    Ok(Success::of(tasks::stats(&app, &actor).await?))
}

/// One task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<Task>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn get(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<Success<Task>> {
    Ok(Success::of(tasks::get(&app, &actor, id).await?))
}

/// Cancel a waiting task, or tell a running one to stop.
#[utoipa::path(post, path = "/tasks/{id}/cancel", tag = "tasks", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn cancel(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<Success<String>> {
    let told = match tasks::cancel(&app, &actor, id).await? {
        TaskStatus::Running => "The task was told to stop",
        _ => "The task was cancelled",
    };
    Ok(Success::of(told.into()))
}
