//! Where in the program an attempt failed, and the causes; a row an attempt, for administrators only.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::settle::Settlement;
use crate::Result;

/// The trace of the attempt that failed at this time.
#[derive(Clone, Debug)]
pub struct Traced {
    pub at: DateTime<Utc>,
    pub trace: String,
}

/// Keeps the traces of attempts, in the transaction that settles them: by that their time is the one of the error. One of a task that was taken
/// from this worker is dropped.
pub async fn keep_traces(conn: &mut PgConnection, worker: i64, batch: &[Settlement]) -> sqlx::Result<()> {
    let traced: Vec<_> = batch.iter().filter(|one| one.trace.is_some()).collect();
    let ids: Vec<_> = traced.iter().map(|one| one.claimed.id).collect();
    let epochs: Vec<_> = traced.iter().map(|one| one.claimed.lease_epoch).collect();
    let traces: Vec<_> = traced.iter().filter_map(|one| one.trace.clone()).collect();
    sqlx::query!(
        r#"
        insert into attempt_traces (task_id, attempt, at, trace)
        select id, attempts, now(), trace
        from unnest($2::uuid[], $3::int[], $4::text[]) as given (task_id, epoch, trace)
        join tasks on tasks.id = given.task_id and worker_id = $1 and lease_epoch = epoch
        on conflict do nothing
        "#,
        worker,
        &ids,
        &epochs,
        &traces,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The traces of a task.
pub async fn traces(db: &PgPool, task_id: Uuid) -> Result<Vec<Traced>> {
    let traces = sqlx::query_as!(Traced, "select at, trace from attempt_traces where task_id = $1", task_id);
    Ok(traces.fetch_all(db).await?)
}

/// Forgets the traces of tasks that are deleted.
pub async fn forget_traces(conn: &mut PgConnection, task_ids: &[Uuid]) -> Result<()> {
    sqlx::query!("delete from attempt_traces where task_id = any($1)", task_ids).execute(conn).await?;
    Ok(())
}

/// Deletes the traces of tasks that have gone with the history; only those that are older are looked at. The answer is how many.
pub async fn purge_traces(db: &PgPool, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        delete from attempt_traces
        where at < now() - make_interval(days => $1) and not exists (select 1 from all_tasks where all_tasks.id = task_id)
        "#,
        days,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
