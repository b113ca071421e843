//! Figures for operators: how deep the lanes are, who works, and how the last minutes went. None of it counts the history.

use chrono::{DateTime, Utc};
use model::tasks::Priority;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::breaker::BreakerState;
use crate::Result;

/// The database's time, which is the one that rows are compared with.
pub async fn now(db: &PgPool) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(db).await?)
}

/// One lane that has something to do, and how its type is treated at the moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LaneDepth {
    pub task_type: String,
    #[schema(inline)]
    pub priority: Priority,
    /// 10 000 at most: counting further costs more than it says.
    pub ready: i64,
    /// Seconds that the oldest ready task has been waiting.
    pub oldest_ready_seconds: Option<f64>,
}

/// Depths of all lanes that are not empty.
pub async fn depths(db: &PgPool) -> Result<Vec<LaneDepth>> {
    let depths = sqlx::query_as!(
        LaneDepth,
        r#"
        select name as task_type, lane.priority as "priority!: Priority", counted.ready as "ready!", counted.oldest as oldest_ready_seconds
        from task_types
        cross join generate_series(3, 0, -1) with ordinality as lane (priority, place)
        cross join lateral (
            select count(*) as ready, extract(epoch from now() - min(updated_at))::float8 as oldest
            from (
                select updated_at
                from tasks
                where task_type_id = task_types.id and tasks.priority = lane.priority and run_at is null and worker_id is null
                order by seq
                limit 10000
            ) as ready
        ) as counted
        where counted.ready > 0
        order by lane.place, name
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(depths)
}

/// A worker as its row tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerSeen {
    pub id: i64,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub task_types: Vec<String>,
    pub concurrency: i32,
    pub started_at: DateTime<Utc>,
    /// Seconds until its lease lapses; below zero it is about to be declared dead.
    pub lease_seconds: f64,
    pub is_draining: bool,
    pub running: i32,
    pub done: i64,
    /// Results that were dropped because the task had been taken from it.
    pub fenced_out: i64,
}

/// The workers, the oldest first.
pub async fn workers(db: &PgPool) -> Result<Vec<WorkerSeen>> {
    let workers = sqlx::query_as!(
        WorkerSeen,
        r#"
        select id, host, pid, version, task_types, concurrency, started_at,
            extract(epoch from lease_until - now())::float8 as "lease_seconds!", is_draining, running, done, fenced_out
        from workers
        order by id
        limit 1000
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(workers)
}

/// The attempts of one type that ended in one minute, over all workers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Minute {
    pub minute: DateTime<Utc>,
    pub task_type: String,
    pub completed: i64,
    pub failed: i64,
    pub retried: i64,
    pub cancelled: i64,
    /// Milliseconds that the attempts ran, and that they had waited, added up.
    pub run_ms: i64,
    pub wait_ms: i64,
    /// Attempts that ran for up to 1, 2, 5, 10, 20, 50 … 100 000 ms, and longer.
    pub run_histogram: Vec<i64>,
}

/// The last so many minutes, the oldest first.
pub async fn minutes(db: &PgPool, count: i32) -> Result<Vec<Minute>> {
    let minutes = sqlx::query_as!(
        Minute,
        r#"
        select minute, name as task_type, sum(completed)::bigint as "completed!", sum(failed)::bigint as "failed!",
            sum(retried)::bigint as "retried!", sum(cancelled)::bigint as "cancelled!", sum(run_ms)::bigint as "run_ms!",
            sum(wait_ms)::bigint as "wait_ms!",
            array[sum(run_histogram[1]), sum(run_histogram[2]), sum(run_histogram[3]), sum(run_histogram[4]), sum(run_histogram[5]),
                  sum(run_histogram[6]), sum(run_histogram[7]), sum(run_histogram[8]), sum(run_histogram[9]), sum(run_histogram[10]),
                  sum(run_histogram[11]), sum(run_histogram[12]), sum(run_histogram[13]), sum(run_histogram[14]), sum(run_histogram[15]),
                  sum(run_histogram[16]), sum(run_histogram[17])]::bigint[] as "run_histogram!"
        from task_stats
        join task_types on task_types.id = task_type_id
        where minute > now() - make_interval(mins => $1)
        group by minute, name
        order by minute, name
        "#,
        count,
    )
    .fetch_all(db)
    .await?;
    Ok(minutes)
}

/// A type as an operator sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TypeSeen {
    pub task_type: String,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_reason: Option<String>,
    #[schema(inline)]
    pub breaker: BreakerState,
    /// Set by a person, until a person changes it.
    pub is_breaker_manual: bool,
    pub breaker_failures: i32,
    /// When an open breaker lets probes through.
    pub probe_at: Option<DateTime<Utc>>,
    pub max_running: Option<i32>,
    pub rate_per_second: Option<f64>,
}

/// All types, by name.
pub async fn types_seen(db: &PgPool) -> Result<Vec<TypeSeen>> {
    let types = sqlx::query_as!(
        TypeSeen,
        r#"
        select name as task_type, paused_at, paused_reason, breaker as "breaker: BreakerState", is_manual as is_breaker_manual,
            window_failed as breaker_failures, probe_at, max_running, rate_per_second
        from task_types
        join task_type_state on task_type_id = task_types.id
        order by name
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(types)
}
