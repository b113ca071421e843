//! What moderators and administrators do with the accounts of others. Who may do what to whom is in the permission table; whoever may
//! not even read somebody finds nobody there.

use model::auth::Register;
use model::rbac::{Action, Relation, allowed};
use model::users::manage::{
    DeleteUser, EditProfile, NewUser, Reason, ResetPassword, SetRole, SetStatus, UserFilter, UserSort,
};
use model::users::{Role, UserProfile};
use model::{Page, PageRequest, Problem, page};
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::change::{self, Change};
use super::{NOBODY, email, found, rows, tell_of_new_email};
use crate::audit::Subject;
use crate::auth::tokens::{self, Purpose};
use crate::auth::{devices, sessions};
use crate::mail::{self, Letter};
use crate::rbac::Permit;
use crate::{Actor, App, Result, api_keys, audit, auth, db, passkeys};

/// A way to a new password. It is a secret, so it can not be printed by accident.
pub struct ResetLink {
    pub link: String,
    /// How long it is good.
    pub minutes: u32,
}

/// Somebody whom the actor may read.
pub async fn get(app: &App, actor: &Actor, id: Uuid) -> Result<UserProfile> {
    // Everybody may read themselves, but not every key.
    actor.require(Action::ReadUser, Relation::Own)?;
    let user = rows::by_id(&app.db, id).await?;
    Ok(readable(actor, user)?.0)
}

/// The id of somebody whom the actor may read, by username or email.
pub async fn by_name(app: &App, actor: &Actor, name: &str) -> Result<Uuid> {
    let id = rows::by_name(&app.db, name).await?.ok_or(NOBODY)?;
    Ok(get(app, actor, id).await?.id)
}

/// The user and the actor's relation; whoever may not be read is not found.
pub fn readable(actor: &Actor, user: Option<UserProfile>) -> Result<(UserProfile, Relation)> {
    let user = found(user)?;
    let relation = actor.relation_to(user.id, user.role);
    match actor.require(Action::ReadUser, relation) {
        Err(Problem::Forbidden) => Err(NOBODY.into()),
        Err(problem) => Err(problem.into()),
        Ok(_) => Ok((user, relation)),
    }
}

/// Locks somebody and asks whether the actor may do it to them.
pub async fn locked(conn: &mut PgConnection, actor: &Actor, action: Action, id: Uuid) -> Result<(UserProfile, Permit)> {
    let (user, relation) = readable(actor, rows::lock(conn, id).await?)?;
    let permit = actor.require(action, relation)?;
    Ok((user, permit))
}

/// Users whom the actor may read, by filter and order.
pub async fn list(app: &App, actor: &Actor, filter: &UserFilter, page: PageRequest) -> Result<Page<UserProfile>> {
    actor.require(Action::ListUsers, Relation::Other)?;
    let may_read = |role: &Role| allowed(actor.role(), Action::ReadUser, Relation::to_person(actor.role(), *role));
    let roles: Vec<_> = Role::ALL.into_iter().filter(may_read).collect();
    let limit = page.limit()?;
    let window = rows::Window { after: page.after, offset: page.offset()?, limit: limit + 1 };
    let total = rows::count(&app.db, &roles, filter).await?;
    let mut items = rows::list(&app.db, &roles, filter, &window).await?;
    let next = page::cut(&mut items, limit, |user| user.id);
    // Only the newest first have an order that a cursor can take up.
    let next = next.filter(|_| filter.sort.unwrap_or_default() == UserSort::Newest);
    Ok(Page { items, total, next })
}

/// Makes an account of any role. A higher one than that of a user wants what giving it wants: a password that was given lately.
///
/// # Errors
/// Field problems, a username or email that somebody has, and a refusal when the actor's password was given too long ago.
pub async fn create(app: &App, actor: &Actor, new: NewUser) -> Result<UserProfile> {
    let permit = actor.require(Action::CreateUser, Relation::Other)?;
    let role = new.role.unwrap_or(Role::User);
    if role != Role::User {
        auth::require_sudo(app, actor).await?;
    }
    let account = Register { username: new.username, email: new.email, password: new.password };
    account.check(auth::check_password)?;
    let hash = app.hasher.admit()?.hash(account.password.clone()).await?;
    let mut tx = db::begin(&app.db).await?;
    let created = rows::insert(&mut tx, Uuid::now_v7(), &account, &hash, role).await?;
    audit::record(&mut tx, actor, permit, "user.create", Subject::User(created.id), json!({"role": role})).await?;
    let letter = auth::ask_to_verify(app, &mut tx, created.id).await?;
    tx.commit().await?;
    letter.ring(app);
    Ok(created)
}

/// Changes somebody's username or email, or says that the email is verified.
///
/// # Errors
/// Field problems, a username or email that somebody has, and for what is about the email a password that was given too long ago.
pub async fn edit(app: &App, actor: &Actor, id: Uuid, edit: EditProfile) -> Result<UserProfile> {
    actor.require_for_somebody(Action::EditUser)?;
    edit.check()?;
    let (user, _) = readable(actor, rows::by_id(&app.db, id).await?)?;
    // A page sends all fields. What stays is left out, so that it is not set back unconfirmed when somebody else changes it meanwhile.
    let edit = EditProfile {
        email: edit.email().filter(|email| *email != user.email).map(str::to_owned),
        email_verified: edit.email_verified.filter(|is_verified| *is_verified != user.email_verified),
        ..edit
    };
    if edit.email.is_some() || edit.email_verified.is_some() {
        auth::require_sudo(app, actor).await?;
    }
    let mut tx = db::begin(&app.db).await?;
    let (user, permit) = locked(&mut tx, actor, Action::EditUser, id).await?;
    rows::edit(&mut tx, id, &edit).await?;
    let details = json!({"username": edit.username.is_some(), "email": edit.email.is_some(), "email_verified": edit.email_verified});
    audit::record(&mut tx, actor, permit, "user.edit", Subject::User(id), details).await?;
    let saved = found(rows::by_id(&mut *tx, id).await?)?;
    let letters = tell_of_new_email(app, &mut tx, &user.email, &saved).await?;
    tx.commit().await?;
    letters.iter().for_each(|letter| letter.ring(app));
    Ok(saved)
}

/// Lets somebody log in, or not; then their sessions end.
///
/// # Errors
/// A conflict for the last administrator and for accounts that are deleted.
pub async fn set_status(app: &App, actor: &Actor, id: Uuid, wish: SetStatus) -> Result<UserProfile> {
    let tx = make(app, actor, id, Change::Status(wish)).await?;
    commit(tx, id).await
}

/// Gives somebody another role; it counts from their next request on.
///
/// # Errors
/// A conflict for the last administrator, and a refusal when the actor's password was given too long ago.
pub async fn set_role(app: &App, actor: &Actor, id: Uuid, wish: SetRole) -> Result<UserProfile> {
    let tx = make(app, actor, id, Change::Role(wish)).await?;
    commit(tx, id).await
}

/// Makes somebody choose another password before anything else, also in the sessions that they have.
///
/// # Errors
/// A conflict for accounts that are deleted.
pub async fn require_password_change(app: &App, actor: &Actor, id: Uuid, why: Reason) -> Result<UserProfile> {
    let tx = make(app, actor, id, Change::RequirePassword(why)).await?;
    commit(tx, id).await
}

/// Sets somebody's password; their sessions and API keys end, and they choose another one at the next login unless that is declined.
///
/// # Errors
/// Field problems, and a refusal when the actor's password was given too long ago.
pub async fn reset_password(app: &App, actor: &Actor, id: Uuid, wish: ResetPassword) -> Result<()> {
    actor.require_for_somebody(Action::ResetPassword)?;
    auth::require_sudo(app, actor).await?;
    // Asked before the password is hashed, and again when the account is locked.
    let (user, relation) = readable(actor, rows::by_id(&app.db, id).await?)?;
    actor.require(Action::ResetPassword, relation)?;
    wish.check(&user.username, &user.email, auth::check_password)?;
    let must_change = wish.require_change.unwrap_or(true);
    let hash = app.hasher.admit()?.hash(wish.new_password).await?;
    let mut tx = db::begin(&app.db).await?;
    let (_, permit) = locked(&mut tx, actor, Action::ResetPassword, id).await?;
    rows::set_password(&mut tx, id, &hash, must_change).await?;
    sessions::delete_all(&mut *tx, id, None).await?;
    devices::forget(&mut *tx, id).await?;
    passkeys::forget(&mut *tx, id).await?;
    let keys = api_keys::revoke_all_of(&mut tx, id).await?;
    let details = json!({"require_change": must_change, "reason": wish.reason, "api_keys": keys});
    done(tx, actor, permit, "user.reset_password", id, details).await?;
    Ok(())
}

/// Takes the second factor of somebody away who has lost it; a letter tells them.
///
/// # Errors
/// A conflict when they have none, and a refusal when the actor's password was given too long ago.
pub async fn reset_two_factor(app: &App, actor: &Actor, id: Uuid) -> Result<UserProfile> {
    actor.require_for_somebody(Action::ResetTwoFactor)?;
    auth::require_sudo(app, actor).await?;
    let mut tx = db::begin(&app.db).await?;
    let (_, permit) = locked(&mut tx, actor, Action::ResetTwoFactor, id).await?;
    if !auth::two_factor::take_away(&mut tx, id).await? {
        return Err(Problem::Conflict { message: "This account has no second factor".into() }.into());
    }
    let told = mail::queue(app, &mut tx, &Letter::TwoFactorOff { user_id: id, by_administrator: true }).await?;
    let saved = done(tx, actor, permit, "user.reset_two_factor", id, json!({})).await?;
    told.ring(app);
    Ok(saved)
}

/// Makes a link by which somebody chooses a new password, and shows it this once; whoever has it can do that. It is good for as long as
/// the one of a letter. Nothing else changes before it is used.
///
/// # Errors
/// A conflict for accounts that nobody can log in to.
pub async fn reset_link(app: &App, actor: &Actor, id: Uuid) -> Result<ResetLink> {
    let minutes = app.config.auth.reset_password_minutes;
    let mut tx = db::begin(&app.db).await?;
    let (user, permit) = locked(&mut tx, actor, Action::ResetPassword, id).await?;
    if !user.is_active {
        return Err(Problem::Conflict { message: "Nobody can log in to this account; activate it first".into() }.into());
    }
    let email = email::recovery_email(&mut tx, id).await?;
    let token = tokens::issue(&mut tx, None, id, Purpose::ResetPassword, &email, minutes).await?;
    let token = token.ok_or(Problem::DeadLink)?;
    done(tx, actor, permit, "user.reset_link", id, json!({"minutes": minutes})).await?;
    Ok(ResetLink { link: mail::link(app, "reset-password", &token), minutes })
}

/// Ends all sessions of somebody; the answer is how many.
pub async fn end_sessions(app: &App, actor: &Actor, id: Uuid) -> Result<u64> {
    if id != actor.id() {
        actor.require_for_somebody(Action::EndSessions)?;
    }
    let mut tx = db::begin(&app.db).await?;
    let ended = change::end_sessions(&mut tx, actor, id, &Reason::default()).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Deletes somebody's account: at once for good, or so that it can be restored.
///
/// # Errors
/// A refusal for the own account, which has a door of its own, or when the actor's password was given too long ago, and a conflict for the
/// last administrator.
pub async fn delete(app: &App, actor: &Actor, id: Uuid, wish: DeleteUser) -> Result<()> {
    Ok(make(app, actor, id, Change::Delete(wish)).await?.commit().await?)
}

/// Takes back a deletion; the account is inactive at first.
pub async fn restore(app: &App, actor: &Actor, id: Uuid) -> Result<UserProfile> {
    let tx = make(app, actor, id, Change::Restore(Reason::default())).await?;
    commit(tx, id).await
}

/// Makes a change of an account whose rule is known before anybody is looked at; it is not committed yet.
async fn make(app: &App, actor: &Actor, id: Uuid, change: Change) -> Result<Transaction<'static, Postgres>> {
    change.admit(app, actor).await?;
    let mut tx = db::begin(&app.db).await?;
    change.make(&mut tx, actor, id).await?;
    Ok(tx)
}

/// Writes to the audit log, commits, and answers with the user as stored.
async fn done(
    mut tx: Transaction<'static, Postgres>,
    actor: &Actor,
    permit: Permit,
    action: &str,
    id: Uuid,
    details: Value,
) -> Result<UserProfile> {
    audit::record(&mut tx, actor, permit, action, Subject::User(id), details).await?;
    commit(tx, id).await
}

/// Commits, and answers with the user as stored.
async fn commit(mut tx: Transaction<'static, Postgres>, id: Uuid) -> Result<UserProfile> {
    let saved = found(rows::by_id(&mut *tx, id).await?)?;
    tx.commit().await?;
    Ok(saved)
}
