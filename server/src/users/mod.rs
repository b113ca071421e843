//! People: their own account, and what moderators and administrators do with others'.

mod bulk;
mod change;
mod email;
mod manage;
pub mod routes;
mod rows;
pub mod seed;
mod stats;

use model::Problem;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::users::manage::{ChangePassword, DeleteAccount, EditProfile};
use model::users::{Role, UserProfile};
use serde_json::json;
use sqlx::PgConnection;

pub use bulk::{bulk, names};
pub use email::{id_by_recovery_email, is_email_verified, note_verified};
pub use manage::{
    ResetLink, by_name, create, delete, edit, end_sessions, get, list, locked, require_password_change, reset_link,
    reset_password, reset_two_factor, restore, set_role, set_status,
};
pub use rows::{
    active, active_by_name, actor, an_admin_exists, by_login, insert, note_login, purge, renew_hash, set_password,
};
pub use stats::stats;

use crate::audit::Subject;
use crate::auth::sessions;
use crate::mail::{self, Letter};
use crate::tasks::Rings;
use crate::{Actor, App, Result, audit, auth, db};

const NOBODY: Problem = Problem::NotFound { what: Thing::User };

/// The own profile.
pub async fn profile(app: &App, actor: &Actor) -> Result<UserProfile> {
    manage::get(app, actor, actor.id()).await
}

/// Changes the own username or email. Another email has to be verified anew.
///
/// # Errors
/// Field problems, a username or email that somebody has, and for another email a password that was given too long ago.
pub async fn edit_profile(app: &App, actor: &Actor, edit: EditProfile) -> Result<UserProfile> {
    let permit = actor.require(Action::EditProfile, Relation::Own)?;
    let edit = EditProfile { email_verified: None, ..edit };
    edit.check()?;
    if edit.email().is_some_and(|email| !email.eq_ignore_ascii_case(&actor.user.email)) {
        auth::require_sudo(app, actor).await?;
    }
    let mut tx = db::begin(&app.db).await?;
    rows::edit(&mut tx, actor.id(), &edit).await?;
    let details = json!({"username": edit.username.is_some(), "email": edit.email.is_some()});
    audit::record(&mut tx, actor, permit, "user.edit", Subject::User(actor.id()), details).await?;
    let saved = found(rows::by_id(&mut *tx, actor.id()).await?)?;
    let letters = tell_of_new_email(app, &mut tx, &actor.user.email, &saved).await?;
    tx.commit().await?;
    letters.iter().for_each(|letter| letter.ring(app));
    Ok(saved)
}

/// Changes the own password; all other sessions end. API keys stay: see [`crate::api_keys::revoke_all`].
///
/// # Errors
/// `WrongCredentials` when the current password is wrong, a field problem when the new one is refused.
pub async fn change_password(app: &App, actor: &Actor, change: ChangePassword) -> Result<()> {
    let permit = actor.require(Action::ChangePassword, Relation::Own)?;
    change.check(&actor.user.username, &actor.user.email, auth::check_password)?;
    confirm(app, actor, change.current_password).await?.then_some(()).ok_or(Problem::WrongCredentials)?;
    let hash = app.hasher.admit()?.hash(change.new_password).await?;
    let mut tx = db::begin(&app.db).await?;
    rows::set_password(&mut tx, actor.id(), &hash, false).await?;
    sessions::delete_all(&mut *tx, actor.id(), actor.session_id).await?;
    auth::devices::forget(&mut *tx, actor.id()).await?;
    audit::record(&mut tx, actor, permit, "user.change_password", Subject::User(actor.id()), json!({})).await?;
    let told = mail::queue(app, &mut tx, &Letter::PasswordChanged { user_id: actor.id() }).await?;
    tx.commit().await?;
    told.ring(app);
    Ok(())
}

/// Deletes the own account: nobody can log in to it any more, and its sessions end.
///
/// # Errors
/// Field problems for a wrong password or confirmation, and a conflict for the last administrator.
pub async fn delete_account(app: &App, actor: &Actor, wish: DeleteAccount) -> Result<()> {
    let permit = actor.require(Action::DeleteAccount, Relation::Own)?;
    wish.check()?;
    if !confirm(app, actor, wish.password).await? {
        return Err(Problem::field("password", "is not your password").into());
    }
    let mut tx = db::begin(&app.db).await?;
    let user = found(rows::lock(&mut tx, actor.id()).await?)?;
    keep_an_admin(&mut tx, &user).await?;
    rows::set_deleted(&mut tx, actor.id(), true).await?;
    sessions::delete_all(&mut *tx, actor.id(), None).await?;
    audit::record(&mut tx, actor, permit, "user.delete", Subject::User(actor.id()), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Tells the address that the account had before of the change, and asks by a letter to the new one whether it is the user's (OWASP ASVS 5.0,
/// 6.3.7).
async fn tell_of_new_email(
    app: &App,
    conn: &mut PgConnection,
    before: &str,
    saved: &UserProfile,
) -> Result<Vec<Rings>> {
    if saved.email.eq_ignore_ascii_case(before) {
        return Ok(Vec::new());
    }
    let told = Letter::EmailChanged { user_id: saved.id, old_email: before.to_owned() };
    let mut letters = vec![mail::queue(app, conn, &told).await?];
    if !saved.email_verified {
        letters.push(auth::ask_to_verify(app, conn, saved.id).await?);
    }
    Ok(letters)
}

/// Whether this is the actor's password. Wrong ones are counted for each session: who has stolen one locks out nobody else.
///
/// # Errors
/// [`Problem::TooManyTries`] after too many wrong ones.
pub async fn confirm(app: &App, actor: &Actor, password: String) -> Result<bool> {
    let place = app.hasher.admit()?;
    let session = actor.session_id.unwrap_or_default().to_string();
    let taken = auth::take(app, auth::Limit::PasswordPerSession, &session).await?;
    let stored = rows::password_hash(app, actor.id()).await?;
    let fits = match stored {
        Some(phc) => place.verify(password, phc).await?,
        None => false,
    };
    if fits {
        auth::give_back(app, [taken]).await?;
    }
    Ok(fits)
}

fn found(user: Option<UserProfile>) -> Result<UserProfile> {
    Ok(user.ok_or(NOBODY)?)
}

/// Refuses when nobody would be an administrator any more without this person.
async fn keep_an_admin(conn: &mut PgConnection, user: &UserProfile) -> Result<()> {
    let is_admin = user.role == Role::Admin && user.is_active;
    if is_admin && !rows::another_admin_stays(conn, user.id).await? {
        return Err(Problem::Conflict { message: "The last administrator has to stay".into() }.into());
    }
    Ok(())
}
