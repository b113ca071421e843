//! What only tests do with the tables: letting time pass, and reading what waits.

use chrono::{DateTime, Utc};
use model::tasks::Priority;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Moves rows into the past; the days and minutes of the figures follow by [`move_totals`] and [`move_figures`].
pub async fn move_moments(conn: &mut PgConnection, seconds: f64) -> sqlx::Result<()> {
    sqlx::query_file!("src/tasks/queue/pass_time.sql", seconds).execute(&mut *conn).await?;
    sqlx::query!(
        r#"
        update webhook_hosts
        set window_from = window_from - make_interval(secs => $1), probe_at = probe_at - make_interval(secs => $1),
            changed_at = changed_at - make_interval(secs => $1)
        "#,
        seconds,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the history up anew, for its rows have moved to other days.
pub async fn move_totals(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("delete from task_totals").execute(&mut *conn).await?;
    sqlx::query!(
        r#"
        insert into task_totals (day, status, spread, total)
        select (finished_at at time zone 'UTC')::date, status, 0, count(*)
        from task_history
        group by 1, 2
        "#
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the figures of each minute to an earlier one.
pub async fn move_figures(conn: &mut PgConnection, seconds: f64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with moved as (
            delete from task_stats returning *
        )
        insert into task_stats (minute, task_type_id, worker_id, completed, failed, retried, cancelled, run_ms, wait_ms, run_histogram)
        select minute - make_interval(secs => $1), task_type_id, worker_id, completed, failed, retried, cancelled,
            run_ms, wait_ms, run_histogram
        from moved
        -- All are gone before the first one comes.
        order by minute
        "#,
        seconds,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A task that no worker runs.
pub struct Idle {
    pub id: Uuid,
    pub payload: Value,
    pub payload_version: i16,
    pub priority: Priority,
    pub owner: Option<Uuid>,
    pub attempts: i32,
    pub run_at: Option<DateTime<Utc>>,
    pub waits_for: i32,
}

/// The tasks of a type that no worker runs, in the order in which they were put where they stand.
pub async fn idle(db: &PgPool, task_type: &str) -> sqlx::Result<Vec<Idle>> {
    sqlx::query_as!(
        Idle,
        r#"
        select tasks.id, payload, tasks.payload_version, priority as "priority: Priority", created_by as owner, attempts,
            nullif(run_at, 'infinity') as run_at, pending_deps as waits_for
        from tasks
        join task_types on task_types.id = task_type_id
        where name = $1 and worker_id is null
        order by seq
        "#,
        task_type,
    )
    .fetch_all(db)
    .await
}
