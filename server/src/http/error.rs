use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::problem::{Thing, UniqueField};
use model::{FieldProblem, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id;
use crate::Error;

/// The envelope of every refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What was refused, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// One of the codes of the API contract, such as `VALIDATION_FAILED`.
    pub code: &'static str,
    /// Words for people.
    pub message: String,
    /// Finds the request in the logs.
    pub request_id: String,
    /// The fields that were refused, in their order; only for validation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
}

/// The HTTP status of a refusal.
pub fn status_of(problem: &Problem) -> StatusCode {
    status_and_code(problem).0
}

/// The code of a refusal in the envelope.
pub fn code_of(problem: &Problem) -> &'static str {
    status_and_code(problem).1
}

fn status_and_code(problem: &Problem) -> (StatusCode, &'static str) {
    match problem {
        Problem::Invalid { .. } => (StatusCode::BAD_REQUEST, "VALIDATION_FAILED"),
        Problem::Unreadable { .. } | Problem::DeadLink => (StatusCode::BAD_REQUEST, "INVALID_INPUT"),
        Problem::NotSignedIn => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Problem::WrongCredentials | Problem::UnknownPasskey => (StatusCode::UNAUTHORIZED, "INVALID_CREDENTIALS"),
        Problem::TwoFactorRequired => (StatusCode::UNAUTHORIZED, "TWO_FACTOR_REQUIRED"),
        Problem::ReauthenticationRequired => (StatusCode::FORBIDDEN, "REAUTHENTICATION_REQUIRED"),
        Problem::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Problem::PasswordChangeRequired => (StatusCode::FORBIDDEN, "PASSWORD_CHANGE_REQUIRED"),
        Problem::NotAsSomebodyElse => (StatusCode::FORBIDDEN, "IMPERSONATING"),
        Problem::NotFound { what: Thing::User } => (StatusCode::NOT_FOUND, "USER_NOT_FOUND"),
        Problem::NotFound { what: Thing::Task } => (StatusCode::NOT_FOUND, "TASK_NOT_FOUND"),
        Problem::NotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Problem::Taken { field: UniqueField::Email } => (StatusCode::CONFLICT, "EMAIL_ALREADY_EXISTS"),
        Problem::Taken { field: UniqueField::Username } => (StatusCode::CONFLICT, "USERNAME_ALREADY_EXISTS"),
        Problem::Conflict { .. } | Problem::ChangedMeanwhile => (StatusCode::CONFLICT, "CONFLICT"),
        Problem::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
        Problem::TooSlow => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
        Problem::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
        Problem::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
        Problem::WrongShape { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID_INPUT"),
        Problem::TooManyTries { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
        Problem::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        Problem::Unhealthy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNHEALTHY"),
        Problem::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    }
}

impl Error {
    /// What the caller may learn; a fault is logged here, once, with the request's id.
    pub fn into_problem(self, request_id: &request_id::RequestId) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Broken(fault) => {
                tracing::error!(request_id = %request_id, error = format!("{fault:#}"), "a request failed");
                Problem::Internal { request_id: request_id.to_string() }
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let request_id = request_id::current();
        let problem = self.into_problem(&request_id);
        let (status, code) = status_and_code(&problem);
        let fields = match &problem {
            Problem::Invalid { fields } => fields.clone(),
            _ => Vec::new(),
        };
        let error = ErrorDetail { code, message: problem.to_string(), request_id: request_id.to_string(), fields };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(seconds) = problem.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
