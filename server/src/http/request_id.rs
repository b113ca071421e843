//! One id a request: in the answer's header, in every log line, in the text of an internal error.

use std::fmt;
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

/// The id of the request in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

tokio::task_local! {
    static CURRENT: RequestId;
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
    let span =
        tracing::info_span!("request", request_id = %id, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(id.clone());
    let answered = async {
        let response = next.run(request).await;
        let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
        if response.status().is_server_error() {
            tracing::warn!(status, ms, "answered");
        } else {
            tracing::debug!(status, ms, "answered");
        }
        response
    };
    let mut response = CURRENT.scope(id.clone(), answered.instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
