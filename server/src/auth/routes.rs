//! `/auth` of the REST API.

use axum::extract::State;
use axum::http::HeaderMap;
use model::auth::{AuthUser, ForgotPassword, LogIn, LoggedIn, Refreshed, Register, ResetPassword, VerifyEmail};
use model::users::UserProfile;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{ErrorBody, Json, SignedIn, Success, user_agent};
use crate::{App, Result, auth};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(log_out_everywhere))
        .routes(routes!(me))
        .routes(routes!(refresh))
        .routes(routes!(verify_email))
        .routes(routes!(resend_verification))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
}

/// Create an account.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = Register, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn register(State(app): State<App>, Json(new): Json<Register>) -> Result<Success<UserProfile>> {
    Ok(Success::told(auth::register(&app, new).await?, "The account was created"))
}

/// Log in by username or email; the token goes into `Authorization: Bearer`.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LogIn, responses(
    (status = 200, body = Success<LoggedIn>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
))]
async fn log_in(State(app): State<App>, headers: HeaderMap, Json(login): Json<LogIn>) -> Result<Success<LoggedIn>> {
    Ok(Success::of(auth::log_in(&app, login, user_agent(&headers)).await?))
}

/// End this session.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody),
))]
async fn log_out(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    auth::log_out(&app, &actor).await?;
    Ok(Success::of("Logged out".into()))
}

/// End every session of this user.
#[utoipa::path(post, path = "/auth/logout-all", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody),
))]
async fn log_out_everywhere(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    let ended = auth::log_out_everywhere(&app, &actor).await?;
    Ok(Success::told("Logged out everywhere".into(), format!("Ended {ended} session(s)")))
}

/// Who is signed in.
#[utoipa::path(get, path = "/auth/me", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<AuthUser>), (status = 401, body = ErrorBody),
))]
async fn me(SignedIn(actor): SignedIn) -> Success<AuthUser> {
    Success::of(actor.user)
}

/// Make this session longer, up to its absolute end.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<Refreshed>), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn refresh(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<Refreshed>> {
    Ok(Success::of(auth::refresh(&app, &actor).await?))
}

/// Confirm an email address by the token of its letter.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = VerifyEmail, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody),
))]
async fn verify_email(State(app): State<App>, Json(link): Json<VerifyEmail>) -> Result<Success<String>> {
    auth::verify_email(&app, link).await?;
    Ok(Success::of("The email is verified".into()))
}

/// Send the letter that asks for the confirmation of the own address again; at most once a minute.
#[utoipa::path(post, path = "/auth/verify-email/resend", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn resend_verification(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    auth::resend_verification(&app, &actor).await?;
    Ok(Success::of("A letter is on its way".into()))
}

/// Ask for a letter with the way to a new password. The answer is the same whether or not anybody has this address.
#[utoipa::path(post, path = "/auth/password/forgot", tag = "auth", request_body = ForgotPassword, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody),
))]
async fn forgot_password(State(app): State<App>, Json(forgot): Json<ForgotPassword>) -> Result<Success<String>> {
    auth::forgot_password(&app, forgot).await?;
    Ok(Success::of("If somebody has an account with this address, a letter is on its way".into()))
}

/// Set a new password by the token of a letter; every session of the user ends.
#[utoipa::path(post, path = "/auth/password/reset", tag = "auth", request_body = ResetPassword, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 503, body = ErrorBody),
))]
async fn reset_password(State(app): State<App>, Json(reset): Json<ResetPassword>) -> Result<Success<String>> {
    auth::reset_password(&app, reset).await?;
    Ok(Success::of("The password was changed".into()))
}
