//! What is done from time to time for all: by any worker, promoting what is due, making days of the history ahead, recounting; by tasks of
//! their own, dropping what is kept no longer.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use super::claim::Claimed;
use crate::{Result, db};

/// Rows that one statement promotes.
const AT_ONCE: i64 = 1000;
/// Days of history that are made ahead.
const DAYS_AHEAD: i32 = 2;

/// Makes tasks ready whose time has come; the answer is how many. They go to the end of their lane, where cursors find them.
pub async fn promote(db: &PgPool) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        with due as (
            select id from tasks where run_at <= now() order by run_at limit $1 for update skip locked
        )
        update tasks
        set run_at = null, seq = nextval('task_seq'), updated_at = now()
        from due
        where tasks.id = due.id
        "#,
        AT_ONCE,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// How long until the next task is due; none when none waits for a time.
pub async fn next_due(db: &PgPool) -> sqlx::Result<Option<Duration>> {
    let seconds = sqlx::query_scalar!(
        r#"
        select extract(epoch from min(run_at) - clock_timestamp())::float8
        from (select run_at from tasks where run_at is not null and run_at < 'infinity' order by run_at limit 1) as first
        "#
    )
    .fetch_one(db)
    .await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

/// Makes the history's tables of today and the next days, by the clock of the database: that of a worker may be far off.
pub async fn make_history(db: &PgPool) -> sqlx::Result<()> {
    for days in 0..=DAYS_AHEAD {
        sqlx::query!("select make_history_of((now() at time zone 'UTC')::date + $1::int)", days).execute(db).await?;
    }
    Ok(())
}

/// Drops days of history that are older than they are kept, by the clock of the database; the answer is how many days.
pub async fn prune_history(db: &PgPool, days: u32) -> sqlx::Result<u64> {
    let dropped = sqlx::query_scalar!(
        r#"select drop_history_before((now() at time zone 'UTC')::date - $1::int) as "dropped!""#,
        i32::try_from(days).unwrap_or(i32::MAX),
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(dropped).unwrap_or_default())
}

/// Deletes figures that are older than they are kept; the answer is how many rows.
pub async fn prune_figures(db: &PgPool, days: u32) -> sqlx::Result<u64> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let stats = sqlx::query!("delete from task_stats where minute < now() - make_interval(days => $1)", days);
    let samples = sqlx::query!("delete from queue_samples where minute < now() - make_interval(days => $1)", days);
    Ok(stats.execute(db).await?.rows_affected() + samples.execute(db).await?.rows_affected())
}

/// Deletes unique keys whose time is over; the answer is how many.
pub async fn purge_uniques(db: &PgPool) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from task_uniques where expires_at < now()").execute(db).await?.rows_affected())
}

/// How many tasks lie in the days of history before the last `days`, by the clock of the database.
pub async fn count_history(conn: &mut PgConnection, days: i32) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from task_history
        where finished_at < ((now() at time zone 'UTC')::date - $1::int)::timestamp at time zone 'UTC'
        "#,
        days,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Drops the days of history before the last `days`; the answer is how many days.
pub async fn drop_history(conn: &mut PgConnection, days: i32) -> Result<i32> {
    let dropped = sqlx::query_scalar!(
        r#"select drop_history_before((now() at time zone 'UTC')::date - $1::int) as "dropped!""#,
        days,
    )
    .fetch_one(conn)
    .await?;
    Ok(dropped)
}

/// Counts anew how many tasks of each limited type run. Under the lock that every claim of the type takes, so nothing changes meanwhile.
pub async fn recount(db: &PgPool) -> sqlx::Result<()> {
    let mut tx = db::begin_short(db).await?;
    let limited = sqlx::query_scalar!(
        r#"
        select task_type_id
        from task_type_state
        join task_types on task_types.id = task_type_id
        where max_running is not null
        order by task_type_id
        for update of task_type_state
        "#
    )
    .fetch_all(&mut *tx)
    .await?;
    if limited.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update task_type_state
        set running = (
            select count(*)
            from worker_lanes
            join tasks on tasks.task_type_id = worker_lanes.task_type_id and tasks.priority = worker_lanes.priority
                and tasks.run_at is null and tasks.seq <= worker_lanes.claimed_up_to and tasks.worker_id = worker_lanes.worker_id
            where worker_lanes.task_type_id = task_type_state.task_type_id
        )
        where task_type_id = any($1)
        "#,
        &limited,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Notes how far a task is, if the claim still holds.
pub async fn note_progress(db: &PgPool, claimed: &Claimed, percent: f32, message: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into task_progress (task_id, percent, message)
        select id, $3, $4 from tasks where id = $1 and lease_epoch = $2
        on conflict (task_id) do update set percent = excluded.percent, message = excluded.message, updated_at = now()
        "#,
        claimed.id,
        claimed.lease_epoch,
        percent,
        message,
    )
    .execute(db)
    .await?;
    Ok(())
}
