//! A breaker for each destination: while one server is down, the tasks for it wait and the others go on. One row a host that has failed
//! lately; a host without a row is well.

use std::time::Duration;

use model::tasks::{BreakerState, HostSeen};
use sqlx::{PgConnection, PgPool};

use crate::db;
use crate::tasks::kinds::BreakerPolicy;
use crate::tasks::queue::{Breaker, Counted};

/// When a host is left alone.
const POLICY: BreakerPolicy = BreakerPolicy {
    failures: 5,
    ratio: 0.5,
    window: Duration::from_secs(60),
    cooldown: Duration::from_secs(30),
    probes: 1,
};
/// How long to wait for a probe that is on its way.
const PROBED: Duration = Duration::from_secs(5);

/// Hosts that an operator is shown.
const SEEN_AT_MOST: i64 = 50;

/// A request that may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The opening that it probes.
    probe: Option<i32>,
}

/// Whether the host may be asked now; else how long to wait.
pub async fn ask(db: &PgPool, host: &str) -> sqlx::Result<Result<Pass, Duration>> {
    let mut tx = db::begin_short(db).await?;
    let Some((mut breaker, now)) = lock(&mut tx, host).await? else { return Ok(Ok(Pass { probe: None })) };
    let before = breaker.clone();
    let free = breaker.free(&POLICY, now);
    if free == Some(0) {
        let wait = match breaker.state {
            BreakerState::Open => breaker.probe_at.and_then(|at| (at - now).to_std().ok()).unwrap_or(PROBED),
            _ => PROBED,
        };
        return Ok(Err(wait.max(Duration::from_secs(1))));
    }
    breaker.claimed(1);
    if breaker != before {
        save(&mut tx, host, &breaker).await?;
        tx.commit().await?;
    }
    Ok(Ok(Pass { probe: breaker.probing() }))
}

/// Tells how a request ended. What a host that is well answers is not written down.
pub async fn tell(db: &PgPool, host: &str, pass: Pass, is_ok: bool) -> sqlx::Result<()> {
    let mut tx = db::begin_short(db).await?;
    if !is_ok {
        sqlx::query!("insert into webhook_hosts (host) values ($1) on conflict do nothing", host)
            .execute(&mut *tx)
            .await?;
    }
    let Some((mut breaker, now)) = lock(&mut tx, host).await? else { return Ok(()) };
    let before = breaker.clone();
    let (ok, failed) = if is_ok { (1, 0) } else { (0, 1) };
    breaker.count(&POLICY, &Counted { probe: pass.probe, ok, failed, ..Counted::default() }, now);
    if breaker != before {
        save(&mut tx, host, &breaker).await?;
    }
    tx.commit().await?;
    if breaker.state != before.state {
        tracing::warn!(host, state = ?breaker.state, "the breaker of a webhook's host changed");
    }
    Ok(())
}

/// Hosts that have failed lately, those with an open breaker first.
pub async fn seen(db: &PgPool) -> crate::Result<Vec<HostSeen>> {
    let hosts = sqlx::query_as!(
        HostSeen,
        r#"
        select host, breaker as "breaker: BreakerState", window_failed as failures, probe_at
        from webhook_hosts
        order by breaker = 'closed', host
        limit $1
        "#,
        SEEN_AT_MOST,
    )
    .fetch_all(db)
    .await?;
    Ok(hosts)
}

/// Forgets hosts that nothing was written of for a day; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from webhook_hosts where changed_at < now() - interval '1 day'").execute(db).await?;
    Ok(done.rows_affected())
}

async fn lock(conn: &mut PgConnection, host: &str) -> sqlx::Result<Option<(Breaker, chrono::DateTime<chrono::Utc>)>> {
    let row = sqlx::query!(
        r#"
        select clock_timestamp() as "now!", breaker as "breaker: BreakerState", window_from, window_ok, window_failed, probe_at,
            times_opened, probes_claimed, probes_ok
        from webhook_hosts
        where host = $1
        for update
        "#,
        host,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let breaker = Breaker {
            state: row.breaker,
            is_manual: false,
            window_from: row.window_from,
            window_ok: row.window_ok,
            window_failed: row.window_failed,
            probe_at: row.probe_at,
            times_opened: row.times_opened,
            probes_claimed: row.probes_claimed,
            probes_ok: row.probes_ok,
        };
        (breaker, row.now)
    }))
}

async fn save(conn: &mut PgConnection, host: &str, breaker: &Breaker) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update webhook_hosts
        set breaker = $2, window_from = $3, window_ok = $4, window_failed = $5, probe_at = $6, times_opened = $7, probes_claimed = $8,
            probes_ok = $9, changed_at = now()
        where host = $1
        "#,
        host,
        breaker.state as BreakerState,
        breaker.window_from,
        breaker.window_ok,
        breaker.window_failed,
        breaker.probe_at,
        breaker.times_opened,
        breaker.probes_claimed,
        breaker.probes_ok,
    )
    .execute(conn)
    .await?;
    Ok(())
}
