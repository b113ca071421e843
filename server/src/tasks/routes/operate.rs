//! The queue as a whole, for moderators and administrators.

use axum::extract::State;
use model::tasks::{BreakerState, Bulk, BulkAsked, Minute, QueueSeen, TaskType};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{Authenticated, ErrorBody, Json, Path, Query, Success};
use crate::tasks::operate::{self, NewTaskType};
use crate::{App, Result, tasks};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(define_type))
        .routes(routes!(look))
        .routes(routes!(minutes))
        .routes(routes!(bulk))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(set_breaker))
}

/// Enter a task type, or change its description; for administrators.
#[utoipa::path(post, path = "/tasks/types", tag = "queue", security(("bearer" = []), ("api_key" = [])), request_body = NewTaskType, responses(
    (status = 200, body = Success<TaskType>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn define_type(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(new): Json<NewTaskType>,
) -> Result<Success<TaskType>> {
    Ok(Success::of(operate::define_type(&app, &actor, new).await?))
}

/// Depths of the lanes, types with pause and breaker, workers with their leases and what they run, and how PostgreSQL bears it.
#[utoipa::path(get, path = "/tasks/queue", tag = "queue", security(("bearer" = []), ("api_key" = [])), responses(
    (status = 200, body = Success<QueueSeen>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn look(State(app): State<App>, Authenticated(actor): Authenticated) -> Result<Success<QueueSeen>> {
    Ok(Success::of(operate::look(&app, &actor).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Minutes {
    /// 1 to 1440; 60 when absent.
    #[param(minimum = 1, maximum = 1440)]
    minutes: Option<i32>,
    /// Each worker for itself; minutes that are more than an hour old are added up over all.
    #[serde(default)]
    by_worker: bool,
}

/// How attempts ended, by minute, type and, if asked for, worker: counts, time run and waited, and a histogram of the time run.
#[utoipa::path(get, path = "/tasks/queue/minutes", tag = "queue", security(("bearer" = []), ("api_key" = [])), params(Minutes), responses(
    (status = 200, body = Success<Vec<Minute>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody),
))]
async fn minutes(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Query(asked): Query<Minutes>,
) -> Result<Success<Vec<Minute>>> {
    Ok(Success::of(operate::minutes(&app, &actor, asked.minutes, asked.by_worker).await?))
}

/// Cancel, replay, run now or delete every task that matches, of everybody's for moderators and of the own ones else, by a task in the background;
/// with `dry_run` only count them.
#[utoipa::path(post, path = "/tasks/bulk", tag = "queue", security(("bearer" = []), ("api_key" = [])), request_body = Bulk, responses(
    (status = 200, body = Success<BulkAsked>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn bulk(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Json(bulk): Json<Bulk>,
) -> Result<Success<BulkAsked>> {
    let asked = tasks::bulk::bulk(&app, &actor, bulk).await?;
    Ok(if asked.dry_run { Success::of(asked) } else { Success::told(asked, "The task that does it was queued") })
}

#[derive(Debug, Deserialize, ToSchema)]
struct Pause {
    /// Why, for others to read: 1 to 500 characters.
    #[schema(pattern = r"\S", max_length = 500)]
    reason: String,
}

/// Hold the tasks of a type back.
#[utoipa::path(post, path = "/tasks/types/{name}/pause", tag = "queue", security(("bearer" = []), ("api_key" = [])), params(("name" = String, Path)),
    request_body = Pause, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn pause(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(name): Path<String>,
    Json(pause): Json<Pause>,
) -> Result<Success<String>> {
    operate::pause(&app, &actor, &name, &pause.reason).await?;
    Ok(Success::of("The task type is paused".into()))
}

/// Let the tasks of a type go on.
#[utoipa::path(post, path = "/tasks/types/{name}/resume", tag = "queue", security(("bearer" = []), ("api_key" = [])), params(("name" = String, Path)),
    responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody),
))]
async fn resume(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(name): Path<String>,
) -> Result<Success<String>> {
    operate::resume(&app, &actor, &name).await?;
    Ok(Success::of("The task type goes on".into()))
}

/// What a person can set; half open it becomes by itself only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ByHand {
    Open,
    Closed,
}

impl From<ByHand> for BreakerState {
    fn from(state: ByHand) -> Self {
        match state {
            ByHand::Open => Self::Open,
            ByHand::Closed => Self::Closed,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
struct SetBreaker {
    /// `open` or `closed` by hand; absent or null: it counts by itself again.
    #[serde(default)]
    #[schema(inline)]
    state: Option<ByHand>,
}

/// Open or close the circuit breaker of a type by hand, or give it back to its own count.
#[utoipa::path(put, path = "/tasks/types/{name}/breaker", tag = "queue", security(("bearer" = []), ("api_key" = [])), params(("name" = String, Path)),
    request_body = SetBreaker, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn set_breaker(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(name): Path<String>,
    Json(set): Json<SetBreaker>,
) -> Result<Success<String>> {
    operate::set_breaker(&app, &actor, &name, set.state.map(Into::into)).await?;
    Ok(Success::of("The circuit breaker is set".into()))
}
