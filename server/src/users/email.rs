//! Which address of an account counts: the one that was verified last, until another one is.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Result;

/// The active user who gets back into the account by this address, in any case; of two the one who has shown that it is theirs.
pub async fn id_by_recovery_email(conn: &mut PgConnection, email: &str) -> Result<Option<Uuid>> {
    let id = sqlx::query_scalar!(
        r#"
        select id from users
        where is_active and lower(recovery_email) = lower($1)
        order by verified_email is null
        limit 1
        "#,
        email,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// The address by which the user gets back into the account: the present one, unless only one before it was verified.
pub async fn recovery_email(conn: &mut PgConnection, id: Uuid) -> Result<String> {
    let email = sqlx::query_scalar!(r#"select recovery_email as "email!" from users where id = $1"#, id);
    Ok(email.fetch_one(conn).await?)
}

/// Whether the user's present email was verified.
pub async fn is_email_verified(db: impl PgExecutor<'_>, id: Uuid) -> Result<bool> {
    let is_verified =
        sqlx::query_scalar!("select email_verified from users where id = $1", id).fetch_optional(db).await?;
    Ok(is_verified.unwrap_or_default())
}

/// Notes that the user's present email is theirs, and so no longer anybody's who has another email by now.
pub async fn note_verified(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!(
        r#"
        update users
        set verified_email = null
        where id <> $1 and lower(verified_email) = (select lower(email) from users where id = $1)
        "#,
        id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update users set email_verified = true, verified_email = email, updated_at = now() where id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}
