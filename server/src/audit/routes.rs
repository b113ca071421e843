//! `/admin/audit-log` of the REST API.

use axum::extract::{OriginalUri, State};
use model::PageRequest;
use model::audit::{AuditEntry, AuditFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{Authenticated, ErrorBody, Listed, Query, Success};
use crate::{App, Result, audit};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who did what to whom, the newest first; for administrators.
#[utoipa::path(get, path = "/admin/audit-log", tag = "admin", security(("bearer" = []), ("api_key" = [])), params(AuditFilter, PageRequest),
    responses(
    (status = 200, body = Success<Vec<AuditEntry>>, headers(("Link" = String, description = "The next part, rel=\"next\""))),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list(
    State(app): State<App>,
    Authenticated(actor): Authenticated,
    OriginalUri(uri): OriginalUri,
    Query(filter): Query<AuditFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Listed<AuditEntry>> {
    Ok(Listed::new(audit::list(&app, &actor, &filter, page).await?, &uri))
}
