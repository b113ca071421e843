//! `user_tokens`: what a mailed link is good for. Found by the hash of its token, used once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::sessions::hash;
use crate::Result;

/// What a token is for; it is good for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "token_purpose", rename_all = "snake_case")]
pub enum Purpose {
    VerifyEmail,
    ResetPassword,
}

/// Whose link it is.
pub struct Holder {
    pub user_id: Uuid,
    pub username: String,
    pub email: String,
}

/// Days that a token is kept after its end.
const KEPT_DAYS: i32 = 7;

/// Makes a token of 256 random bits, good for so many minutes; only its hash is stored. An earlier one of the same letter is replaced: none
/// when that was used, so the letter has arrived. Without a letter there is no earlier one.
pub async fn issue(
    conn: &mut PgConnection,
    letter_id: Option<Uuid>,
    user_id: Uuid,
    purpose: Purpose,
    email: &str,
    minutes: u32,
) -> Result<Option<String>> {
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let issued = sqlx::query_scalar!(
        r#"
        insert into user_tokens (id, user_id, purpose, letter_id, token_hash, email, expires_at)
        values ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7))
        on conflict on constraint user_tokens_letter_id_key do update
        set token_hash = excluded.token_hash, email = excluded.email, created_at = now(), expires_at = excluded.expires_at
        where user_tokens.used_at is null
        returning id
        "#,
        Uuid::now_v7(),
        user_id,
        purpose as Purpose,
        letter_id,
        hash(&token),
        email,
        i32::try_from(minutes).unwrap_or(i32::MAX),
    )
    .fetch_optional(conn)
    .await?;
    Ok(issued.map(|_| token))
}

/// Deletes tokens whose time has long been over; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from user_tokens where expires_at < now() - make_interval(days => $1)", KEPT_DAYS);
    Ok(done.execute(db).await?.rows_affected())
}

/// Whose token it is, while it can be used; it can be used afterwards as before.
pub async fn holder(db: &PgPool, purpose: Purpose, token: &str) -> Result<Option<Holder>> {
    let holder = sqlx::query_as!(
        Holder,
        r#"
        select users.id as user_id, users.username, users.email
        from user_tokens
        join users on users.id = user_tokens.user_id
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > now()
          and users.is_active
          and user_tokens.email = case purpose when 'verify_email' then users.email else users.recovery_email end
        "#,
        hash(token),
        purpose as Purpose,
    )
    .fetch_optional(db)
    .await?;
    Ok(holder)
}

/// Uses a token up, and with it every other of the same user and purpose; the answer is whose it was. Of several at once one succeeds.
pub async fn redeem(conn: &mut PgConnection, purpose: Purpose, token: &str) -> Result<Option<Uuid>> {
    // The user first: two links of one user would otherwise wait for each other.
    let Some(user_id) = lock_holder(conn, purpose, token).await? else { return Ok(None) };
    let used = use_up(conn, token).await?;
    if used {
        void(conn, user_id, purpose).await?;
    }
    Ok(used.then_some(user_id))
}

async fn lock_holder(conn: &mut PgConnection, purpose: Purpose, token: &str) -> Result<Option<Uuid>> {
    let user_id = sqlx::query_scalar!(
        r#"
        select users.id
        from user_tokens
        join users on users.id = user_tokens.user_id
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > now()
          and users.is_active
          and user_tokens.email = case purpose when 'verify_email' then users.email else users.recovery_email end
        for no key update of users
        "#,
        hash(token),
        purpose as Purpose,
    )
    .fetch_optional(conn)
    .await?;
    Ok(user_id)
}

/// Judged anew: while this one waited for the lock, another may have used it.
async fn use_up(conn: &mut PgConnection, token: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update user_tokens set used_at = now() where token_hash = $1 and used_at is null and expires_at > now()",
        hash(token),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every token of the user for this purpose.
pub async fn void(conn: &mut PgConnection, user_id: Uuid, purpose: Purpose) -> Result<()> {
    sqlx::query!(
        "update user_tokens set used_at = now() where user_id = $1 and purpose = $2 and used_at is null",
        user_id,
        purpose as Purpose,
    )
    .execute(conn)
    .await?;
    Ok(())
}
