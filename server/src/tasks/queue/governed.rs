//! Claims and settlements of types that must be counted: limited, rated, or with a breaker that is not closed. The type's row in
//! `task_type_state` is locked meanwhile, so the counts are exact; other types never pay for that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::tasks::BreakerState;
use sqlx::{PgConnection, PgPool};

use super::breaker::Breaker;
use super::claim::{Claimed, Lane, Purpose, claim};
use crate::db;
use crate::tasks::kinds::{BreakerPolicy, Rate};

/// The locked row, with the policy that goes with it.
struct Governed {
    now: DateTime<Utc>,
    is_paused: bool,
    max_running: Option<i32>,
    running: i32,
    rate: Option<Rate>,
    tokens: f64,
    breaker_policy: Option<BreakerPolicy>,
    breaker: Breaker,
}

impl Governed {
    /// How many of the type may start now.
    fn free(&mut self, wanted: i32) -> i32 {
        let running = self.max_running.map_or(wanted, |most| most - self.running);
        let rated = self.rate.map_or(wanted, |_| self.tokens.floor() as i32);
        let policy = self.breaker_policy.unwrap_or_default();
        let broken = self.breaker.free(&policy, self.now).unwrap_or(wanted);
        wanted.min(running).min(rated).min(broken).max(0)
    }

    /// When the next one may start that may not start now; none when that is up to what runs.
    fn more_in(&self) -> Option<Duration> {
        let policy = self.breaker_policy.unwrap_or_default();
        let probes = self.breaker.probes_at(&policy).map(|at| (at - self.now).to_std().unwrap_or_default());
        let rate = self.rate.filter(|_| self.tokens < 1.0);
        let token = rate.map(|rate| seconds(Some((1.0 - self.tokens) / rate.per_second)));
        probes.max(token)
    }

    fn claimed(&mut self, count: i32) {
        // A settlement takes away only where there is a limit.
        if self.max_running.is_some() {
            self.running += count;
        }
        if self.rate.is_some() {
            self.tokens -= f64::from(count);
        }
        self.breaker.claimed(count);
    }
}

/// What a counted type gave.
#[derive(Debug, Default)]
pub struct Given {
    pub claimed: Vec<Claimed>,
    /// After this time its rate or its breaker may let more start.
    pub more_in: Option<Duration>,
}

/// Claims of one counted type, over its lanes in their order.
pub async fn claim_governed(db: &PgPool, worker: i64, lanes: &[Lane], limit: i32) -> sqlx::Result<Given> {
    let Some(task_type_id) = lanes.first().map(|lane| lane.task_type_id) else { return Ok(Given::default()) };
    let mut tx = db::begin_short(db).await?;
    let Some(mut governed) = lock(&mut tx, task_type_id).await? else { return Ok(Given::default()) };
    if governed.is_paused {
        return Ok(Given::default());
    }
    let before = governed.breaker.clone();
    let free = governed.free(limit);
    let mut claimed = Vec::new();
    if free > 0 {
        let lanes: Vec<_> = lanes.iter().map(|lane| Lane { after_seq: 0, quota: free, ..*lane }).collect();
        claimed = claim(&mut *tx, worker, &lanes, free.into(), Purpose::Counted).await?;
        let probe = governed.breaker.probing();
        claimed.iter_mut().for_each(|one| one.probe = probe);
        governed.claimed(claimed.len() as i32);
    }
    if claimed.is_empty() && governed.breaker == before {
        // As most looks do. A commit would wait for the disk, because of the lock alone.
        tx.rollback().await?;
    } else {
        save(&mut tx, task_type_id, &governed).await?;
        tx.commit().await?;
    }
    Ok(Given { claimed, more_in: governed.more_in() })
}

/// The type's row under a lock; none when there is no such type.
async fn lock(conn: &mut PgConnection, task_type_id: i32) -> sqlx::Result<Option<Governed>> {
    let row = sqlx::query!(
        r#"
        select clock_timestamp() as "now!", paused_at is not null as "is_paused!", max_running, running, rate_per_second, rate_burst,
            -- Refilled by the database's clock.
            least(coalesce(rate_burst, 0), tokens + coalesce(rate_per_second, 0)
                * least(extract(epoch from clock_timestamp() - greatest(tokens_at, now() - interval '1 day')), 86400)::float8) as "tokens!",
            breaker_failures, breaker_ratio, breaker_window_seconds, breaker_cooldown_seconds, breaker_probes,
            breaker as "breaker: BreakerState", is_manual, window_from, window_ok, window_failed, probe_at, times_opened, probes_claimed,
            probes_ok
        from task_type_state
        join task_types on task_types.id = task_type_state.task_type_id
        where task_type_state.task_type_id = $1
        for update of task_type_state
        "#,
        task_type_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Governed {
        now: row.now,
        is_paused: row.is_paused,
        max_running: row.max_running,
        running: row.running,
        rate: row.rate_per_second.zip(row.rate_burst).map(|(per_second, burst)| Rate { per_second, burst }),
        tokens: row.tokens,
        breaker_policy: row.breaker_failures.map(|failures| BreakerPolicy {
            failures,
            ratio: row.breaker_ratio.unwrap_or(1.0),
            window: seconds(row.breaker_window_seconds),
            cooldown: seconds(row.breaker_cooldown_seconds),
            probes: row.breaker_probes.unwrap_or(1),
        }),
        breaker: Breaker {
            state: row.breaker,
            is_manual: row.is_manual,
            window_from: row.window_from,
            window_ok: row.window_ok,
            window_failed: row.window_failed,
            probe_at: row.probe_at,
            times_opened: row.times_opened,
            probes_claimed: row.probes_claimed,
            probes_ok: row.probes_ok,
        },
    }))
}

fn seconds(stored: Option<f64>) -> Duration {
    Duration::try_from_secs_f64(stored.unwrap_or(0.0)).unwrap_or(Duration::MAX)
}

async fn save(conn: &mut PgConnection, task_type_id: i32, governed: &Governed) -> sqlx::Result<()> {
    let breaker = &governed.breaker;
    sqlx::query!(
        r#"
        update task_type_state
        set running = $2, tokens = $3, tokens_at = $4, window_from = $6, window_ok = $7, window_failed = $8, probe_at = $9,
            times_opened = $10, probes_claimed = $11, probes_ok = $12, changed_at = case breaker when $5 then changed_at else now() end,
            breaker = $5
        where task_type_id = $1
        "#,
        task_type_id,
        governed.running,
        governed.tokens,
        governed.now,
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

/// Attempts of one type that ended with the answer that a breaker counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub task_type_id: i32,
    /// The opening that they were probes of; none when the breaker was closed.
    pub probe: Option<i32>,
    pub ok: i32,
    pub failed: i32,
}

/// Tells the breaker of a type how attempts ended; says whether it changed its state. What runs goes on while the type is paused, so it
/// counts then, too.
pub async fn count(db: &PgPool, counted: Counted) -> sqlx::Result<bool> {
    let mut tx = db::begin_short(db).await?;
    let Some(mut governed) = lock(&mut tx, counted.task_type_id).await? else { return Ok(false) };
    let Some(policy) = governed.breaker_policy else { return Ok(false) };
    let before = governed.breaker.clone();
    governed.breaker.count(&policy, &counted, governed.now);
    if governed.breaker != before {
        save(&mut tx, counted.task_type_id, &governed).await?;
    }
    tx.commit().await?;
    Ok(governed.breaker.state != before.state)
}

/// Types that a worker must look at more closely.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Their breaker is not closed: probes go through [`claim_governed`].
    pub broken: Vec<i32>,
    /// Something of them failed lately: what succeeds counts, too.
    pub failing: Vec<i32>,
    /// Nothing of them may start but what already runs, and probes.
    pub held_back: Vec<i32>,
}

/// The types to look at more closely.
pub async fn watched(db: &PgPool) -> sqlx::Result<Watched> {
    let rows = sqlx::query!(
        r#"
        select task_type_id, breaker <> 'closed' as "is_broken!", window_failed > 0 as "is_failing!", paused_at is not null as "is_paused!"
        from task_type_state
        join task_types on task_types.id = task_type_id
        where breaker <> 'closed' or window_failed > 0 or paused_at is not null
        "#
    )
    .fetch_all(db)
    .await?;
    let mut watched = Watched::default();
    for row in rows {
        let id = row.task_type_id;
        watched.broken.extend(row.is_broken.then_some(id));
        watched.failing.extend((row.is_failing && !row.is_broken).then_some(id));
        watched.held_back.extend((row.is_broken || row.is_paused).then_some(id));
    }
    Ok(watched)
}
