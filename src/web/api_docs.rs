//! The REST API described: OpenAPI 3.1 from the code, and a page to browse it, all from this server.

mod refusals;

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use server::App;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::Config;

use self::refusals::Refusals;

/// Where the document is.
const DOCUMENT: &str = "/api-docs/openapi.json";
/// The page's own scripts and styles; it sets style attributes from its scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(title = "starter", description = "Accounts, background tasks, health, and what is built on them."),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "api-keys", description = "Keys for programs, within scopes"),
        (name = "tasks", description = "Background tasks"),
        (name = "notes", description = "Notes, and with whom they are shared"),
        (name = "notifications", description = "What people are told in the program"),
        (name = "health", description = "Is it well?"),
    ),
    modifiers(&Credentials),
)]
struct Description;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let api_key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", bearer);
        components.add_security_scheme("api_key", api_key);
    }
}

/// An empty router with the description at its head.
pub fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
}

/// The document.
pub fn openapi() -> Document {
    let mut document = super::rest().split_for_parts().1;
    Refusals.modify(&mut document);
    document
}

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from(DOCUMENT)));

/// The document and the page.
pub fn routes() -> Router {
    let document = openapi();
    Router::new()
        .route(DOCUMENT, get(async move || Json(document.clone())))
        .route("/api-docs", get(async || file("index.html")))
        .route("/api-docs/{*file}", get(async |Path(name): Path<String>| file(&name)))
}

fn file(name: &str) -> Response {
    let Ok(Some(found)) = utoipa_swagger_ui::serve(name, CONFIG.clone()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = |content_type: String| [(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY.to_owned())];
    if name == "index.html" {
        // The page names its files relative to a folder, and its address has no slash at the end.
        let page = String::from_utf8_lossy(&found.bytes);
        let page = page.replace("=\"./", "=\"/api-docs/").replace("=\"index.css", "=\"/api-docs/index.css");
        return (headers(found.content_type), page).into_response();
    }
    (headers(found.content_type), found.bytes.into_owned()).into_response()
}
