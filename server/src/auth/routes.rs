//! `/auth` of the REST API.

use axum::extract::State;
use axum::http::StatusCode;
use model::auth::{
    AuthUser, Confirm, Confirmed, ForgotPassword, LogIn, LoggedIn, Refreshed, Register, ResetPassword, Session,
    VerifyEmail,
};
use model::users::UserProfile;
use model::users::manage::Impersonate;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::{Client, ErrorBody, Json, Path, SignedIn, Success};
use crate::{App, Result, auth};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(log_out_everywhere))
        .routes(routes!(log_out_others))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
        .routes(routes!(confirm))
        .routes(routes!(impersonate))
        .routes(routes!(end_impersonation))
        .routes(routes!(me))
        .routes(routes!(refresh))
        .routes(routes!(verify_email))
        .routes(routes!(resend_verification))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
}

/// Create an account.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = Register, responses(
    (status = 200, body = Success<UserProfile>), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn register(State(app): State<App>, client: Client, Json(new): Json<Register>) -> Result<Success<UserProfile>> {
    Ok(Success::told(auth::register(&app, new, &client).await?, "The account was created"))
}

/// Log in by username or email; the token goes into `Authorization: Bearer`.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LogIn, responses(
    (status = 200, body = Success<LoggedIn>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn log_in(State(app): State<App>, client: Client, Json(login): Json<LogIn>) -> Result<Success<LoggedIn>> {
    Ok(Success::of(auth::log_in(&app, login, client).await?))
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

/// End every session of this user but this one.
#[utoipa::path(post, path = "/auth/logout-others", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody),
))]
async fn log_out_others(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    let ended = auth::log_out_others(&app, &actor).await?;
    Ok(Success::told("Logged out elsewhere".into(), format!("Ended {ended} session(s)")))
}

/// The sessions of this user that are in force: this one first, then by their last use.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<Vec<Session>>), (status = 401, body = ErrorBody),
))]
async fn sessions(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<Vec<Session>>> {
    Ok(Success::of(auth::list_sessions(&app, &actor).await?))
}

/// End one session of this user.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
))]
async fn end_session(State(app): State<App>, SignedIn(actor): SignedIn, Path(id): Path<Uuid>) -> Result<StatusCode> {
    auth::end_session(&app, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirm the password, so that delicate things can be done in this session for some minutes. A login counts as one.
#[utoipa::path(post, path = "/auth/sudo", tag = "auth", security(("bearer" = [])), request_body = Confirm, responses(
    (status = 200, body = Success<Confirmed>), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn confirm(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(given): Json<Confirm>,
) -> Result<Success<Confirmed>> {
    Ok(Success::of(auth::confirm(&app, &actor, given).await?))
}

/// Act as somebody of a lower role for 60 minutes at most, for administrators; wants a password that was given within the last minutes.
#[utoipa::path(post, path = "/users/{id}/impersonate", tag = "auth", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = Impersonate, responses(
    (status = 200, body = Success<LoggedIn>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 422, body = ErrorBody),
))]
async fn impersonate(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    client: Client,
    Path(id): Path<Uuid>,
    Json(wish): Json<Impersonate>,
) -> Result<Success<LoggedIn>> {
    Ok(Success::of(auth::impersonate(&app, &actor, id, wish, &client).await?))
}

/// End acting as somebody else; the own session goes on.
#[utoipa::path(delete, path = "/auth/impersonation", tag = "auth", security(("bearer" = [])), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody),
))]
async fn end_impersonation(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<StatusCode> {
    auth::end_impersonation(&app, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
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
    (status = 200, body = Success<String>), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn resend_verification(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<String>> {
    auth::resend_verification(&app, &actor).await?;
    Ok(Success::of("A letter is on its way".into()))
}

/// Ask for a letter with the way to a new password. The answer is the same whether or not anybody has this address.
#[utoipa::path(post, path = "/auth/password/forgot", tag = "auth", request_body = ForgotPassword, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn forgot_password(
    State(app): State<App>,
    client: Client,
    Json(forgot): Json<ForgotPassword>,
) -> Result<Success<String>> {
    auth::forgot_password(&app, forgot, &client).await?;
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
