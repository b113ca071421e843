use std::time::Duration;

use model::tasks::{NewTask, Priority, RetryStrategy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::words::{self, Message};
use crate::auth::tokens::{self, Purpose};
use crate::tasks::kinds::{Context, Policy, Stop, Work};
use crate::tasks::{Rings, enqueue_in};
use crate::{App, Result, db};

/// Which letter, and to whom. This is the payload of a task, so it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// The link that shows that the address is the user's.
    VerifyEmail { user_id: Uuid },
    /// The link to a new password. To nobody when the address that was typed is not a user's: queueing it is the same work.
    ResetPassword { user_id: Option<Uuid> },
    /// Tells the user that the password was changed.
    PasswordChanged { user_id: Uuid },
    /// Tells the owner of the address that the account had before that it has another one now.
    EmailChanged { user_id: Uuid, old_email: String },
    /// Tells the user that a passkey of this name was added.
    PasskeyAdded { user_id: Uuid, name: String },
    /// Tells the user that a login asks for a code from now on.
    TwoFactorOn { user_id: Uuid },
    /// Tells the user that a login does not ask for a code any more, and whether they did it themselves.
    TwoFactorOff { user_id: Uuid, by_administrator: bool },
    /// Tells the user that a recovery code was used, and how many were left.
    RecoveryCodeUsed { user_id: Uuid, left: i64 },
    /// Tells the user of a note that was shared with them.
    NoteShared(crate::notes::NoteLetter),
}

impl Letter {
    fn recipient(&self) -> Option<Uuid> {
        match self {
            Self::ResetPassword { user_id } => *user_id,
            Self::VerifyEmail { user_id }
            | Self::PasswordChanged { user_id }
            | Self::EmailChanged { user_id, .. }
            | Self::PasskeyAdded { user_id, .. }
            | Self::TwoFactorOn { user_id }
            | Self::TwoFactorOff { user_id, .. }
            | Self::RecoveryCodeUsed { user_id, .. } => Some(*user_id),
            Self::NoteShared(letter) => Some(letter.user_id),
        }
    }
}

/// Queues a letter in the caller's transaction: it is sent when that commits, and only then. Ring after the commit.
pub async fn queue(app: &App, conn: &mut PgConnection, letter: &Letter) -> Result<Rings> {
    enqueue_in(app, conn, None, task_of(letter)?).await
}

/// The same, unless a letter of this `key` waits or was queued within `seconds`; the answer says which.
pub async fn queue_once_in(
    seconds: u32,
    key: &str,
    app: &App,
    conn: &mut PgConnection,
    letter: &Letter,
) -> Result<Rings> {
    let new = NewTask { unique_key: Some(key.into()), unique_for_seconds: Some(seconds), ..task_of(letter)? };
    enqueue_in(app, conn, None, new).await
}

fn task_of(letter: &Letter) -> Result<NewTask> {
    let payload = serde_json::to_value(letter).map_err(anyhow::Error::from)?;
    Ok(NewTask { task_type: Letter::NAME.into(), payload, priority: Some(Priority::High), ..NewTask::default() })
}

impl Work for Letter {
    const NAME: &'static str = "mail";
    const DESCRIPTION: &'static str = "Sends a letter of the program to a user.";
    const IS_INTERNAL: bool = true;

    /// Mail servers are away for minutes to hours: nine waits, together about three and a half hours.
    fn policy() -> Policy {
        let retry =
            RetryStrategy::Exponential { base_delay: 5.0, multiplier: 3.0, max_delay: 3600.0, max_attempts: 10 };
        Policy { retry, timeout: Duration::from_secs(60), ..Policy::default() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        // A fault before the sending is not of the letter.
        let again = |error| context.again("The letter could not be written", error);
        let Some(message) = self.written(context).await.map_err(again)? else {
            return Ok(json!({"sent": false}));
        };
        context.app.mailer.send(context, &message).await?;
        tracing::info!(task_id = %context.task_id(), subject = &*message.subject, "a letter was sent");
        Ok(json!({"sent": true}))
    }
}

/// To whom a letter goes.
pub struct Recipient {
    pub username: String,
    /// Where letters go: to an address that was verified, if there is one.
    pub email: String,
    /// The one to verify, when that is another one or none was verified yet.
    new_email: Option<String>,
}

impl Letter {
    /// The letter as it is now; none when it has become pointless.
    async fn written(&self, context: &Context) -> Result<Option<Message>> {
        let Some(user_id) = self.recipient() else { return Ok(None) };
        let app = &context.app;
        let Some(to) = recipient(app, user_id).await? else { return Ok(None) };
        let auth = &app.config.auth;
        Ok(match self {
            Self::VerifyEmail { .. } => {
                let Some(new_email) = to.new_email else { return Ok(None) };
                let minutes = auth.verify_email_hours * 60;
                let token = issue(context, user_id, Purpose::VerifyEmail, &new_email, minutes).await?;
                token.map(|token| {
                    let link = link(app, "verify-email", &token);
                    words::verify_email(&new_email, &to.username, &link, auth.verify_email_hours)
                })
            }
            Self::ResetPassword { .. } => {
                let minutes = auth.reset_password_minutes;
                let token = issue(context, user_id, Purpose::ResetPassword, &to.email, minutes).await?;
                token.map(|token| {
                    words::reset_password(&to.email, &to.username, &link(app, "reset-password", &token), minutes)
                })
            }
            Self::PasswordChanged { .. } => Some(words::password_changed(&to.email, &to.username, &forgot(app))),
            Self::TwoFactorOn { .. } => Some(words::two_factor_on(&to.email, &to.username, &forgot(app))),
            Self::TwoFactorOff { by_administrator, .. } => {
                Some(words::two_factor_off(&to.email, &to.username, *by_administrator, &forgot(app)))
            }
            Self::RecoveryCodeUsed { left, .. } => {
                Some(words::recovery_code_used(&to.email, &to.username, *left, &forgot(app)))
            }
            Self::PasskeyAdded { name, .. } => {
                let page = format!("{}/account/passkeys", app.config.server.public_url);
                Some(words::passkey_added(&to.email, &to.username, name, &page))
            }
            Self::NoteShared(letter) => letter.written(app, &to).await?,
            Self::EmailChanged { old_email, .. } => Some(words::email_changed(old_email, &to.username)),
        })
    }
}

/// Where a password is changed by somebody who may not be able to log in.
fn forgot(app: &App) -> String {
    format!("{}/forgot-password", app.config.server.public_url)
}

/// The address that a token is used at.
pub fn link(app: &App, page: &str, token: &str) -> String {
    format!("{}/{page}?token={token}", app.config.server.public_url.trim_end_matches('/'))
}

/// Committed before the letter leaves, so that its link is good when it arrives.
async fn issue(
    context: &Context,
    user_id: Uuid,
    purpose: Purpose,
    email: &str,
    minutes: u32,
) -> Result<Option<String>> {
    let mut tx = db::begin(&context.app.db).await?;
    let token = tokens::issue(&mut tx, Some(context.task_id()), user_id, purpose, email, minutes).await?;
    tx.commit().await?;
    Ok(token)
}

async fn recipient(app: &App, user_id: Uuid) -> Result<Option<Recipient>> {
    let found = sqlx::query_as!(
        Recipient,
        r#"
        select username, recovery_email as "email!", case when not email_verified then email end as new_email
        from users
        where id = $1 and is_active
        "#,
        user_id,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(found)
}
