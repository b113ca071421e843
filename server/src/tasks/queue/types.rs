//! `task_types`: what workers know, how it is treated, and whether it is paused.

use model::tasks::{RetryStrategy, TaskType};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;
use crate::tasks::kinds::Kind;

/// A type as a worker needs it: its number in the lanes, and its kind.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: i32,
    pub name: String,
    /// Claimed apart, because its tasks are counted over all priorities.
    pub is_governed: bool,
    pub max_per_worker: Option<usize>,
}

/// Enters the kinds of this program with their policies; what an administrator switched off or paused stays so.
pub async fn register(db: &PgPool, kinds: impl Iterator<Item = &Kind>) -> sqlx::Result<Vec<Known>> {
    let mut known = Vec::new();
    for kind in kinds {
        let id = register_one(&mut *db.acquire().await?, kind).await?;
        let policy = &kind.policy;
        known.push(Known {
            id,
            name: kind.name.into(),
            is_governed: policy.is_governed() || policy.max_per_worker.is_some(),
            max_per_worker: policy.max_per_worker,
        });
    }
    Ok(known)
}

async fn register_one(conn: &mut PgConnection, kind: &Kind) -> sqlx::Result<i32> {
    let policy = &kind.policy;
    let breaker = policy.breaker;
    sqlx::query_scalar!(
        r#"
        with entered as (
            insert into task_types (name, description, payload_version, retry_strategy, keep_completed, max_running,
                rate_per_second, rate_burst, breaker_failures, breaker_ratio, breaker_window_seconds, breaker_cooldown_seconds,
                breaker_probes, registered_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now())
            on conflict on constraint task_types_name_key do update
            set description = excluded.description, payload_version = excluded.payload_version, retry_strategy = excluded.retry_strategy,
                keep_completed = excluded.keep_completed, max_running = excluded.max_running, rate_per_second = excluded.rate_per_second,
                rate_burst = excluded.rate_burst, breaker_failures = excluded.breaker_failures, breaker_ratio = excluded.breaker_ratio,
                breaker_window_seconds = excluded.breaker_window_seconds, breaker_cooldown_seconds = excluded.breaker_cooldown_seconds,
                breaker_probes = excluded.breaker_probes, registered_at = now(), updated_at = now()
            returning id
        ), stated as (
            insert into task_type_state (task_type_id) select id from entered on conflict do nothing
        )
        select id from entered
        "#,
        kind.name,
        kind.description,
        kind.version,
        Json(&policy.retry) as _,
        policy.keep_completed,
        policy.max_running,
        policy.rate.map(|rate| rate.per_second),
        policy.rate.map(|rate| rate.burst),
        breaker.map(|breaker| breaker.failures),
        breaker.map(|breaker| breaker.ratio),
        breaker.map(|breaker| breaker.window.as_secs_f64()),
        breaker.map(|breaker| breaker.cooldown.as_secs_f64()),
        breaker.map(|breaker| breaker.probes),
    )
    .fetch_one(conn)
    .await
}

/// The registered types, by name.
pub async fn types(db: &PgPool) -> Result<Vec<TaskType>> {
    let types = sqlx::query_as!(
        TaskType,
        r#"
        select name as task_type, description, is_active, paused_at is not null as "is_paused!", created_at, updated_at
        from task_types
        order by name
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(types)
}

/// Enters a type by hand, or changes its description; a worker that knows the kind runs its tasks.
pub async fn define(conn: &mut PgConnection, name: &str, description: Option<&str>) -> Result<TaskType> {
    let defined = sqlx::query_as!(
        TaskType,
        r#"
        with entered as (
            insert into task_types (name, description, retry_strategy)
            values ($1, $2, $3)
            on conflict on constraint task_types_name_key do update
            set description = excluded.description, is_active = true, updated_at = now()
            returning *
        ), stated as (
            insert into task_type_state (task_type_id) select id from entered on conflict do nothing
        )
        select name as task_type, description, is_active, paused_at is not null as "is_paused!", created_at, updated_at from entered
        "#,
        name,
        description,
        Json(RetryStrategy::default()) as _,
    )
    .fetch_one(conn)
    .await?;
    Ok(defined)
}

/// Holds the tasks of a type back; what runs goes on. No when there is no such type.
pub async fn pause(conn: &mut PgConnection, name: &str, reason: &str, by: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        update task_types
        set paused_at = coalesce(paused_at, now()), paused_reason = $2, paused_by = $3, updated_at = now()
        where name = $1
        "#,
        name,
        reason,
        by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets the tasks of a type go on. No when there is no such type.
pub async fn resume(conn: &mut PgConnection, name: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update task_types set paused_at = null, paused_reason = null, paused_by = null, updated_at = now() where name = $1",
        name,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
