//! Out of the queue by request: cancelling what is alive, deleting what has ended.

use model::tasks::TaskStatus;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lease::put_back;
use super::settle::Ended;
use crate::Result;

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

/// Cancels, in the caller's transaction, those of the tasks that are alive and, with a state, still stand there; those that run are told to stop.
pub async fn cancel_all(conn: &mut PgConnection, ids: &[Uuid], status: Option<TaskStatus>) -> Result<Vec<Ended>> {
    let marked = sqlx::query!(
        r#"
        with chosen as (
            select id
            from tasks
            where id = any($1) and not cancel_requested
              and ($2::task_status is null or $2 = case when worker_id is not null then 'running'::task_status
                  when attempts > 0 then 'retrying' else 'pending' end)
            order by id
            for update
        )
        update tasks
        set cancel_requested = true, updated_at = now()
        from chosen
        where tasks.id = chosen.id
        returning tasks.id, created_by, worker_id is not null as "is_running!"
        "#,
        ids,
        status as Option<TaskStatus>,
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

/// Deletes, in the caller's transaction, those of the tasks that have ended and, with a state, still stand there; the answer is how many, and what was
/// cancelled with them.
pub async fn delete_all(
    conn: &mut PgConnection,
    ids: &[Uuid],
    status: Option<TaskStatus>,
) -> Result<(i64, Vec<Ended>)> {
    let deleted = sqlx::query_scalar!(
        r#"
        with forgotten as (
            delete from task_history where id = any($1) and ($2::task_status is null or status = $2) returning status, finished_at
        ), buried as (
            delete from dead_tasks where id = any($1) and ($2 is null or $2 = 'failed') returning id
        ), totalled as (
            insert into task_totals (day, status, spread, total)
            select (finished_at at time zone 'UTC')::date, status, 0, -count(*) from forgotten group by 1, 2 order by 1, 2
            on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
        )
        select (select count(*) from forgotten) + (select count(*) from buried) as "count!"
        "#,
        ids,
        status as Option<TaskStatus>,
    )
    .fetch_one(&mut *conn)
    .await?;
    let orphans = cancel_orphans(conn).await?;
    Ok((deleted, orphans))
}
