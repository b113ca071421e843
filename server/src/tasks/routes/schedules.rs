//! `/tasks/schedules`, for moderators and administrators.

use axum::extract::State;
use axum::http::StatusCode;
use model::tasks::{NewSchedule, Schedule};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{Authenticated, ErrorBody, Json, Path, Success};
use crate::tasks::schedules;
use crate::{App, Result};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(update, delete)).routes(routes!(run_now))
}

/// All schedules, by name.
#[utoipa::path(get, path = "/tasks/schedules", tag = "schedules", security(("bearer" = []), ("api_key" = [])), responses(
    (status = 200, body = Success<Vec<Schedule>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(State(app): State<App>, Authenticated(actor): Authenticated) -> Result<Success<Vec<Schedule>>> {
    Ok(Success::of(schedules::list(&app, &actor).await?))
}

/// Make a schedule.
#[utoipa::path(post, path = "/tasks/schedules", tag = "schedules", security(("bearer" = []), ("api_key" = [])), request_body = NewSchedule, responses(
    (status = 201, body = Success<Schedule>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn create(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(new): Json<NewSchedule>,
) -> Result<(StatusCode, Success<Schedule>)> {
    Ok((StatusCode::CREATED, Success::of(schedules::create(&app, &actor, new).await?)))
}

/// Change a schedule; all of it is given. One of the program (`maintenance`) keeps its name, type and payload, and is for administrators.
#[utoipa::path(put, path = "/tasks/schedules/{id}", tag = "schedules", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)),
    request_body = NewSchedule, responses(
    (status = 200, body = Success<Schedule>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn update(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
    Json(new): Json<NewSchedule>,
) -> Result<Success<Schedule>> {
    Ok(Success::of(schedules::update(&app, &actor, id, new).await?))
}

/// Delete a schedule; tasks that it has queued stay.
#[utoipa::path(delete, path = "/tasks/schedules/{id}", tag = "schedules", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "It belongs to the program"),
))]
async fn delete(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    schedules::delete(&app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Queue the task of a schedule now.
#[utoipa::path(post, path = "/tasks/schedules/{id}/run", tag = "schedules", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<Uuid>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn run_now(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<Uuid>> {
    Ok(Success::told(schedules::run_now(&app, &actor, id).await?.id, "The task was queued"))
}
