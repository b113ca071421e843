//! The whole HTTP side on one page: layers, REST, server functions, pages, files.

mod api_docs;
mod forms;
mod headers;
mod listen;
mod live;
mod mailbox;
mod site;

use std::time::Duration;

use app::shell::shell;
use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use model::Problem;
use model::problem::Thing;
use server::auth::store::Store;
use server::http::{has_credentials, request_id};
use server::{App, Error};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration as CookieDuration;
use tower_sessions::{Expiry, SessionManagerLayer};
use utoipa_axum::router::OpenApiRouter;

pub use api_docs::openapi;
pub use listen::serve;
pub use site::Site;

/// Every route and layer of the program.
pub fn router(app: &App, site: Site) -> Router {
    let pages = pages(app, site.clone());
    let routes = Router::new()
        .merge(rest().split_for_parts().0)
        .route("/api/v1/{*rest}", any(async || Error::from(Problem::NotFound { what: Thing::Page })))
        .method_not_allowed_fallback(async || Error::from(Problem::MethodNotAllowed))
        .route("/live/tasks", get(live::tasks))
        .with_state(app.clone())
        .route(
            "/api/{*function}",
            any(forms::answer).with_state(forms::Context { app: app.clone(), pages: pages.clone() }),
        )
        .fallback_service(pages);
    // A token or key in a header is never sent by a browser on its own, so only requests without one need the check.
    let open = routes.clone();
    let guarded = routes.layer(csrf(app));
    let steered = service_fn(move |request: Request| {
        if has_credentials(request.headers()) { open.clone() } else { guarded.clone() }.oneshot(request)
    });
    let with_sessions = ServiceBuilder::new().layer(sessions(app)).service(steered);
    Router::new()
        .merge(api_docs::routes())
        .merge(mailbox::routes(app, &site))
        .fallback_service(with_sessions)
        .layer(DefaultBodyLimit::max(app.config.server.body_limit_bytes))
        .layer(middleware::from_fn_with_state(site, site::answer))
        .layer(compression())
        .layer(
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(async |error: BoxError| match error.is::<Elapsed>() {
                    true => Error::from(Problem::TooSlow),
                    false => Error::unavailable(),
                }))
                .layer(LoadShedLayer::new())
                .layer(GlobalConcurrencyLimitLayer::new(app.config.server.max_concurrent_requests))
                .layer(TimeoutLayer::new(Duration::from_secs(app.config.server.request_timeout_seconds))),
        )
        .layer(CatchPanicLayer::custom(|_| Error::Broken(anyhow::anyhow!("a handler panicked")).into_response()))
        .layer(middleware::from_fn_with_state(app.clone(), headers::protect))
        .layer(middleware::from_fn(request_id::assign))
}

/// The client is compressed already in a release; of a development build it would be 28 MB anew for each page.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::const_new("application/wasm")))
}

/// The REST API, and the health endpoints at the root as well.
fn rest() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .merge(server::auth::routes::routes())
        .merge(server::auth::two_factor::routes::routes())
        .merge(server::users::routes::routes())
        .merge(server::audit::routes::routes())
        .merge(server::health::routes::admin_routes())
        .merge(server::api_keys::routes::routes())
        .merge(server::tasks::routes::routes())
        .merge(server::notes::routes::routes())
        .merge(server::notifications::routes::routes())
        .merge(server::health::routes::routes());
    api_docs::described().nest("/api/v1", v1).merge(server::health::routes::routes())
}

/// Every other address is a page; the router in `app` knows which ones exist.
fn pages(app: &App, site: Site) -> Router {
    // Already set when a second router is made in one process, as tests do.
    drop(any_spawner::Executor::init_tokio());
    let client = site.client();
    let context = {
        let app = app.clone();
        move || {
            leptos::prelude::provide_context(app.clone());
            headers::allow_client();
        }
    };
    let render = leptos_axum::render_app_async_with_context(context, move || shell(&client));
    Router::new().fallback(get(render)).layer(middleware::from_fn(forms::without_errors_in_address))
}

/// One `sessions` table behind the cookie; the database judges when a session ends, the cookie only has to live longer.
fn sessions(app: &App) -> SessionManagerLayer<Store> {
    let is_https = app.config.server.is_https();
    let longest = CookieDuration::hours(app.config.auth.session_absolute_hours.into());
    SessionManagerLayer::new(Store(app.clone()))
        // A `__Host-` cookie cannot be set by another host or without TLS (RFC 6265bis, 4.1.3.2).
        .with_name(if is_https { "__Host-session" } else { "session" })
        .with_secure(is_https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(longest))
}

/// Refuses what another site makes a browser send.
fn csrf(app: &App) -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone + use<>> {
    let layer = CsrfLayer::new();
    let layer = match layer.clone().add_trusted_origin(&app.config.server.public_url) {
        Ok(trusting) => trusting,
        Err(error) => {
            tracing::warn!(error = %error, "server.public_url is no origin; only the Host header is compared");
            layer
        }
    };
    layer.with_rejection_response(|_| Error::from(Problem::Forbidden).into_response())
}
