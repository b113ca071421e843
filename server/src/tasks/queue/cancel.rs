//! Out of the queue by request: cancelling what is alive, deleting what has ended.

use chrono::{DateTime, Utc};
use model::tasks::TaskStatus;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lease::put_back;
use super::narrow::Narrow;
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
pub async fn cancel_some(conn: &mut PgConnection, narrow: &Narrow, before: DateTime<Utc>) -> Result<Vec<Ended>> {
    let marked = sqlx::query!(
        r#"
        with chosen as (
            select tasks.id
            from tasks
            where not cancel_requested and created_at <= $1
              and ($2::int is null or task_type_id = $2)
              and ($3::smallint is null or priority = $3)
              and ($4::task_status is null or $4 = case when worker_id is not null then 'running'::task_status
                  when attempts > 0 then 'retrying' else 'pending' end)
              and ($5::uuid is null or created_by = $5)
              and ($6::uuid is null or id >= $6)
              and ($7::uuid is null or id < $7)
              and ($8::text is null or payload::text ilike $8 or errors::text ilike $8)
              and $9::text is null
            order by id
            limit $10
            for update
        )
        update tasks
        set cancel_requested = true, updated_at = now()
        from chosen
        where tasks.id = chosen.id
        returning tasks.id, created_by, worker_id is not null as "is_running!"
        "#,
        before,
        narrow.type_id,
        narrow.priority,
        narrow.status as Option<TaskStatus>,
        narrow.owner,
        narrow.from,
        narrow.below,
        narrow.pattern,
        narrow.error,
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

/// What a step of deleting many has done.
#[derive(Debug)]
pub struct Deleted {
    pub tasks: i64,
    /// The last one; the next step begins behind it.
    pub last: Option<Uuid>,
    /// Cancelled with them.
    pub orphans: Vec<Ended>,
}

/// Deletes, in the caller's transaction, up to some hundred ended tasks that match, ended before and come behind `after`. In order of ids,
/// so that nothing is looked at twice.
pub async fn delete_some(
    conn: &mut PgConnection,
    narrow: &Narrow,
    before: DateTime<Utc>,
    after: Option<Uuid>,
) -> Result<Deleted> {
    let deleted = sqlx::query!(
        r#"
        with chosen as (
            select id
            from all_tasks
            where finished_at <= $1
              and ($2::int is null or task_type_id = $2)
              and ($3::smallint is null or priority = $3)
              and ($4::task_status is null or status = $4)
              and ($5::uuid is null or created_by = $5)
              and ($6::uuid is null or id >= $6)
              and ($7::uuid is null or id < $7)
              and ($8::text is null or payload::text ilike $8 or errors::text ilike $8)
              and ($9::text is null or error_group = $9)
              and ($10::uuid is null or id > $10)
            order by id
            limit $11
        ), forgotten as (
            delete from task_history using chosen where task_history.id = chosen.id returning task_history.id, status, finished_at
        ), buried as (
            delete from dead_tasks using chosen where dead_tasks.id = chosen.id returning dead_tasks.id
        ), totalled as (
            insert into task_totals (day, status, spread, total)
            select (finished_at at time zone 'UTC')::date, status, 0, -count(*) from forgotten group by 1, 2 order by 1, 2
            on conflict (day, status, spread) do update set total = task_totals.total + excluded.total
        )
        select (select count(*) from forgotten) + (select count(*) from buried) as "tasks!",
            (select id from chosen order by id desc limit 1) as last
        "#,
        before,
        narrow.type_id,
        narrow.priority,
        narrow.status as Option<TaskStatus>,
        narrow.owner,
        narrow.from,
        narrow.below,
        narrow.pattern,
        narrow.error,
        after,
        AT_ONCE,
    )
    .fetch_one(&mut *conn)
    .await?;
    let orphans = cancel_orphans(conn).await?;
    Ok(Deleted { tasks: deleted.tasks, last: deleted.last, orphans })
}
