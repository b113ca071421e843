//! The health endpoints, at the root as well as below `/api/v1`.

use axum::extract::State;
use model::health::{Health, Probe};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{ErrorBody, MaybeSignedIn, Success};
use crate::{App, Result, health};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_health))
        .routes(routes!(detailed))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(startup))
}

/// Whether the service can do its work.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, body = Success<Health>), (status = 503, body = ErrorBody),
))]
async fn get_health(State(app): State<App>) -> Result<Success<Health>> {
    Ok(Success::of(health::health(&app).await?))
}

/// Every check; figures for administrators.
#[utoipa::path(get, path = "/health/detailed", tag = "health", responses(
    (status = 200, body = Success<Probe>), (status = 503, body = ErrorBody),
))]
async fn detailed(State(app): State<App>, MaybeSignedIn(actor): MaybeSignedIn) -> Result<Success<Probe>> {
    Ok(Success::of(health::detailed(&app, actor.as_ref()).await?))
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Success<Probe>)))]
async fn live() -> Success<Probe> {
    Success::of(health::live())
}

/// Whether requests should be sent here.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, body = Success<Probe>), (status = 503, body = ErrorBody),
))]
async fn ready(State(app): State<App>) -> Result<Success<Probe>> {
    Ok(Success::of(health::ready(&app).await?))
}

/// Whether the start has been completed.
#[utoipa::path(get, path = "/health/startup", tag = "health", responses(
    (status = 200, body = Success<Probe>), (status = 503, body = ErrorBody),
))]
async fn startup(State(app): State<App>) -> Result<Success<Probe>> {
    Ok(Success::of(health::startup(&app)?))
}
