//! Browsers in which an account was used before, so that a stranger who guesses at it does not lock its owner out (the device cookies of
//! OWASP's page on brute force attacks). Such a cookie signs nobody in: wrong passwords from its browser are counted apart, that is all.

use sqlx::{PgExecutor, PgPool};
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};
use uuid::Uuid;

use super::sessions::{hash, new_token};
use crate::http::Client;
use crate::{App, Result};

/// Days after the last login that a browser is known for.
const KNOWN_DAYS: i32 = 180;

/// The name of the cookie; with https one that no other host can set (RFC 6265bis, 4.1.3.2).
pub fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-device" } else { "device" }
}

/// Whose wrong logins are counted together: those of the known device, or else all for this name.
pub(super) async fn bucket_of(app: &App, name: &str, client: &Client) -> Result<String> {
    let Some(device) = &client.device else { return Ok(name.to_owned()) };
    let is_known = sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from known_devices
            join users on users.id = known_devices.user_id
            where token_hash = $1 and expires_at > now() and (lower(users.username) = lower($2) or lower(users.email) = lower($2))
        ) as "found!"
        "#,
        hash(device),
        name,
    )
    .fetch_one(&app.db)
    .await?;
    Ok(if is_known { format!("{name} on {device}") } else { name.to_owned() })
}

/// Knows the browser from now on; the answer is its cookie. The token that it brought is replaced, so that one which somebody else has put
/// there is worth nothing.
pub async fn know(app: &App, user_id: Uuid, client: &Client) -> Result<Cookie<'static>> {
    let token = new_token().to_string();
    sqlx::query!(
        r#"
        with renewed as (
            update known_devices set token_hash = $1 where token_hash = $2 and user_id <> $3
        ), replaced as (
            delete from known_devices where token_hash = $2 and user_id = $3
        )
        insert into known_devices (token_hash, user_id, expires_at) values ($1, $3, now() + make_interval(days => $4))
        "#,
        hash(&token),
        client.device.as_deref().map(hash),
        user_id,
        KNOWN_DAYS,
    )
    .execute(&app.db)
    .await?;
    let is_https = app.config.server.is_https();
    let cookie = Cookie::build((cookie_name(is_https), token))
        .path("/")
        .http_only(true)
        .secure(is_https)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(KNOWN_DAYS.into()));
    Ok(cookie.build())
}

/// Forgets the devices of a user, of whom somebody may have known the password.
pub async fn forget(db: impl PgExecutor<'_>, user_id: Uuid) -> Result<()> {
    sqlx::query!("delete from known_devices where user_id = $1", user_id).execute(db).await?;
    Ok(())
}

/// Deletes what has run out; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from known_devices where expires_at <= now()").execute(db).await?;
    Ok(done.rows_affected())
}
