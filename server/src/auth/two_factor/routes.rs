//! `/auth/two-factor` of the REST API.

use axum::extract::State;
use model::two_factor::{Code, Enrolment, RecoveryCodes, TwoFactor};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{renew_recovery_codes, start, status, switch_off, switch_on};
use crate::http::{ErrorBody, Json, SignedIn, Success};
use crate::{App, Result};

/// The routes, below `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read, begin))
        .routes(routes!(confirm))
        .routes(routes!(renew))
        .routes(routes!(disable))
}

/// Whether a login of this user asks for a code.
#[utoipa::path(get, path = "/auth/two-factor", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<TwoFactor>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn read(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<TwoFactor>> {
    Ok(Success::of(status(&app, &actor).await?))
}

/// Make a secret for an authenticator app; it counts when its first code has come. Wants a password that was given lately.
#[utoipa::path(post, path = "/auth/two-factor", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<Enrolment>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody),
))]
async fn begin(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<Enrolment>> {
    Ok(Success::of(start(&app, &actor).await?))
}

/// Switch two-factor on by the first code; the answer is the recovery codes, shown this once. All other sessions end.
#[utoipa::path(post, path = "/auth/two-factor/confirm", tag = "auth", security(("bearer" = [])), request_body = Code, responses(
    (status = 200, body = Success<RecoveryCodes>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn confirm(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(code): Json<Code>,
) -> Result<Success<RecoveryCodes>> {
    Ok(Success::told(switch_on(&app, &actor, code).await?, "Two-factor is on"))
}

/// Replace the recovery codes; the answer shows them this once. Wants a password that was given lately.
#[utoipa::path(post, path = "/auth/two-factor/recovery-codes", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, body = Success<RecoveryCodes>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody),
))]
async fn renew(State(app): State<App>, SignedIn(actor): SignedIn) -> Result<Success<RecoveryCodes>> {
    Ok(Success::told(renew_recovery_codes(&app, &actor).await?, "The recovery codes from before are no longer good"))
}

/// Switch two-factor off, by a code. Wants a password that was given lately.
#[utoipa::path(post, path = "/auth/two-factor/disable", tag = "auth", security(("bearer" = [])), request_body = Code, responses(
    (status = 200, body = Success<String>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
))]
async fn disable(State(app): State<App>, SignedIn(actor): SignedIn, Json(code): Json<Code>) -> Result<Success<String>> {
    switch_off(&app, &actor, code).await?;
    Ok(Success::of("Two-factor is off".into()))
}
