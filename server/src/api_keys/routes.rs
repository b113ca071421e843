//! `/api-keys` of the REST API. By a session only: no key makes or ends another.

use axum::extract::State;
use axum::http::StatusCode;
use model::api_keys::{ApiKey, CreatedApiKey, NewApiKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{ErrorBody, Json, Path, SignedIn, Success};
use crate::{App, Result, api_keys};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create, revoke_all)).routes(routes!(revoke))
}

/// Make a key. It is shown in this answer and never again. Wants a password that was given within the last minutes.
#[utoipa::path(post, path = "/api-keys", tag = "api-keys", security(("bearer" = [])), request_body = NewApiKey, responses(
    (status = 201, body = Success<CreatedApiKey>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn create(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Success<CreatedApiKey>)> {
    Ok((StatusCode::CREATED, Success::of(api_keys::create(&app, &actor, new).await?)))
}

/// The keys of this user: those in force first, then the newest.
#[utoipa::path(get, path = "/api-keys", tag = "api-keys", security(("bearer" = [])), responses(
    (status = 200, body = Success<Vec<ApiKey>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<Vec<ApiKey>>> {
    Ok(Success::of(api_keys::list(&app, &actor).await?))
}

/// End every key of this user. Wants a password that was given within the last minutes.
#[utoipa::path(delete, path = "/api-keys", tag = "api-keys", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn revoke_all(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    let revoked = api_keys::revoke_all(&app, &actor).await?;
    Ok(Success::of(format!("Revoked {revoked} key(s)")))
}

/// End a key of this user. Wants a password that was given within the last minutes.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "api-keys", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn revoke(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<StatusCode> {
    api_keys::revoke(&app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
