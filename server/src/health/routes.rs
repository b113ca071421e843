//! The health endpoints, at the root as well as below `/api/v1`.

use axum::extract::State;
use model::health::{Health, Probe};
use model::rbac::{Action, Relation};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{ErrorBody, MaybeSignedIn, SignedIn, Success};
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

/// The route for administrators, below `/api/v1` only.
pub fn admin_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(for_admins))
}

/// Every check with its figures; for administrators.
#[utoipa::path(get, path = "/admin/health", tag = "admin", security(("bearer" = [])), responses(
    (status = 200, body = Success<Probe>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 503, body = ErrorBody),
))]
async fn for_admins(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<Probe>> {
    actor.require(Action::ReadHealthDetails, Relation::Other)?;
    Ok(Success::of(health::detailed(&app, Some(&actor)).await?))
}

/// Whether the service can do its work.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, body = Success<Health>), (status = 503, body = ErrorBody),
))]
async fn get_health(State(app): State<App>) -> Result<Success<Health>> {
    Ok(Success::of(health::health(&app).await?))
}

/// Every check; figures for administrators.
#[utoipa::path(get, path = "/health/detailed", tag = "health", security((), ("bearer" = []), ("api_key" = [])), responses(
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
