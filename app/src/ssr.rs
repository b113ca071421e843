//! The server's side of the server functions and pages: who is asking, what a refusal becomes. The only server-only file.

use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::Problem;
use model::auth::{AuthUser, LogIn, Register};
use server::http::{RequestId, request_id, signed_in_by_cookie, status_of, user_agent};
use server::{Actor, App, auth};
use tower_sessions::Session;

use crate::error::ApiError;
use crate::ui::{RefusedOn, Typed};

/// A plain form that was refused, on its way back to the page it came from.
#[derive(Clone, Debug)]
pub struct RefusedForm {
    /// The path of the server function.
    pub path: String,
    /// The page that it is on.
    pub on: RefusedOn,
    pub problem: Problem,
    pub typed: Typed,
}

/// Gives the page the refusal of its plain form, if it is answered for one; the answer is whether it is.
pub fn provide_refusal() -> bool {
    let Some(refused) = use_context::<Parts>().and_then(|parts| parts.extensions.get::<RefusedForm>().cloned()) else {
        return false;
    };
    let encoded = leptos::server_fn::error::ServerFnUrlError::new(&refused.path, ApiError(refused.problem.clone()))
        .to_url("http://localhost/")
        .ok()
        .and_then(|url| url.query_pairs().find(|(name, _)| name == "__err").map(|(_, error)| error.into_owned()));
    if let Some(encoded) = encoded {
        provide_context(leptos::prelude::ServerActionError::new(&refused.path, &encoded));
    }
    set_status(&refused.problem);
    provide_context(refused.typed);
    provide_context(refused.on);
    true
}

/// The port on which cargo-leptos tells of edits; none when it has not started this program.
pub fn port_of_edits() -> Option<u32> {
    std::env::var_os("LEPTOS_WATCH")?;
    std::env::var("LEPTOS_RELOAD_PORT").ok()?.parse().ok()
}

/// The error that a plain form's redirect carries, if it carries one.
pub fn error_of_redirect(location: &str) -> Option<Problem> {
    let error = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("__err="))?;
    // Base64 with padding comes percent-encoded.
    let error = ApiError::decode(&error.replace("%3D", "="));
    Some(error.0)
}

impl ApiError {
    fn decode(encoded: &str) -> Self {
        leptos::server_fn::error::ServerFnUrlError::<Self>::decode_err(encoded)
    }
}

fn parts() -> Result<Parts, ApiError> {
    use_context::<Parts>().ok_or(ApiError(Problem::Unavailable { retry_after_seconds: 2 }))
}

/// The program.
pub fn app() -> Result<App, ApiError> {
    use_context::<App>().ok_or(ApiError(Problem::Unavailable { retry_after_seconds: 2 }))
}

fn session(parts: &Parts) -> Result<Session, ApiError> {
    parts.extensions.get::<Session>().cloned().ok_or(ApiError(Problem::NotSignedIn))
}

/// The person behind the browser's session, or nobody.
pub async fn maybe_signed_in() -> Result<Option<AuthUser>, ApiError> {
    let actor = actor(&parts()?).await?;
    Ok(actor.map(|actor| actor.user))
}

/// The program and the person behind the browser's session; refused when nobody is signed in.
pub async fn signed_in() -> Result<(App, Actor), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let actor = actor(&parts).await?.ok_or_else(|| refuse(Problem::NotSignedIn.into()))?;
    Ok((app, actor))
}

async fn actor(parts: &Parts) -> Result<Option<Actor>, ApiError> {
    match session(parts) {
        Ok(session) => signed_in_by_cookie(&session).await.map_err(refuse),
        Err(_) => Ok(None),
    }
}

/// Creates the account and signs its owner in.
pub async fn register(new: Register) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let profile = auth::register(&app, new).await.map_err(refuse)?;
    start_session(&parts, profile.id).await
}

/// Checks name and password and signs the user in.
pub async fn log_in(login: LogIn) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let user = auth::check_login(&app, login).await.map_err(refuse)?;
    start_session(&parts, user.id).await
}

async fn start_session(parts: &Parts, user_id: uuid::Uuid) -> Result<(), ApiError> {
    auth::store::start(&session(parts)?, user_id, user_agent(&parts.headers)).await.map_err(refuse)
}

/// Ends the browser's session and forgets its cookie.
pub async fn log_out() -> Result<(), ApiError> {
    let ended = session(&parts()?)?.flush().await;
    ended.map_err(|error| refuse(server::Error::Broken(error.into())))
}

/// What the browser learns of an error; faults are logged here.
pub fn refuse(error: server::Error) -> ApiError {
    let parts = use_context::<Parts>();
    let id = parts.and_then(|parts| parts.extensions.get::<RequestId>().cloned()).unwrap_or_else(request_id::current);
    ApiError(error.into_problem(&id))
}

/// Sets the status of the page in progress.
pub fn set_status(problem: &Problem) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status_of(problem));
    }
}

/// Sends the browser to another page after a change.
pub fn redirect(path: &str) {
    leptos_axum::redirect(path);
}
