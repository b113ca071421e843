//! Limits on what can be guessed or abused, in the database, so that all instances count together.
//!
//! Each limit is a bucket that fills evenly (the generic cell rate algorithm of ITU-T I.371, which keeps one time a bucket). It is taken
//! from before the work, so that many tries at once do not slip through, and what turned out to be right is put back.

use std::net::IpAddr;

use model::Problem;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::config::Rate;
use crate::{App, Result};

/// What is limited, and for whom.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    LoginPerAccount,
    LoginPerAddress,
    PasswordPerSession,
    RegisterPerAddress,
    ResetPerAccount,
    ResetPerAddress,
    VerifyPerAccount,
    SharePerAccount,
    EmailPerAccount,
}

impl Limit {
    fn rate(self, app: &App) -> Rate {
        let limits = &app.config.limits;
        match self {
            Self::LoginPerAccount => limits.login_per_account,
            Self::LoginPerAddress => limits.login_per_address,
            Self::PasswordPerSession => limits.password_per_session,
            Self::RegisterPerAddress => limits.register_per_address,
            Self::ResetPerAccount => limits.reset_per_account,
            Self::ResetPerAddress => limits.reset_per_address,
            Self::VerifyPerAccount => limits.verify_per_account,
            Self::SharePerAccount => limits.share_per_account,
            Self::EmailPerAccount => limits.email_per_account,
        }
    }

    /// Names are the same in any case.
    fn key(self, whose: &str) -> Vec<u8> {
        Sha256::digest(format!("{self:?}:{}", whose.to_lowercase())).to_vec()
    }
}

/// What was taken for one try.
#[must_use = "a try that was right is given back"]
pub struct Taken {
    key: Vec<u8>,
    seconds_each: f64,
}

/// Takes one from the bucket of `whose`; none where the limit is off.
///
/// # Errors
/// [`Problem::TooManyTries`] when it is empty, with the seconds until there is one again.
pub async fn take(app: &App, limit: Limit, whose: &str) -> Result<Option<Taken>> {
    let Rate::Of { most, seconds } = limit.rate(app) else { return Ok(None) };
    let (key, seconds_each) = (limit.key(whose), f64::from(seconds) / f64::from(most));
    // Until when the bucket may be owed for before this one; the parts of a second that rounding costs do not count.
    let slack = f64::from(seconds) - seconds_each + 0.001;
    if try_to_take(&app.db, &key, seconds_each, slack).await? {
        return Ok(Some(Taken { key, seconds_each }));
    }
    let retry_after_seconds = wait(&app.db, &key, slack).await?;
    tracing::info!(limit = ?limit, retry_after_seconds, "a limit was reached");
    Err(Problem::TooManyTries { retry_after_seconds }.into())
}

/// The same for the address of a client; nothing is taken where a request came by no network.
pub async fn take_for_address(app: &App, limit: Limit, ip: Option<IpAddr>) -> Result<Option<Taken>> {
    match ip {
        Some(ip) => take(app, limit, &network_of(ip)).await,
        None => Ok(None),
    }
}

/// One network has one bucket: whoever has an IPv6 address has the 2^64 of its network (RFC 6177).
fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Puts back what was taken for tries that were right.
pub async fn give_back(app: &App, taken: impl IntoIterator<Item = Option<Taken>>) -> Result<()> {
    let (keys, each): (Vec<_>, Vec<_>) = taken.into_iter().flatten().map(|one| (one.key, one.seconds_each)).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update rate_limits
        set full_at = full_at - make_interval(secs => given.each)
        from unnest($1::bytea[], $2::float8[]) as given (key, each)
        where rate_limits.key = given.key
        "#,
        &keys,
        &each,
    )
    .execute(&app.db)
    .await?;
    Ok(())
}

/// Puts back what an earlier request from this address took.
#[cfg(feature = "passkeys")]
pub async fn give_back_for_address(app: &App, limit: Limit, ip: Option<IpAddr>) -> Result<()> {
    let (Some(ip), Rate::Of { most, seconds }) = (ip, limit.rate(app)) else { return Ok(()) };
    let taken = Taken { key: limit.key(&network_of(ip)), seconds_each: f64::from(seconds) / f64::from(most) };
    give_back(app, [Some(taken)]).await
}

/// Forgets the buckets that are full; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from rate_limits where full_at <= now()").execute(db).await?;
    Ok(done.rows_affected())
}

async fn try_to_take(db: &PgPool, key: &[u8], seconds_each: f64, slack: f64) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into rate_limits as bucket (key, full_at) values ($1, now() + make_interval(secs => $2))
        on conflict (key) do update set full_at = greatest(bucket.full_at, now()) + make_interval(secs => $2)
        where bucket.full_at <= now() + make_interval(secs => $3)
        "#,
        key,
        seconds_each,
        slack,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Seconds until the bucket holds one again, at least 1.
async fn wait(db: &PgPool, key: &[u8], slack: f64) -> Result<u32> {
    let seconds = sqlx::query_scalar!(
        r#"select ceil(extract(epoch from full_at - now()) - $2)::int as "seconds!" from rate_limits where key = $1"#,
        key,
        slack as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_address_and_names_have_no_case() {
        let network = |ip: &str| network_of(ip.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::7"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::7"), network("2001:db8:1:3::7"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(Limit::LoginPerAccount.key("Ada"), Limit::LoginPerAccount.key("ada"));
        assert_ne!(Limit::LoginPerAccount.key("ada"), Limit::ResetPerAccount.key("ada"));
    }
}
