//! Registering, logging in and out: the verbs behind the browser's and the API's doors.

mod device;
mod hasher;
mod impersonation;
mod recovery;
pub mod routes;
pub mod sessions;
pub mod store;
pub mod tokens;
mod verification;

use model::Problem;
pub use model::auth::SessionKind;
use model::auth::{AuthUser, Confirm, Confirmed, LogIn, LoggedIn, Refreshed, Register, Session};
use model::problem::Thing;
use model::users::{Role, UserProfile};
use uuid::Uuid;

use crate::http::Client;
use crate::{Actor, App, Result, db, users};

pub use hasher::Hasher;
pub use impersonation::{end_impersonation, impersonate};
pub use recovery::{forgot_password, reset_password};
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
pub async fn log_in(app: &App, login: LogIn, client: Client) -> Result<LoggedIn> {
    let client = client.named(login.user_agent.as_deref());
    let user = check_login(app, login).await?;
    let session_token = sessions::new_token().to_string();
    let mut conn = app.db.acquire().await?;
    let expires_at = sessions::insert(&mut conn, app, user.id, SessionKind::Api, &session_token, &client).await?;
    Ok(LoggedIn { session_token, expires_at, user })
}

/// Ends the session that the request came with; one in which an administrator acts as somebody else leaves its trace.
pub async fn log_out(app: &App, actor: &Actor) -> Result<()> {
    if actor.impersonator.is_some() {
        return end_impersonation(app, actor).await.map(drop);
    }
    sessions::delete(app, session_of(actor)?).await
}

/// Ends every session of the actor, this one included; the answer is how many.
pub async fn log_out_everywhere(app: &App, actor: &Actor) -> Result<u64> {
    actor.require_in_person()?;
    sessions::delete_all(&app.db, actor.id(), None).await
}

/// The actor's sessions that are in force, this one first, then by their last use; 100 at most.
pub async fn list_sessions(app: &App, actor: &Actor) -> Result<Vec<Session>> {
    sessions::list(app, actor.id(), session_of(actor)?).await
}

/// Ends one session of the actor; a stranger's is not found.
pub async fn end_session(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    actor.require_in_person()?;
    session_of(actor)?;
    let was_there = sessions::delete_of(app, actor.id(), id).await?;
    if was_there { Ok(()) } else { Err(Problem::NotFound { what: Thing::Session }.into()) }
}

/// Ends every session of the actor but this one; the answer is how many.
pub async fn log_out_others(app: &App, actor: &Actor) -> Result<u64> {
    actor.require_in_person()?;
    sessions::delete_all(&app.db, actor.id(), Some(session_of(actor)?)).await
}

/// Refuses unless this is the actor's password.
pub async fn check_password(app: &App, actor: &Actor, password: String) -> Result<()> {
    actor.require_in_person()?;
    session_of(actor)?;
    if users::confirm(app, actor, password).await? { Ok(()) } else { Err(Problem::WrongCredentials.into()) }
}

/// Confirms the password in a program's session, so that [`require_sudo`] lets it pass for a while. A browser gets a new session instead.
pub async fn confirm(app: &App, actor: &Actor, given: Confirm) -> Result<Confirmed> {
    check_password(app, actor, given.password).await?;
    let sudo_until = sessions::confirm(app, session_of(actor)?).await?.ok_or(Problem::NotSignedIn)?;
    Ok(Confirmed { sudo_until })
}

/// Refuses unless the password was given in this session within `auth.sudo_minutes` (OWASP ASVS 5.0, 7.5.1 and 7.5.3).
pub async fn require_sudo(app: &App, actor: &Actor) -> Result<()> {
    if actor.is_command_line() {
        return Ok(());
    }
    if is_confirmed(app, actor).await? { Ok(()) } else { Err(Problem::ReauthenticationRequired.into()) }
}

/// Whether [`require_sudo`] would let the actor pass.
pub async fn is_confirmed(app: &App, actor: &Actor) -> Result<bool> {
    sessions::is_confirmed(app, session_of(actor)?).await
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

/// Refuses an API key: accounts are not its business.
pub fn require_session(actor: &Actor) -> Result<(), Problem> {
    session_of(actor).map(drop)
}

fn session_of(actor: &Actor) -> Result<Uuid, Problem> {
    let refusal = if actor.scopes.is_some() { Problem::Forbidden } else { Problem::NotSignedIn };
    actor.session_id.ok_or(refusal)
}
