//! Registering, logging in and out: the verbs behind the browser's and the API's doors.

mod device;
pub mod devices;
mod hasher;
mod impersonation;
mod limits;
mod passwords;
mod recovery;
pub mod routes;
pub mod sessions;
pub mod store;
pub mod tokens;
pub mod two_factor;
mod verification;

use std::panic::Location;

use model::Problem;
pub use model::auth::SessionKind;
use model::auth::{AuthUser, Confirm, Confirmed, LogIn, LoggedIn, Refreshed, Register, Session};
use model::problem::Thing;
use model::two_factor::Code;
use model::users::{Role, UserProfile};
use uuid::Uuid;

use crate::http::Client;
use crate::rbac::is_removed;
use crate::{Actor, App, Error, Result, db, users};

pub use hasher::Hasher;
pub use impersonation::{end_impersonation, impersonate};
pub(crate) use limits::{Limit, give_back, purge as purge_limits, take};
#[cfg(feature = "passkeys")]
pub(crate) use limits::{give_back_for_address, take_for_address};
pub use passwords::check as check_password;
pub use recovery::{forgot_password, reset_password};
pub use verification::{ask_to_verify, is_email_verified, resend_verification, verify_email};

/// Creates an account of role `user` and asks for a confirmation of its address. Nobody is logged in by it.
///
/// # Errors
/// All field problems at once, a name or email that is taken, and [`Problem::TooManyTries`] from one address.
pub async fn register(app: &App, new: Register, client: &Client) -> Result<UserProfile> {
    new.check(check_password)?;
    let _not_given_back = limits::take_for_address(app, Limit::RegisterPerAddress, client.ip).await?;
    let hash = app.hasher.admit()?.hash(new.password.clone()).await?;
    let mut tx = db::begin(&app.db).await?;
    // The letter first, so that a name or email that is taken costs the same statements as one that is not.
    let id = Uuid::now_v7();
    let asked = ask_to_verify(app, &mut tx, id).await?;
    let profile = users::insert(&mut tx, id, &new, &hash, Role::User).await?;
    tx.commit().await?;
    asked.ring(app);
    Ok(profile)
}

/// How far a login has come.
pub enum Login {
    /// All is right.
    Done(AuthUser),
    /// The password is right, and the account wants a code, which was not given. Nobody is signed in by that.
    WantsCode(Uuid),
}

/// The user behind a name or email, a password and, for an account that wants one, a code. Unknown, inactive and wrong are alike in text
/// and time; that a code is wanted is said after the right password only.
///
/// # Errors
/// [`Problem::WrongCredentials`], and [`Problem::TooManyTries`] after too many of them for the name or from the address (OWASP ASVS 5.0,
/// 6.3.1), whether or not anybody has the name.
pub async fn check_login(app: &App, login: LogIn, client: &Client) -> Result<Login> {
    let place = app.hasher.admit()?;
    let name = login_name(&login)?;
    let by_address = limits::take_for_address(app, Limit::LoginPerAddress, client.ip).await?;
    let by_account = take(app, Limit::LoginPerAccount, &devices::bucket_of(app, &name, client).await?).await?;
    let named = users::by_login(app, &name).await?;
    let (user, phc) = named.map_or((None, None), |(user, phc)| (Some(user), Some(phc)));
    let fits = place.verify_anybody(login.password.clone(), phc.clone()).await?;
    let user = user.filter(|_| fits).ok_or(Problem::WrongCredentials)?;
    let second = two_factor::require(app, user.id, login.code.as_deref()).await;
    // A wrong code is a wrong login.
    if !matches!(second, Err(Error::Problem(Problem::WrongCredentials))) {
        give_back(app, [by_address, by_account]).await?;
    }
    if phc.is_some_and(|phc| hasher::is_outdated(&phc)) {
        let renewed = app.hasher.admit()?.hash(login.password).await?;
        users::renew_hash(app, user.id, &renewed).await?;
    }
    match second {
        Ok(()) => {
            users::note_login(app, user.id).await?;
            Ok(Login::Done(user))
        }
        Err(Error::Problem(Problem::TwoFactorRequired)) => Ok(Login::WantsCode(user.id)),
        Err(error) => Err(error),
    }
}

/// A login of which the code was right.
pub struct Finished {
    pub user_id: Uuid,
    /// Whether the browser keeps the session when it is closed.
    pub is_remembered: bool,
}

/// Goes on with a login that waits for a code, by the token of its challenge.
///
/// # Errors
/// `WrongCredentials` for a wrong code; a conflict when the challenge has ended: too late, too many tries, or used; and
/// [`Problem::TooManyTries`] after too many wrong logins from the address.
pub async fn finish_login(app: &App, token: &str, given: Code, client: &Client) -> Result<Finished> {
    let over =
        || Problem::Conflict { message: "This login took too long or too many tries; please log in again".into() };
    let taken = limits::take_for_address(app, Limit::LoginPerAddress, client.ip).await?;
    let user_id = two_factor::challenge::count_try(app, token).await?.ok_or_else(over)?;
    if !two_factor::use_up(app, user_id, &given.code).await? {
        return Err(Problem::WrongCredentials.into());
    }
    give_back(app, [taken]).await?;
    // Ended meanwhile, by a new password or a logout everywhere: then it signs nobody in.
    let is_remembered = two_factor::challenge::end(app, token).await?.ok_or_else(over)?;
    users::note_login(app, user_id).await?;
    Ok(Finished { user_id, is_remembered })
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
    let checked = check_login(app, login, &client).await?;
    let Login::Done(user) = checked else { return Err(Problem::TwoFactorRequired.into()) };
    let session_token = sessions::new_token().to_string();
    let mut conn = app.db.acquire().await?;
    let expires_at =
        sessions::insert(&mut conn, app, user.id, SessionKind::Api, &session_token, &client, false).await?;
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

/// Refuses unless this is the actor's password and, for an account that wants one, a good code.
pub async fn check_again(app: &App, actor: &Actor, given: Confirm) -> Result<()> {
    actor.require_in_person()?;
    session_of(actor)?;
    users::confirm(app, actor, given.password).await?.then_some(()).ok_or(Problem::WrongCredentials)?;
    two_factor::require(app, actor.id(), given.code.as_deref()).await
}

/// Confirms the password in a program's session, so that [`require_sudo`] lets it pass for a while. A browser gets a new session instead.
pub async fn confirm(app: &App, actor: &Actor, given: Confirm) -> Result<Confirmed> {
    check_again(app, actor, given).await?;
    let sudo_until = sessions::confirm(app, session_of(actor)?).await?.ok_or(Problem::NotSignedIn)?;
    Ok(Confirmed { sudo_until })
}

/// Whether the browser keeps the session that the actor came with when it is closed.
pub async fn is_remembered(app: &App, actor: &Actor) -> Result<bool> {
    sessions::is_remembered(app, session_of(actor)?).await
}

/// Refuses unless the password was given in this session within `auth.sudo_minutes` (OWASP ASVS 5.0, 7.5.1 and 7.5.3).
#[track_caller]
pub fn require_sudo(app: &App, actor: &Actor) -> impl Future<Output = Result<()>> {
    let passes = actor.is_command_line() || is_removed(Location::caller());
    async move {
        if passes || is_confirmed(app, actor).await? { Ok(()) } else { Err(Problem::ReauthenticationRequired.into()) }
    }
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
#[track_caller]
pub fn require_session(actor: &Actor) -> Result<(), Problem> {
    if is_removed(Location::caller()) {
        return Ok(());
    }
    session_of(actor).map(drop)
}

fn session_of(actor: &Actor) -> Result<Uuid, Problem> {
    let refusal = if actor.scopes.is_some() { Problem::Forbidden } else { Problem::NotSignedIn };
    actor.session_id.ok_or(refusal)
}
