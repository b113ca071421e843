//! What all REST doors share: the envelope, the extractors, who is asking, and how an error is answered.

pub mod client;
mod error;
mod extract;
mod identity;
pub mod request_id;

use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use model::Page;
use serde::Serialize;
use utoipa::ToSchema;

pub use client::{Client, cookie};
pub use error::{ErrorBody, code_of, status_of};
pub use extract::{Json, OptionalJson, Path, Query};
pub use identity::{Authenticated, MaybeSignedIn, SESSION_KEY, SignedIn, has_credentials, signed_in_by_cookie};
pub use request_id::RequestId;

/// The envelope of every success.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    pub success: bool,
    pub data: T,
    pub message: Option<String>,
}

impl<T> Success<T> {
    /// An answer without words.
    pub fn of(data: T) -> Self {
        Self { success: true, data, message: None }
    }

    /// An answer with words for people.
    pub fn told(data: T, message: impl Into<String>) -> Self {
        Self { success: true, data, message: Some(message.into()) }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// A list as the contract wants it: a plain array, its size and the next part in headers.
pub struct Listed<T> {
    page: Page<T>,
    next: Option<HeaderValue>,
}

impl<T> Listed<T> {
    /// `uri` is the list's own address with its filters, as it was asked for.
    pub fn new(page: Page<T>, uri: &axum::http::Uri) -> Self {
        let kept = uri.query().unwrap_or_default().split('&');
        let mut query: Vec<String> = kept.filter(|pair| is_kept(pair)).map(str::to_owned).collect();
        let next = page.next.and_then(|after| {
            query.push(format!("after={after}"));
            HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))).ok()
        });
        Self { page, next }
    }
}

/// A cursor replaces offset and the cursor before it.
fn is_kept(pair: &str) -> bool {
    !pair.is_empty() && !["after=", "offset="].iter().any(|name| pair.starts_with(name))
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let total = HeaderValue::from(self.page.total);
        let mut response = Success::of(self.page.items).into_response();
        response.headers_mut().insert("x-total-count", total);
        if let Some(next) = self.next {
            response.headers_mut().insert(axum::http::header::LINK, next);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_keeps_the_filters_and_replaces_the_place() {
        let next = uuid::Uuid::nil();
        let page = Page { items: vec![1], total: 9, next: Some(next) };
        let uri = "/api/v1/tasks?status=failed&offset=5&limit=1".parse().unwrap();
        let response = Listed::new(page, &uri).into_response();
        let expected = format!("</api/v1/tasks?status=failed&limit=1&after={next}>; rel=\"next\"");
        assert_eq!(response.headers()["link"], expected);
        assert_eq!(response.headers()["x-total-count"], "9");
    }
}
