//! What people do with passkeys.

use model::Problem;
use model::auth::AuthUser;
use model::passkeys::{Ceremony, CeremonyAnswer, MAX_PASSKEYS, NewPasskey, Passkey};
use model::problem::Thing;
use model::rbac::{Action, Relation};
use serde_json::json;
use uuid::Uuid;

use super::{ceremony, rows};
use crate::audit::{self, Subject};
use crate::auth::{self, Limit};
use crate::http::Client;
use crate::mail::{self, Letter};
use crate::{Actor, App, Result, db, users};

/// Asks the actor's browser for a new passkey.
///
/// # Errors
/// Unless the password was confirmed lately; a field problem; a conflict when there are 20 already, or when the program has no address that
/// passkeys can be bound to.
pub async fn start_registration(app: &App, actor: &Actor, new: NewPasskey) -> Result<Ceremony> {
    actor.require(Action::ManagePasskeys, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    new.check()?;
    let known = rows::credentials_of(app, actor.id()).await?;
    if known.len() >= usize::try_from(MAX_PASSKEYS).unwrap_or(usize::MAX) {
        return Err(Problem::Conflict { message: format!("You have {MAX_PASSKEYS} passkeys already") }.into());
    }
    let (options, state) = ceremony::ask_for_new(app, &actor.user, known)?;
    let id = rows::begin(app, Some((actor.id(), new.name.trim())), state).await?;
    Ok(Ceremony { id, options })
}

/// Keeps the passkey that the actor's browser has made, and tells its owner by a letter (OWASP ASVS 5.0, 6.3.7).
///
/// # Errors
/// When the ceremony is unknown, over or somebody else's, and when the answer does not fit it.
pub async fn finish_registration(app: &App, actor: &Actor, answer: CeremonyAnswer) -> Result<Passkey> {
    let permit = actor.require(Action::ManagePasskeys, Relation::Own)?;
    let (name, state) = rows::end(app, answer.id, Some(actor.id())).await?.ok_or_else(over)?;
    let made = ceremony::made(app, &answer.credential, state)?;
    let mut tx = db::begin(&app.db).await?;
    let saved = rows::insert(&mut tx, actor.id(), &name.unwrap_or_default(), &made).await?;
    audit::record(&mut tx, actor, permit, "passkey.create", Subject::Passkey(saved.id), json!({})).await?;
    let told =
        mail::queue(app, &mut tx, &Letter::PasskeyAdded { user_id: actor.id(), name: saved.name.clone() }).await?;
    tx.commit().await?;
    told.ring(app);
    Ok(saved)
}

/// The actor's passkeys, the newest first.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Passkey>> {
    actor.require(Action::ManagePasskeys, Relation::Own)?;
    rows::list(app, actor.id()).await
}

/// Removes a passkey of the actor, who must have confirmed the password lately; a stranger's is not found.
pub async fn remove(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let permit = actor.require(Action::ManagePasskeys, Relation::Own)?;
    auth::require_sudo(app, actor).await?;
    let mut tx = db::begin(&app.db).await?;
    if !rows::delete(&mut tx, actor.id(), id).await? {
        return Err(Problem::NotFound { what: Thing::Passkey }.into());
    }
    audit::record(&mut tx, actor, permit, "passkey.remove", Subject::Passkey(id), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Asks a browser for any passkey of this program, so that nothing is said about who has one.
pub async fn start_login(app: &App, client: &Client) -> Result<Ceremony> {
    // Each leaves a row, so one that is not finished counts as a wrong login.
    let _given_back_when_right = auth::take_for_address(app, Limit::LoginPerAddress, client.ip).await?;
    let (options, state) = ceremony::ask_for_any(app)?;
    let id = rows::begin(app, None, state).await?;
    Ok(Ceremony { id, options })
}

/// The user whose passkey has signed the challenge.
///
/// # Errors
/// [`Problem::UnknownPasskey`], whatever is wrong.
pub async fn finish_login(app: &App, answer: CeremonyAnswer, client: &Client) -> Result<AuthUser> {
    let (_, state) = rows::end(app, answer.id, None).await?.ok_or_else(over)?;
    let given = ceremony::given(app, &answer.credential)?;
    let known = rows::find(app, given.user_id, &given.credential_id).await?.ok_or(Problem::UnknownPasskey)?;
    let used = ceremony::check(app, &given, state, known)?;
    rows::note_use(app, &given.credential_id, &used).await?;
    users::note_login(app, given.user_id).await?;
    auth::give_back_for_address(app, Limit::LoginPerAddress, client.ip).await?;
    users::active(app, given.user_id).await?.ok_or(Problem::UnknownPasskey.into())
}

fn over() -> Problem {
    Problem::Conflict { message: "This took too long, or was answered before; please try again".into() }
}
