//! The server's side of the server functions and pages: who is asking, what a refusal becomes. The only server-only file.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::Problem;
use model::api_keys::CreatedApiKey;
use model::auth::{AuthUser, Confirm, ForgotPassword, LogIn, Register};
use model::two_factor::{Code, RecoveryCodes};
use model::users::bulk::BulkResult;
use model::users::manage::Impersonate;
use server::auth::Login;
use server::auth::two_factor::challenge;
use server::http::{Client, RequestId, cookie, request_id, signed_in_by_cookie, status_of};
use server::{Actor, App, auth};
use tower_sessions::Session;
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};
use uuid::Uuid;

use crate::error::ApiError;
use crate::ui::{Late, RefusedOn, Typed};

/// A plain form that was refused, on its way back to the page it came from.
#[derive(Clone, Debug)]
pub struct RefusedForm {
    /// The path of the server function.
    pub path: String,
    /// The page that it is on; none when the browser does not say it.
    pub on: Option<RefusedOn>,
    pub problem: Problem,
    pub typed: Typed,
}

/// Where a plain form leaves what its page has to show once, because it must stand in no address.
#[derive(Clone, Default)]
pub struct ShowOnce(Arc<Mutex<Option<Shown>>>);

/// What is shown once.
#[derive(Clone)]
pub enum Shown {
    ApiKey(CreatedApiKey),
    RecoveryCodes(RecoveryCodes),
    /// What became of many people.
    Bulk(BulkResult),
}

impl ShowOnce {
    /// The page that can show what is to be shown, if something is.
    pub fn page(&self) -> Option<&'static str> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|shown| match shown {
            Shown::ApiKey(_) => "/account/api-keys",
            Shown::RecoveryCodes(_) => "/account/two-factor",
            Shown::Bulk(_) => "/users/bulk",
        })
    }

    fn put(&self, shown: Shown) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }

    fn take(&self) -> Option<Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Leaves something new for the page, when a plain form asked for it; a client in the browser gets it in the answer.
pub fn show_once(shown: Shown) {
    if let Some(place) = use_context::<Parts>().and_then(|parts| parts.extensions.get::<ShowOnce>().cloned()) {
        place.put(shown);
    }
}

/// Gives the page what the plain form that it answers has made or why it was refused; the answer is whether it answers one.
pub fn provide_answer() -> bool {
    let shown = use_context::<Parts>().and_then(|parts| parts.extensions.get::<ShowOnce>().and_then(ShowOnce::take));
    match shown {
        Some(Shown::ApiKey(created)) => {
            provide_context(created);
            true
        }
        Some(Shown::RecoveryCodes(codes)) => {
            provide_context(codes);
            true
        }
        Some(Shown::Bulk(result)) => {
            provide_context(result);
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
    match refused.on {
        Some(on) => {
            provide_context(refused.typed);
            provide_context(on);
        }
        None => provide_context(Late(RwSignal::new(Some(("Your form was refused.", Some(refused.problem)))))),
    }
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

/// The head of the request.
pub fn parts() -> Result<Parts, ApiError> {
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

/// The program and the person behind the browser's session, if there is one.
pub async fn maybe_actor() -> Result<Option<(App, Actor)>, ApiError> {
    let app = app()?;
    let actor = actor(&app, &parts()?).await?;
    Ok(actor.map(|actor| (app, actor)))
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
    let client = Client::of(&app.config.server, &parts);
    let profile = auth::register(&app, new, &client).await.map_err(refuse)?;
    sign_in(&app, &parts, profile.id, false).await
}

/// Checks name and password and signs the user in, or asks for the code if the account wants one; the answer is where to go.
pub async fn log_in(login: LogIn) -> Result<&'static str, ApiError> {
    let (app, parts) = (app()?, parts()?);
    let (client, is_remembered) = (Client::of(&app.config.server, &parts), login.remember);
    match auth::check_login(&app, login, &client).await.map_err(refuse)? {
        Login::Done(user) => sign_in(&app, &parts, user.id, is_remembered).await.map(|()| "/dashboard"),
        Login::WantsCode(user_id) => {
            let token = challenge::issue(&app, user_id, is_remembered).await.map_err(refuse)?;
            keep_challenge(&app, Some(token))?;
            Ok("/login/code")
        }
    }
}

/// Checks the code that a login waits for and signs the user in.
pub async fn finish_login(given: Code) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let token = cookie(&parts.headers, challenge_cookie(&app));
    let client = Client::of(&app.config.server, &parts);
    let done = auth::finish_login(&app, &token.unwrap_or_default(), given, &client).await.map_err(refuse)?;
    sign_in(&app, &parts, done.user_id, done.is_remembered).await?;
    keep_challenge(&app, None)
}

/// The cookie of a login that waits for a code; as strict as that of a session.
fn challenge_cookie(app: &App) -> &'static str {
    if app.config.server.is_https() { "__Host-login" } else { "login" }
}

/// Gives the browser the token of a login that waits for a code, or takes it away.
fn keep_challenge(app: &App, token: Option<String>) -> Result<(), ApiError> {
    let minutes = if token.is_some() { challenge::MINUTES } else { 0 };
    let cookie = Cookie::build((challenge_cookie(app), token.unwrap_or_default()))
        .path("/")
        .http_only(true)
        .secure(app.config.server.is_https())
        .same_site(SameSite::Lax)
        .max_age(Duration::minutes(minutes.into()));
    set_cookie(&cookie.build())
}

fn set_cookie(cookie: &Cookie<'_>) -> Result<(), ApiError> {
    let header = HeaderValue::from_str(&cookie.to_string());
    let header = header.map_err(|error| refuse(server::Error::Broken(error.into())))?;
    if let Some(response) = use_context::<ResponseOptions>() {
        response.append_header(SET_COOKIE, header);
    }
    Ok(())
}

/// Starts a session; from now on this browser's wrong passwords are counted apart from those of others.
pub async fn sign_in(app: &App, parts: &Parts, user_id: Uuid, is_remembered: bool) -> Result<(), ApiError> {
    start_session(app, parts, user_id, is_remembered).await?;
    let client = Client::of(&app.config.server, parts);
    let cookie = auth::devices::know(app, user_id, &client).await.map_err(refuse)?;
    set_cookie(&cookie)
}

/// Asks for the way to a new password.
pub async fn forgot_password(forgot: ForgotPassword) -> Result<(), ApiError> {
    let (app, parts) = (app()?, parts()?);
    let client = Client::of(&app.config.server, &parts);
    auth::forgot_password(&app, forgot, &client).await.map_err(refuse)
}

async fn start_session(app: &App, parts: &Parts, user_id: Uuid, is_remembered: bool) -> Result<(), ApiError> {
    let client = Client::of(&app.config.server, parts);
    auth::store::start(&session(parts)?, user_id, client, is_remembered).await.map_err(refuse)
}

/// Checks password and code once more; the browser goes on with a new session (OWASP ASVS 5.0, 7.2.4), in which it counts as confirmed.
pub async fn confirm(given: Confirm) -> Result<(), ApiError> {
    let (app, actor) = signed_in().await?;
    auth::check_again(&app, &actor, given).await.map_err(refuse)?;
    let is_remembered = auth::is_remembered(&app, &actor).await.map_err(refuse)?;
    start_session(&app, &parts()?, actor.id(), is_remembered).await
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
        if let Some(seconds) = problem.retry_after_seconds() {
            response.insert_header(RETRY_AFTER, seconds.into());
        }
    }
}

/// Sends a browser without the client to another page after a change; a client goes on by itself.
pub fn lead_plain_form(path: &str) {
    let is_plain = use_context::<Parts>()
        .and_then(|parts| Some(parts.headers.get(ACCEPT)?.to_str().ok()?.contains("text/html")))
        .unwrap_or_default();
    if is_plain {
        redirect(path);
    }
}

/// Sends the browser to another page after a change.
pub fn redirect(path: &str) {
    leptos_axum::redirect(path);
}
