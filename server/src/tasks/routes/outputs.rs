//! What tasks of some kinds leave behind.

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use model::tasks::Delivery;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{Authenticated, ErrorBody, Path, Success};
use crate::{App, Result, tasks};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(deliveries)).routes(routes!(file))
}

/// The last 20 tries to deliver a webhook, the newest first; none for a task of another type.
#[utoipa::path(get, path = "/tasks/{id}/deliveries", tag = "tasks", security(("bearer" = []), ("api_key" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = Success<Vec<Delivery>>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn deliveries(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    Path(id): Path<Uuid>,
) -> Result<Success<Vec<Delivery>>> {
    Ok(Success::of(tasks::deliveries(&app, &actor, id).await?))
}

/// The file that a task left for its owner, as long as it is kept.
#[utoipa::path(get, path = "/tasks/{id}/file", tag = "tasks", security(("bearer" = []), ("api_key" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The file, with its name", content(
        (String = "text/csv"), (String = "text/html"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn file(State(app): State<App>, Authenticated(actor): Authenticated, Path(id): Path<Uuid>) -> Result<Response> {
    let file = tasks::file(&app, &actor, id).await?;
    // Saved and never shown, so that HTML in it does not run as a page of ours. The name is made of our own words and of days.
    let named = format!("attachment; filename=\"{}\"", file.name);
    Ok(([(CONTENT_TYPE, file.content_type), (CONTENT_DISPOSITION, named)], file.bytes).into_response())
}
