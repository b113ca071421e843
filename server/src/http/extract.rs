//! Axum's extractors, with refusals in our own envelope and words.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use model::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;

/// A JSON body. 415 when it says it is something else, 400 when it does not parse or holds a NUL, 422 when it does not fit.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let is_json = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
        if !is_json {
            return Err(Problem::UnsupportedMediaType.into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| unreadable("The body is not valid JSON"))?;
        if model::tasks::has_nul(&value) {
            return Err(unreadable("The body contains a NUL character"));
        }
        // Every body is an object; serde would also take a list, for the fields in their order.
        if value.is_array() {
            return Err(Problem::WrongShape { message: "The body must be a JSON object".into() }.into());
        }
        serde_path_to_error::deserialize(value).map(Self).map_err(|error| wrong_shape(&error))
    }
}

/// A JSON body that may be missing, or `null`; what is there is read as [`Json`] reads it.
pub struct OptionalJson<T>(pub Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let is_missing = !request.headers().contains_key(CONTENT_TYPE)
            && request.headers().get(CONTENT_LENGTH).is_none_or(|length| length == "0")
            && !request.headers().contains_key(TRANSFER_ENCODING);
        if is_missing {
            return Ok(Self(None));
        }
        Json::from_request(request, state).await.map(|Json(value)| Self(value))
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unread(rejection: BytesRejection) -> Error {
    match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge.into(),
        _ => unreadable("The body could not be read to its end"),
    }
}

fn unreadable(message: &str) -> Error {
    Problem::Unreadable { message: message.into() }.into()
}

/// Names the place, and the missing field, which are words of ours; never the value, which is the caller's.
fn wrong_shape(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let text = error.inner().to_string();
    let message = match text.split('`').nth(1).filter(|_| text.starts_with("missing field")) {
        Some(field) => format!("The JSON lacks the field `{field}`"),
        None => format!("The JSON does not have the expected shape at `{}`", error.path()),
    };
    Problem::WrongShape { message }.into()
}

/// A path parameter. 400 when it is not of its type or holds a NUL.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        if parts.uri.path().contains("%00") {
            return Err(unreadable("The address contains a NUL character"));
        }
        let axum::extract::Path(value) = axum::extract::Path::from_request_parts(parts, state)
            .await
            .map_err(|_| unreadable("The id in the address is not a UUID"))?;
        Ok(Self(value))
    }
}

/// Query parameters; unknown ones are ignored. 400 when a value is not of its type or holds a NUL.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(unreadable("A query value contains a NUL character"));
        }
        let axum::extract::Query(value) = axum::extract::Query::from_request_parts(parts, state)
            .await
            .map_err(|_| unreadable("A query value is not of the expected type"))?;
        Ok(Self(value))
    }
}
