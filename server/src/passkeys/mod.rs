//! Passkeys: making, listing and removing them, and logging in by one. A passkey with which its owner was verified on the device is two
//! factors by itself, so nothing else is asked for.
//!
//! Without the feature `passkeys` nobody makes or uses one, but those that are stored go as they would with it: a later build with it must not let
//! somebody in whose passkey should be gone.

#[cfg(feature = "passkeys")]
mod ceremony;
#[cfg(feature = "passkeys")]
mod rows;
#[cfg(feature = "passkeys")]
mod verbs;

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::Result;

#[cfg(feature = "passkeys")]
pub use verbs::{finish_login, finish_registration, list, remove, start_login, start_registration};

/// Removes every passkey of a user, of whose account somebody else may have had the password.
pub async fn forget(db: impl PgExecutor<'_>, user_id: Uuid) -> Result<()> {
    sqlx::query!("delete from passkeys where user_id = $1", user_id).execute(db).await?;
    Ok(())
}

/// Deletes ceremonies that were not answered in time; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from passkey_ceremonies where expires_at <= now()").execute(db).await?;
    Ok(done.rows_affected())
}
