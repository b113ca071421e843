//! From ready to running, in batches.

use model::tasks::RetryStrategy;
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

/// A type and a priority, and how far this worker has read and may take of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    pub task_type_id: i32,
    pub priority: i16,
    /// Rows up to this one are not looked at: they have been claimed, or are not ready.
    pub after_seq: i64,
    pub quota: i32,
}

/// A task that this process holds under a lease.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    pub id: Uuid,
    pub seq: i64,
    pub task_type_id: i32,
    pub priority: i16,
    pub payload: Value,
    pub payload_version: i16,
    pub attempt: i32,
    pub max_attempts: i32,
    /// The task's own; the kind's when there is none.
    pub retry_strategy: Option<Json<RetryStrategy>>,
    /// Fences this claim off from earlier and later ones.
    pub lease_epoch: i32,
    pub created_by: Option<Uuid>,
    /// Milliseconds that it had been ready.
    pub waited_ms: i64,
    /// The opening of its type's breaker that it is a probe of.
    pub probe: Option<i32>,
}

/// How far beyond what is claimed the mark of a lane is set, in numbers: whoever reads up to it reads so many tasks more at most, and not each claim
/// writes the mark anew. Its versions would all stay for as long as some transaction stays open.
const MARKED_AHEAD: i64 = 1000;

/// What a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Free places: of types whose breaker is closed.
    Places,
    /// More than there are places (prefetch). Besides, none of which a worker has died: each death counts against all that the dead worker
    /// held, so those may not have many neighbours.
    Ahead,
    /// A counted type, in any state of its breaker: the caller has locked it and counts.
    Counted,
}

/// Takes up to `limit` tasks, lane by lane in the order given and in the order of the queue within a lane.
///
/// A worker without a lease gets none. The lock on its row makes a rescue wait for claims that have begun, so that it sees what they
/// took. Types that are paused give nothing.
pub async fn claim(
    db: impl PgExecutor<'_>,
    worker: i64,
    lanes: &[Lane],
    limit: i64,
    purpose: Purpose,
) -> sqlx::Result<Vec<Claimed>> {
    let types: Vec<_> = lanes.iter().map(|lane| lane.task_type_id).collect();
    let priorities: Vec<_> = lanes.iter().map(|lane| lane.priority).collect();
    let after: Vec<_> = lanes.iter().map(|lane| lane.after_seq).collect();
    let quotas: Vec<_> = lanes.iter().map(|lane| lane.quota).collect();
    sqlx::query_as!(
        Claimed,
        r#"
        with me as materialized (
            select id from workers where id = $1 and lease_until > now() for key share
        ), lanes as materialized (
            select lane.*
            from unnest($2::int[], $3::smallint[], $4::bigint[], $5::int[]) with ordinality
                as lane (task_type_id, priority, after_seq, quota, place)
            join task_types on task_types.id = lane.task_type_id and task_types.paused_at is null
            join task_type_state as state on state.task_type_id = lane.task_type_id and (state.breaker = 'closed' or $7)
            order by lane.place
        ), due as materialized (
            select picked.place
            from me
            cross join lanes
            cross join lateral (
                select tasks.ctid as place
                from tasks
                where tasks.task_type_id = lanes.task_type_id and tasks.priority = lanes.priority and tasks.run_at is null
                  and tasks.seq > lanes.after_seq and tasks.worker_id is null and (tasks.rescues = 0 or not $8)
                order by tasks.seq
                limit lanes.quota
                for update of tasks skip locked
            ) as picked
            limit $6
        ), claimed as (
            update tasks
            set worker_id = $1, attempts = attempts + 1, lease_epoch = lease_epoch + 1, started_at = now()
            where tasks.ctid = any(array(select place from due))
            returning tasks.*
        ), marked as (
            insert into worker_lanes (worker_id, task_type_id, priority, claimed_up_to)
            select $1, task_type_id, priority, max(seq) + $9 from claimed group by task_type_id, priority
            having max(seq) > coalesce((select claimed_up_to from worker_lanes as mark where mark.worker_id = $1
                and mark.task_type_id = claimed.task_type_id and mark.priority = claimed.priority), -1)
            on conflict (worker_id, task_type_id, priority) do update
            set claimed_up_to = greatest(worker_lanes.claimed_up_to, excluded.claimed_up_to)
        )
        select id as "id!", seq as "seq!", task_type_id as "task_type_id!", priority as "priority!", payload as "payload!",
            payload_version as "payload_version!", attempts as "attempt!", max_attempts as "max_attempts!",
            retry_strategy as "retry_strategy: Json<RetryStrategy>", lease_epoch as "lease_epoch!", created_by,
            greatest(0, extract(epoch from started_at - updated_at) * 1000)::bigint as "waited_ms!", null::int as probe
        from claimed
        order by priority desc, seq
        "#,
        worker,
        &types,
        &priorities,
        &after,
        &quotas,
        limit,
        purpose == Purpose::Counted,
        purpose == Purpose::Ahead,
        MARKED_AHEAD,
    )
    .fetch_all(db)
    .await
}

/// How far numbers and transactions have come at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// The number given last.
    pub last_seq: i64,
    /// The oldest transaction that has not ended.
    pub oldest: i64,
    /// The newest transaction: the one that looks.
    pub newest: i64,
}

/// Where numbers and transactions stand. Takes the number of a transaction: those that are given already are lower, whether they have ended or not.
pub async fn horizon(db: impl PgExecutor<'_>) -> sqlx::Result<Horizon> {
    sqlx::query_as!(
        Horizon,
        r#"
        select coalesce(pg_sequence_last_value('task_seq'), 0) as "last_seq!", pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "oldest!",
            pg_current_xact_id()::text::bigint as "newest!"
        "#,
    )
    .fetch_one(db)
    .await
}
