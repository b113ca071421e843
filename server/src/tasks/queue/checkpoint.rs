//! What a long task keeps of its work, so that another attempt goes on where this one ended.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::claim::Claimed;

/// What an earlier attempt has kept.
pub async fn checkpoint(db: &PgPool, claimed: &Claimed) -> sqlx::Result<Option<Value>> {
    let kept = sqlx::query_scalar!("select checkpoint from tasks where id = $1", claimed.id);
    Ok(kept.fetch_optional(db).await?.flatten())
}

/// Keeps it, unless the claim does not hold any more: then the answer is no, and the transaction must not commit.
pub async fn keep(conn: &mut PgConnection, worker: i64, claimed: &Claimed, checkpoint: &Value) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update tasks set checkpoint = $4 where id = $1 and worker_id = $2 and lease_epoch = $3",
        claimed.id,
        worker,
        claimed.lease_epoch,
        checkpoint,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
