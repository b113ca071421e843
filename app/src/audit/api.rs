//! The server function of the audit log.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use model::audit::{AuditEntry, AuditFilter};
use model::{Page, PageRequest};

use crate::error::ApiError;
#[cfg(feature = "ssr")]
use crate::ssr;

/// Who did what to whom, the newest first.
#[server(endpoint = "audit/list", input = Json)]
pub async fn list_audit(filter: AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>, ApiError> {
    let (app, actor) = ssr::signed_in().await?;
    server::audit::list(&app, &actor, &filter, page).await.map_err(ssr::refuse)
}
