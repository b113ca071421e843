//! `/notifications` of the REST API. By a session only.

use axum::extract::{OriginalUri, State};
use model::PageRequest;
use model::notifications::Notification;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{ErrorBody, Listed, Path, Query, SignedIn, Success};
use crate::{App, Result, notifications};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read_all)).routes(routes!(read))
}

/// What this user was told, the newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications", security(("bearer" = [])), params(PageRequest), responses(
    (status = 200, body = Success<Vec<Notification>>, headers(
        ("X-Total-Count" = i64, description = "Notifications in all"),
        ("Link" = String, description = "The next part, rel=\"next\""),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(page): Query<PageRequest>,
) -> Result<Listed<Notification>> {
    Ok(Listed::new(notifications::list(&app, &actor, page).await?, &uri))
}

/// Tick all of them off.
#[utoipa::path(post, path = "/notifications/read", tag = "notifications", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn read_all(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    let read = notifications::read_all(&app, &actor).await?;
    Ok(Success::of(format!("Read {read} notification(s)")))
}

/// Tick one off; the answer is the page that it leads to.
#[utoipa::path(post, path = "/notifications/{id}/read", tag = "notifications", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn read(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<Success<String>> {
    Ok(Success::of(notifications::read(&app, &actor, id).await?))
}
