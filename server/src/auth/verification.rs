//! Showing that an email address is the user's: a letter, its link, and the click.

use model::Problem;
use model::auth::VerifyEmail;
use sqlx::PgConnection;
use uuid::Uuid;

use super::limits::{Limit, take};
use super::tokens::{self, Purpose};
use crate::mail::{self, Letter};
use crate::tasks::Rings;
use crate::{Actor, App, Result, db, users};

/// Seconds in which a user gets no second letter.
const APART_SECONDS: u32 = 60;

/// Queues the letter to the user's present address, in the transaction of the change that needs it. Ring after the commit.
pub async fn ask_to_verify(app: &App, conn: &mut PgConnection, user_id: Uuid) -> Result<Rings> {
    mail::queue(app, conn, &Letter::VerifyEmail { user_id }).await
}

/// Whether the actor's present address was verified.
pub async fn is_email_verified(app: &App, actor: &Actor) -> Result<bool> {
    users::is_email_verified(&app.db, actor.id()).await
}

/// Sends the letter to the actor's own address again.
///
/// # Errors
/// A conflict when the address is verified already, and while the last letter waits or was asked for less than a minute ago;
/// [`Problem::TooManyTries`] after several letters.
pub async fn resend_verification(app: &App, actor: &Actor) -> Result<()> {
    let user_id = actor.id();
    let _not_given_back = take(app, Limit::VerifyPerAccount, &user_id.to_string()).await?;
    let mut tx = db::begin(&app.db).await?;
    if users::is_email_verified(&mut *tx, user_id).await? {
        return Err(Problem::Conflict { message: "This email is verified already".into() }.into());
    }
    let (key, letter) = (format!("verify {user_id}"), Letter::VerifyEmail { user_id });
    let queued = mail::queue_once_in(APART_SECONDS, &key, app, &mut tx, &letter).await?;
    tx.commit().await?;
    if !queued.0.is_new {
        let message = "A letter is on its way already; please look into your mailbox, or try again in a minute".into();
        return Err(Problem::Conflict { message }.into());
    }
    queued.ring(app);
    Ok(())
}

/// Uses the link of a letter up and notes that the address is the user's. Whoever has the link may do it: it proves the address, and
/// signs nobody in (OWASP ASVS 5.0, 6.4.1).
///
/// # Errors
/// [`Problem::DeadLink`], whatever is wrong with it.
pub async fn verify_email(app: &App, link: VerifyEmail) -> Result<()> {
    let mut tx = db::begin_short(&app.db).await?;
    let user_id = tokens::redeem(&mut tx, Purpose::VerifyEmail, &link.token).await?.ok_or(Problem::DeadLink)?;
    users::note_verified(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(())
}
