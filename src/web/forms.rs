//! Server functions; and what a browser without JavaScript sees when its form is refused.
//!
//! Leptos answers a refused plain form by sending the browser back to the page with the error in the address. We draw that
//! page at once instead: with the right status, what was typed kept, and no text that came from an address. What a form has made
//! and must be shown once (an API key) comes back in the same way, because it must stand in no address either.

use std::borrow::Cow;
use std::collections::HashMap;

use app::error::ApiError;
use app::ssr::{RefusedForm, ShowOnce, error_of_redirect};
use app::ui::{RefusedOn, Typed};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, HOST, LOCATION, REFERER, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::server_fn::axum::server_fn_paths;
use model::Problem;
use model::problem::Thing;
use server::http::status_of;
use server::{App, Error};
use tower::ServiceExt;

/// What the server function believes it was called from, so that it always says its error; the real page is known here.
const CALLED_FROM: &str = "http://localhost/";
/// Most bytes of an error of ours.
const ERROR_MAX_BYTES: usize = 1024 * 1024;

/// What the server functions run with, and the pages that refused forms come back on.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    pub pages: Router,
}

/// The handler below `/api`.
pub async fn answer(State(Context { app, pages }): State<Context>, request: Request) -> Response {
    let is_plain_form = request.method() == Method::POST
        && request
            .headers()
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
    let is_known = |(path, method)| path == request.uri().path() && method == request.method();
    if !server_fn_paths().any(is_known) {
        return Error::from(Problem::NotFound { what: Thing::Page }).into_response();
    }
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, app.config.server.body_limit_bytes).await else {
        return Error::from(Problem::TooLarge).into_response();
    };
    if !is_plain_form {
        return call(app, Request::from_parts(parts, Body::from(bytes))).await;
    }
    let page = page_of(&parts.headers, &bytes);
    let mut back = Request::from_parts(parts.clone(), Body::empty());
    parts.headers.insert(REFERER, HeaderValue::from_static(CALLED_FROM));
    let path = parts.uri.path().to_owned();
    let shown = ShowOnce::default();
    parts.extensions.insert(shown.clone());
    let response = call(app, Request::from_parts(parts, Body::from(bytes.clone()))).await;

    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
    let on = page.as_ref().map(|page| RefusedOn(page.to_string()));
    let otherwise = match (error_of_redirect(location), shown.page()) {
        (Some(problem), _) => {
            back.extensions_mut().insert(RefusedForm { path, on, problem, typed: typed(&bytes) });
            "/"
        }
        (None, Some(place)) => {
            back.extensions_mut().insert(shown);
            place
        }
        (None, None) => return response,
    };
    *back.method_mut() = Method::GET;
    *back.uri_mut() = page.unwrap_or(Uri::from_static(otherwise));
    match pages.oneshot(back).await {
        Ok(page) => page,
        Err(never) => match never {},
    }
}

/// Middleware: an address that carries an error leads to the one without it. Leptos would show the text to whoever follows a link.
pub async fn without_errors_in_address(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let is_kept = |(name, _): &(Cow<str>, Cow<str>)| name != "__path" && name != "__err";
    let pairs = || url::form_urlencoded::parse(query.as_bytes());
    if pairs().all(|pair| is_kept(&pair)) {
        return next.run(request).await;
    }
    let kept = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs().filter(is_kept)).finish();
    Redirect::to(&format!("{}?{kept}", request.uri().path())).into_response()
}

async fn call(app: App, request: Request) -> Response {
    let context = move || leptos::prelude::provide_context(app.clone());
    let response = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    with_its_status(response).await
}

/// Leptos answers every error of a server function with 500; the error itself says what it is.
async fn with_its_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, ERROR_MAX_BYTES).await.unwrap_or_default();
    if let Ok(ApiError(problem)) = serde_json::from_slice(&bytes) {
        parts.status = status_of(&problem);
        if let Some(seconds) = problem.retry_after_seconds() {
            parts.headers.insert(RETRY_AFTER, seconds.into());
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The page that holds the form, by the `Referer`; none when it is missing or of another host.
///
/// After a refusal the browser is at the address of the server function. The form then says itself which page it is on.
fn page_of(headers: &axum::http::HeaderMap, body: &[u8]) -> Option<Uri> {
    let referer = headers.get(REFERER).and_then(|referer| referer.to_str().ok()?.parse::<Uri>().ok());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = referer.filter(|referer| referer.authority().map(|authority| authority.as_str()) == host)?;
    let page: Uri = own.path_and_query()?.as_str().parse().ok()?;
    if !page.path().starts_with("/api/") {
        return Some(page);
    }
    let (_, said) = url::form_urlencoded::parse(body).find(|(name, _)| name == RefusedOn::NAME)?;
    said.parse().ok().filter(|page: &Uri| page.authority().is_none() && page.path().starts_with('/'))
}

/// Passwords, and codes of a second factor.
fn is_secret(name: &str) -> bool {
    name.contains("password") || name.contains("[code]")
}

/// What goes back into the form: everything but secrets.
fn typed(body: &[u8]) -> Typed {
    let pairs: HashMap<String, String> =
        url::form_urlencoded::parse(body).into_owned().filter(|(name, _)| !is_secret(name)).collect();
    Typed(pairs)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    fn page(referer: &str, body: &str) -> String {
        let headers = HeaderMap::from_iter([
            (HOST, HeaderValue::from_static("localhost:3000")),
            (REFERER, HeaderValue::from_str(referer).unwrap()),
        ]);
        page_of(&headers, body.as_bytes()).map(|page| page.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_form_comes_back_on_its_own_page_only() {
        assert_eq!(page("http://localhost:3000/tasks/new?kind=x", "from=/else"), "/tasks/new?kind=x");
        assert_eq!(page("http://evil.example/tasks/new", ""), "");
        assert_eq!(page("nonsense", ""), "");
    }

    #[test]
    fn a_form_that_was_refused_before_says_its_page() {
        let action = "http://localhost:3000/api/auth/log_in";
        assert_eq!(page(action, "a=b&from=%2Flogin%3Fx%3Dy"), "/login?x=y");
        assert_eq!(page(action, ""), "");
        assert_eq!(page(action, "from=http%3A%2F%2Fevil.example%2Flogin"), "");
    }

    #[test]
    fn passwords_and_codes_do_not_come_back() {
        let Typed(typed) = typed(b"new%5Busername%5D=ada&new%5Bpassword%5D=canary&new%5Bcode%5D=canary");
        assert_eq!(typed.get("new[username]").map(String::as_str), Some("ada"));
        assert_eq!(typed.len(), 1);
    }
}
