//! The server's side of the server functions and pages: who is asking, what a refusal becomes. The only server-only file.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::Problem;
use model::api_keys::CreatedApiKey;
use model::auth::{AuthUser, LogIn, Register};
use model::users::manage::Impersonate;
use server::http::{Client, RequestId, request_id, signed_in_by_cookie, status_of};
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

/// Where a plain form leaves what its page has to show once, because it must stand in no address.
#[derive(Clone, Default)]
pub struct ShowOnce(Arc<Mutex<Option<CreatedApiKey>>>);

impl ShowOnce {
    /// Whether something is to be shown.
    pub fn is_filled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn put(&self, created: &CreatedApiKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(created.clone());
    }

    fn take(&self) -> Option<CreatedApiKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Leaves a new key for the page, when a plain form asked for it; a client in the browser gets it in the answer.
pub fn show_once(created: &CreatedApiKey) {
    if let Some(shown) = use_context::<Parts>().and_then(|parts| parts.extensions.get::<ShowOnce>().cloned()) {
        shown.put(created);
    }
}

/// Gives the page what the plain form that it answers has made or why it was refused; the answer is whether it answers one.
pub fn provide_answer() -> bool {
    let shown = use_context::<Parts>().and_then(|parts| parts.extensions.get::<ShowOnce>().and_then(ShowOnce::take));
    match shown {
        Some(created) => {
            provide_context(created);
            true
        }
        None => provide_refusal(),
    }
}

fn provide_refusal() -> bool {
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
    let actor = actor(&app()?, &parts()?).await?;
    Ok(actor.map(|actor| actor.user))
}

/// The program and the person behind the browser's session; refused when nobody is signed in.
pub async fn signed_in() -> Result<(App, Actor), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let actor = actor(&app, &parts).await?.ok_or_else(|| refuse(Problem::NotSignedIn.into()))?;
    Ok((app, actor))
}

async fn actor(app: &App, parts: &Parts) -> Result<Option<Actor>, ApiError> {
    let Ok(session) = session(parts) else { return Ok(None) };
    let actor = signed_in_by_cookie(&session).await.map_err(refuse)?;
    Ok(actor.map(|actor| actor.at(app, parts)))
}

/// Creates the account and signs its owner in.
pub async fn register(new: Register) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let profile = auth::register(&app, new).await.map_err(refuse)?;
    start_session(&app, &parts, profile.id).await
}

/// Checks name and password and signs the user in.
pub async fn log_in(login: LogIn) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let user = auth::check_login(&app, login).await.map_err(refuse)?;
    start_session(&app, &parts, user.id).await
}

async fn start_session(app: &App, parts: &Parts, user_id: uuid::Uuid) -> Result<(), ApiError> {
    let client = Client::of(&app.config.server, parts);
    auth::store::start(&session(parts)?, user_id, client).await.map_err(refuse)
}

/// Checks the password once more; the browser goes on with a new session (OWASP ASVS 5.0, 7.2.4), in which it counts as confirmed.
pub async fn confirm(password: String) -> Result<(), ApiError> {
    let (app, actor) = signed_in().await?;
    auth::check_password(&app, &actor, password).await.map_err(refuse)?;
    start_session(&app, &parts()?, actor.id()).await
}

/// Acts as somebody else from now on.
pub async fn impersonate(id: uuid::Uuid, wish: Impersonate) -> Result<(), ApiError> {
    let (app, actor) = signed_in().await?;
    let parts = parts()?;
    let client = Client::of(&app.config.server, &parts);
    let begun = auth::impersonate(&app, &actor, id, wish, &client).await.map_err(refuse)?;
    auth::store::adopt(&session(&parts)?, &begun.session_token).await.map_err(refuse)
}

/// Goes back to the administrator's own session; the answer is as whom was acted.
pub async fn end_impersonation() -> Result<uuid::Uuid, ApiError> {
    let (app, actor) = signed_in().await?;
    if let Some(token) = auth::end_impersonation(&app, &actor).await.map_err(refuse)? {
        auth::store::adopt(&session(&parts()?)?, &token).await.map_err(refuse)?;
    }
    Ok(actor.id())
}

/// Ends the browser's session and forgets its cookie. Whoever acts as somebody else is logged out as well.
pub async fn log_out() -> Result<(), ApiError> {
    if maybe_signed_in().await?.is_some_and(|user| user.impersonated_by.is_some()) {
        end_impersonation().await?;
    }
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
