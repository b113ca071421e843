//! The way back for somebody who has forgotten the password: a letter, its link, and a new password.

use model::Problem;
use model::auth::{ForgotPassword, ResetPassword};

use super::limits::{Limit, take, take_for_address};
use super::sessions;
use super::tokens::{self, Purpose};
use super::{check_password, devices};
use crate::http::Client;
use crate::mail::{self, Letter};
use crate::{App, Result, api_keys, db, passkeys, users};

/// Seconds in which an address gets no second letter.
const APART_SECONDS: u32 = 60;

/// Queues the letter with the link to a new password, at most once a minute for each address.
///
/// The answer and the work are the same whether or not anybody has this address (OWASP ASVS 5.0, 6.3.8): one look and one task either
/// way, and the worker throws the letter to nobody away. An address that was not verified yet counts only for an account that has verified
/// none.
///
/// # Errors
/// A field problem, and [`Problem::TooManyTries`] for one address of either kind.
pub async fn forgot_password(app: &App, forgot: ForgotPassword, client: &Client) -> Result<()> {
    forgot.check()?;
    let email = forgot.email.trim();
    let _not_given_back = take_for_address(app, Limit::ResetPerAddress, client.ip).await?;
    let _nor_this = take(app, Limit::ResetPerAccount, email).await?;
    let mut tx = db::begin(&app.db).await?;
    let letter = Letter::ResetPassword { user_id: users::id_by_recovery_email(&mut tx, email).await? };
    let key = format!("reset {}", email.to_lowercase());
    let queued = mail::queue_once_in(APART_SECONDS, &key, app, &mut tx, &letter).await?;
    tx.commit().await?;
    queued.ring(app);
    Ok(())
}

/// Sets a new password by the link of a letter: every session and API key of the user ends, because somebody else may have had the
/// account; every other such link dies, and a letter tells of it.
///
/// # Errors
/// [`Problem::DeadLink`], whatever is wrong with the link; a field problem when the password is refused, and then the link stays good.
pub async fn reset_password(app: &App, reset: ResetPassword) -> Result<()> {
    let place = app.hasher.admit()?;
    let holder = tokens::holder(&app.db, Purpose::ResetPassword, &reset.token).await?.ok_or(Problem::DeadLink)?;
    check_password(&reset.new_password, &holder.username, &holder.email)
        .map_err(|message| Problem::field("new_password", message))?;
    let hash = place.hash(reset.new_password).await?;

    let mut tx = db::begin_short(&app.db).await?;
    let user_id = tokens::redeem(&mut tx, Purpose::ResetPassword, &reset.token).await?.ok_or(Problem::DeadLink)?;
    users::set_password(&mut tx, user_id, &hash, false).await?;
    sessions::delete_all(&mut *tx, user_id, None).await?;
    devices::forget(&mut *tx, user_id).await?;
    passkeys::forget(&mut *tx, user_id).await?;
    api_keys::revoke_all_of(&mut tx, user_id).await?;
    let told = mail::queue(app, &mut tx, &Letter::PasswordChanged { user_id }).await?;
    tx.commit().await?;
    told.ring(app);
    Ok(())
}
