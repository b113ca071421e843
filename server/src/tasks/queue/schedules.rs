//! `task_schedules`: tasks that come again and again. A schedule fires in the transaction that moves its next time, so it fires once
//! over any number of workers.

use chrono::{DateTime, Utc};
use model::tasks::{Missed, NewSchedule, Priority, Schedule};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// A schedule whose time has come, under a lock.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: Uuid,
    pub name: String,
    pub task_type: String,
    pub payload: Value,
    pub priority: Priority,
    pub cron: String,
    pub time_zone: String,
    pub missed: Missed,
    pub next_at: DateTime<Utc>,
    pub created_by: Option<Uuid>,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// One schedule that is due; what another worker is firing is passed over.
pub async fn due(conn: &mut PgConnection) -> sqlx::Result<Option<Due>> {
    sqlx::query_as!(
        Due,
        r#"
        select task_schedules.id, task_schedules.name, task_types.name as task_type, payload, priority as "priority: Priority", cron,
            time_zone, missed as "missed: Missed", next_at as "next_at!", task_schedules.created_by, now() as "now!"
        from task_schedules
        join task_types on task_types.id = task_type_id
        where not is_paused and next_at <= now()
        order by next_at
        limit 1
        for update of task_schedules skip locked
        "#
    )
    .fetch_optional(conn)
    .await
}

/// Moves a schedule on after it has fired.
pub async fn fired(
    conn: &mut PgConnection,
    id: Uuid,
    at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
    task: Option<Uuid>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update task_schedules
        set last_at = $2, next_at = $3, last_task_id = coalesce($4, last_task_id), updated_at = now()
        where id = $1
        "#,
        id,
        at,
        next_at,
        task,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All schedules, by name, or one.
pub async fn list(db: &PgPool, id: Option<Uuid>) -> Result<Vec<Schedule>> {
    let schedules = sqlx::query_as!(
        Schedule,
        r#"
        select task_schedules.id, task_schedules.name, task_types.name as task_type, payload, priority as "priority: Priority", cron, time_zone,
            missed as "missed: Missed", is_paused, next_at, last_at, last_task_id, task_schedules.created_by, task_schedules.created_at,
            task_schedules.updated_at
        from task_schedules
        join task_types on task_types.id = task_type_id
        where $1::uuid is null or task_schedules.id = $1
        order by task_schedules.name
        limit 1000
        "#,
        id,
    )
    .fetch_all(db)
    .await?;
    Ok(schedules)
}

/// One schedule, under a lock.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Schedule>> {
    let schedule = sqlx::query_as!(
        Schedule,
        r#"
        select task_schedules.id, task_schedules.name, task_types.name as task_type, payload, priority as "priority: Priority", cron, time_zone,
            missed as "missed: Missed", is_paused, next_at, last_at, last_task_id, task_schedules.created_by, task_schedules.created_at,
            task_schedules.updated_at
        from task_schedules
        join task_types on task_types.id = task_type_id
        where task_schedules.id = $1
        for update of task_schedules
        "#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(schedule)
}

/// Writes a schedule, new or changed; none when its type is not registered. The name is unique, judged by `task_schedules_name_key`.
pub async fn save(
    conn: &mut PgConnection,
    id: Uuid,
    new: &NewSchedule,
    next_at: Option<DateTime<Utc>>,
    by: Uuid,
) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into task_schedules (id, name, task_type_id, payload, priority, cron, time_zone, missed, is_paused, next_at, created_by)
        select $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11 from task_types where name = $3
        on conflict (id) do update
        set name = excluded.name, task_type_id = excluded.task_type_id, payload = excluded.payload, priority = excluded.priority,
            cron = excluded.cron, time_zone = excluded.time_zone, missed = excluded.missed, is_paused = excluded.is_paused,
            next_at = excluded.next_at, updated_at = now()
        "#,
        id,
        new.name,
        new.task_type,
        new.payload,
        new.priority.unwrap_or_default() as i16,
        new.cron,
        new.time_zone,
        new.missed as Missed,
        new.is_paused,
        next_at,
        by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Enters a schedule of the program, unless it is there already, however it may have been changed; no as well when its type is not registered.
pub async fn enter(
    conn: &mut PgConnection,
    id: Uuid,
    new: &NewSchedule,
    next_at: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into task_schedules (id, name, task_type_id, payload, priority, cron, time_zone, missed, next_at)
        select $1, $2, id, $4, $5, $6, $7, $8, $9 from task_types where name = $3
        on conflict do nothing
        "#,
        id,
        new.name,
        new.task_type,
        new.payload,
        new.priority.unwrap_or_default() as i16,
        new.cron,
        new.time_zone,
        new.missed as Missed,
        next_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a schedule.
pub async fn delete(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("delete from task_schedules where id = $1", id).execute(conn).await?;
    Ok(())
}
