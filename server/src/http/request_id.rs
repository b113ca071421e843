//! One id a request: in the answer's header, in every log line, in the text of an internal error.

use std::fmt;
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// The id of the request in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Wrong credentials, missing permission, too many tries: what an attack looks like (OWASP ASVS 5.0, 16.3.1 to 16.3.3).
const REFUSED: [u16; 3] = [401, 403, 429];

tokio::task_local! {
    static CURRENT: RequestId;
    static SPAN: Span;
}

/// From here on the lines of this request say who it is. (Other crates open spans inside of ours, so the innermost one would not do.)
pub fn note_user(id: Uuid) {
    // Outside of a request there is nothing to note it in.
    let note = |span: &Span| {
        span.record("user_id", tracing::field::display(id));
    };
    SPAN.try_with(note).unwrap_or_default();
}

/// The id of the request that this code runs for; a fresh one outside of any.
pub fn current() -> RequestId {
    CURRENT.try_with(RequestId::clone).unwrap_or_else(|_| RequestId(Uuid::now_v7().to_string()))
}

/// Middleware: gives the request its id, opens its log span, and writes one line when it is answered.
///
/// A caller's own id is not taken over, so nobody can write into our logs or pass one request off as another.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId(Uuid::now_v7().to_string());
    let began = Instant::now();
    // The path only: a query may hold what somebody searched for.
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", request_id = %id, %method, path, user_id = tracing::field::Empty);
    request.extensions_mut().insert(id.clone());
    let answered = async {
        let response = next.run(request).await;
        let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
        if response.status().is_server_error() {
            tracing::warn!(status, ms, "answered");
        } else if REFUSED.contains(&status) {
            tracing::info!(status, ms, "refused");
        } else {
            tracing::debug!(status, ms, "answered");
        }
        response
    };
    let answered = SPAN.scope(span.clone(), answered.instrument(span));
    let mut response = CURRENT.scope(id.clone(), answered).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
