//! Registering, logging in and out: the verbs behind the browser's and the API's doors.

mod hasher;
mod recovery;
pub mod routes;
pub mod sessions;
pub mod store;
pub mod tokens;
mod verification;

use model::Problem;
use model::auth::{AuthUser, LogIn, LoggedIn, Refreshed, Register};
use model::users::{Role, UserProfile};
use uuid::Uuid;

use crate::{Actor, App, Result, db, users};

pub use hasher::Hasher;
pub use recovery::{forgot_password, reset_password};
pub use sessions::SessionKind;
pub use verification::{ask_to_verify, is_email_verified, resend_verification, verify_email};

/// Creates an account of role `user` and asks for a confirmation of its address. Nobody is logged in by it.
pub async fn register(app: &App, new: Register) -> Result<UserProfile> {
    new.check()?;
    let hash = app.hasher.admit()?.hash(new.password.clone()).await?;
    let mut tx = db::begin(&app.db).await?;
    let profile = users::insert(&mut tx, &new, &hash, Role::User).await?;
    let asked = ask_to_verify(app, &mut tx, profile.id).await?;
    tx.commit().await?;
    asked.ring(app);
    Ok(profile)
}

/// The user behind a name or email and a password. Unknown, inactive and wrong are alike in text and time.
pub async fn check_login(app: &App, login: LogIn) -> Result<AuthUser> {
    let place = app.hasher.admit()?;
    let named = users::by_login(app, &login_name(&login)?).await?;
    let (user, phc) = named.map_or((None, None), |(user, phc)| (Some(user), Some(phc)));
    let fits = place.verify(login.password.clone(), phc.clone()).await?;
    let user = user.filter(|_| fits).ok_or(Problem::WrongCredentials)?;
    if phc.is_some_and(|phc| hasher::is_outdated(&phc)) {
        let renewed = app.hasher.admit()?.hash(login.password).await?;
        users::renew_hash(app, user.id, &renewed).await?;
    }
    users::note_login(app, user.id).await?;
    Ok(user)
}

fn login_name(login: &LogIn) -> Result<String, Problem> {
    let given =
        |name: &Option<String>| name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    match (given(&login.username), given(&login.email)) {
        (Some(name), None) | (None, Some(name)) => Ok(name),
        _ => Err(Problem::field("username", "give either the username or the email")),
    }
}

/// Logs a program in; the token is shown this once.
pub async fn log_in(app: &App, login: LogIn, user_agent: Option<String>) -> Result<LoggedIn> {
    let said = login.user_agent.as_ref().map(|text| text.chars().take(200).collect());
    let user = check_login(app, login).await?;
    let session_token = sessions::new_token().to_string();
    let agent: Option<String> = said.or(user_agent);
    let mut conn = app.db.acquire().await?;
    let expires_at =
        sessions::insert(&mut conn, app, user.id, SessionKind::Api, &session_token, agent.as_deref()).await?;
    Ok(LoggedIn { session_token, expires_at, user })
}

/// Ends the session that the request came with.
pub async fn log_out(app: &App, actor: &Actor) -> Result<()> {
    sessions::delete(app, session_of(actor)?).await
}

/// Ends every session of the actor, this one included; the answer is how many.
pub async fn log_out_everywhere(app: &App, actor: &Actor) -> Result<u64> {
    sessions::delete_all(&app.db, actor.id(), None).await
}

/// Makes the session longer; a conflict when it was refreshed too lately.
pub async fn refresh(app: &App, actor: &Actor) -> Result<Refreshed> {
    let refreshed = sessions::refresh(app, session_of(actor)?).await?;
    let (expires_at, refreshed_at) = refreshed.ok_or_else(|| {
        let minutes = app.config.auth.refresh_min_interval_minutes;
        Problem::Conflict { message: format!("The session was refreshed less than {minutes} minutes ago") }
    })?;
    Ok(Refreshed { expires_at, refreshed_at })
}

/// Whether the session that the actor came with has not ended since.
pub async fn is_in_force(app: &App, actor: &Actor) -> Result<bool> {
    sessions::is_in_force(app, session_of(actor)?).await
}

fn session_of(actor: &Actor) -> Result<Uuid, Problem> {
    actor.session_id.ok_or(Problem::NotSignedIn)
}
