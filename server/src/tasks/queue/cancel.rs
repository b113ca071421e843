//! Out of the queue by request: cancelling what is alive, deleting what has ended.

use chrono::{DateTime, Utc};
use model::tasks::{TaskFilter, TaskStatus};
use sqlx::PgConnection;
use uuid::Uuid;

use super::lease::put_back;
use super::settle::Ended;
use crate::Result;

/// Tasks cancelled in one transaction when many are.
const AT_ONCE: i64 = 500;

/// Cancels, in the caller's transaction, what waits and tells what runs to stop; none when there is no such task or it has ended. Steps of a chain that wait for it
/// are cancelled with it.
pub async fn cancel(conn: &mut PgConnection, id: Uuid, owner: Option<Uuid>) -> Result<Vec<Ended>> {
    let marked = sqlx::query!(
        r#"
        update tasks
        set cancel_requested = true, updated_at = now()
        where id = $1 and ($2::uuid is null or created_by = $2)
        returning id, created_by, worker_id is not null as "is_running!"
        "#,
        id,
        owner,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let ended = match marked {
        None => Vec::new(),
        Some(task) if task.is_running => vec![told(task.id, task.created_by)],
        Some(task) => put_back(conn, &[task.id], None).await?,
    };
    let orphans = cancel_orphans(conn).await?;
    Ok([ended, orphans].concat())
}

fn told(id: Uuid, owner: Option<Uuid>) -> Ended {
    Ended { id, owner, status: TaskStatus::Running, is_ready: false }
}

/// Cancels, in the caller's transaction, up to some hundred tasks that match and were there before; the answer is empty when none is left.
pub async fn cancel_some(conn: &mut PgConnection, filter: &TaskFilter, before: DateTime<Utc>) -> Result<Vec<Ended>> {
    let marked = sqlx::query!(
        r#"
        with chosen as (
            select tasks.id
            from tasks
            join task_types on task_types.id = tasks.task_type_id
            where not cancel_requested and tasks.created_at <= $1 and ($2::text is null or task_types.name = $2)
              and ($3::smallint is null or tasks.priority = $3)
              and ($4::task_status is null or $4 = case when worker_id is not null then 'running'::task_status
                  when attempts > 0 then 'retrying' else 'pending' end)
            order by tasks.id
            limit $5
            for update of tasks
        )
        update tasks
        set cancel_requested = true, updated_at = now()
        from chosen
        where tasks.id = chosen.id
        returning tasks.id, created_by, worker_id is not null as "is_running!"
        "#,
        before,
        filter.task_type,
        filter.priority.map(|priority| priority as i16),
        filter.status as Option<TaskStatus>,
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let waiting: Vec<_> = marked.iter().filter(|task| !task.is_running).map(|task| task.id).collect();
    let mut ended: Vec<_> =
        marked.iter().filter(|task| task.is_running).map(|task| told(task.id, task.created_by)).collect();
    ended.extend(put_back(conn, &waiting, None).await?);
    ended.extend(cancel_orphans(conn).await?);
    Ok(ended)
}

/// Cancels steps of chains whose step before is gone without having succeeded, and the steps after those.
pub async fn cancel_orphans(conn: &mut PgConnection) -> sqlx::Result<Vec<Ended>> {
    let mut cancelled = Vec::new();
    loop {
        let orphans = sqlx::query_scalar!(
            r#"
            with orphaned as (
                delete from task_dependencies
                where needs_success and not exists (select 1 from tasks where tasks.id = prerequisite_id)
                  and not exists (select 1 from dead_tasks where dead_tasks.id = prerequisite_id)
                returning dependent_id
            )
            update tasks
            set cancel_requested = true, updated_at = now()
            from (select distinct dependent_id from orphaned) as orphaned
            where tasks.id = orphaned.dependent_id
            returning tasks.id
            "#
        )
        .fetch_all(&mut *conn)
        .await?;
        if orphans.is_empty() {
            return Ok(cancelled);
        }
        cancelled.extend(put_back(&mut *conn, &orphans, None).await?);
    }
}

/// Deletes, in the caller's transaction, an ended task; none when there is no such task, or it has not ended. The answer is what was cancelled with it.
pub async fn delete(conn: &mut PgConnection, id: Uuid, owner: Option<Uuid>) -> Result<Option<Vec<Ended>>> {
    let deleted = sqlx::query_scalar!(
        r#"
        with forgotten as (
            delete from task_history where id = $1 and ($2::uuid is null or created_by = $2) returning status, finished_at
        ), buried as (
            delete from dead_tasks where id = $1 and ($2::uuid is null or created_by = $2) returning id
        ), totalled as (
            insert into task_totals (day, status, spread, total)
            select (finished_at at time zone 'UTC')::date, status, 0, -1 from forgotten
            on conflict (day, status, spread) do update set total = task_totals.total - 1
        )
        select (select count(*) from forgotten) + (select count(*) from buried) as "count!"
        "#,
        id,
        owner,
    )
    .fetch_one(&mut *conn)
    .await?;
    let orphans = cancel_orphans(conn).await?;
    Ok((deleted > 0).then_some(orphans))
}
