//! A login between its two factors: the password was right, the code is awaited. It is no session and opens nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::PgPool;
use uuid::Uuid;

use crate::auth::sessions::hash;
use crate::{App, Result};

/// Minutes that somebody has to give the code.
pub const MINUTES: i32 = 5;
/// Codes that may be tried in one login.
const MAX_TRIES: i32 = 5;

/// Begins to wait for a code; the answer is the token of 256 random bits that the browser keeps.
pub async fn issue(app: &App, user_id: Uuid, is_remembered: bool) -> Result<String> {
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    sqlx::query!(
        r#"
        insert into login_challenges (id, user_id, token_hash, is_remembered, expires_at)
        values ($1, $2, $3, $4, now() + make_interval(mins => $5))
        "#,
        Uuid::now_v7(),
        user_id,
        hash(&token),
        is_remembered,
        MINUTES,
    )
    .execute(&app.db)
    .await?;
    Ok(token)
}

/// Deletes those whose time is over; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from login_challenges where expires_at <= now()").execute(db).await?;
    Ok(done.rows_affected())
}

/// Counts one try, and says whose login it is; none when it has ended, or after too many tries.
pub async fn count_try(app: &App, token: &str) -> Result<Option<Uuid>> {
    let user_id = sqlx::query_scalar!(
        r#"
        update login_challenges
        set tries = tries + 1
        from users
        where token_hash = $1 and expires_at > now() and tries < $2 and users.id = user_id and users.is_active
        returning user_id
        "#,
        hash(token),
        MAX_TRIES,
    )
    .fetch_optional(&app.db)
    .await?;
    Ok(user_id)
}

/// Ends it; the answer is whether its browser keeps the session, and none when it was over already.
pub async fn end(app: &App, token: &str) -> Result<Option<bool>> {
    let ended =
        sqlx::query_scalar!("delete from login_challenges where token_hash = $1 returning is_remembered", hash(token),)
            .fetch_optional(&app.db)
            .await?;
    Ok(ended)
}
