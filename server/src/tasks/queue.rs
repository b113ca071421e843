//! Every statement on the queue's tables. A settlement names task, worker and lease epoch, then counts the rows it touched.

use std::time::Duration;

use model::tasks::{NewTask, Priority, RetryStrategy, Task, TaskFilter, TaskKind, TaskStats, TaskStatus, TaskType};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// A task that this process holds under a lease.
#[derive(Debug)]
pub struct Claimed {
    pub id: Uuid,
    pub task_type: String,
    pub payload: Value,
    pub attempt: i32,
    pub max_attempts: i32,
    pub retry_strategy: Json<RetryStrategy>,
    /// Fences this claim off from earlier and later ones.
    pub lease_epoch: i64,
}

/// Enters the kinds that this program knows; what an administrator switched off stays off.
pub async fn register_types(db: &PgPool) -> sqlx::Result<()> {
    let (names, descriptions): (Vec<_>, Vec<_>) =
        TaskKind::ALL.into_iter().map(|kind| (kind.name().to_owned(), kind.description().to_owned())).unzip();
    sqlx::query!(
        r#"
        insert into task_types (name, description)
        select * from unnest($1::text[], $2::text[])
        on conflict (name) do update set description = excluded.description, updated_at = now()
        where task_types.description is distinct from excluded.description
        "#,
        &names,
        &descriptions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The registered types, by name.
pub async fn types(db: &PgPool) -> Result<Vec<TaskType>> {
    let types = sqlx::query_as!(
        TaskType,
        "select name as task_type, description, is_active, created_at, updated_at from task_types order by name"
    )
    .fetch_all(db)
    .await?;
    Ok(types)
}

/// Queues a task; none when its type is not registered or not active.
pub async fn insert(conn: &mut PgConnection, owner: Uuid, new: &NewTask) -> Result<Option<Task>> {
    let strategy = new.retry_strategy.clone().unwrap_or_default();
    let task = sqlx::query_as!(
        Task,
        r#"
        insert into tasks (id, task_type, priority, payload, metadata, retry_strategy, max_attempts, run_at, scheduled_at, created_by)
        select $1, name, $3, $4, $5, $6, $7, coalesce($8, now()), $8, $9
        from task_types
        where name = $2 and is_active
        returning id, task_type, status as "status: TaskStatus", priority as "priority: Priority", payload, metadata,
            max_attempts, current_attempt, retry_strategy as "retry_strategy: Json<RetryStrategy>", result, last_error, cancel_requested, created_by,
            created_at, updated_at, scheduled_at, started_at, completed_at
        "#,
        Uuid::now_v7(),
        new.task_type,
        new.priority.unwrap_or_default() as Priority,
        new.payload,
        new.metadata.as_ref().map_or_else(|| json!({}), |metadata| json!(metadata)),
        Json(&strategy) as _,
        strategy.max_attempts(),
        new.scheduled_at,
        owner,
    )
    .fetch_optional(conn)
    .await?;
    Ok(task)
}

/// One task; `owner` limits it to that user's.
pub async fn get(db: &PgPool, id: Uuid, owner: Option<Uuid>) -> Result<Option<Task>> {
    let task = sqlx::query_as!(
        Task,
        r#"
        select id, task_type, status as "status: TaskStatus", priority as "priority: Priority", payload, metadata,
            max_attempts, current_attempt, retry_strategy as "retry_strategy: Json<RetryStrategy>", result, last_error, cancel_requested, created_by,
            created_at, updated_at, scheduled_at, started_at, completed_at
        from tasks
        where id = $1 and ($2::uuid is null or created_by = $2)
        "#,
        id,
        owner,
    )
    .fetch_optional(db)
    .await?;
    Ok(task)
}

/// Where a list begins, and how long it is.
pub struct Window {
    pub after: Option<Uuid>,
    pub offset: i64,
    pub limit: i64,
}

/// Tasks, the newest first; `owner` limits them to that user's.
pub async fn list(db: &PgPool, owner: Option<Uuid>, filter: &TaskFilter, window: &Window) -> Result<Vec<Task>> {
    let tasks = sqlx::query_as!(
        Task,
        r#"
        select id, task_type, status as "status: TaskStatus", priority as "priority: Priority", payload, metadata,
            max_attempts, current_attempt, retry_strategy as "retry_strategy: Json<RetryStrategy>", result, last_error, cancel_requested, created_by,
            created_at, updated_at, scheduled_at, started_at, completed_at
        from tasks
        where ($1::uuid is null or created_by = $1)
          and ($2::text is null or task_type = $2)
          and ($3::task_status is null or status = $3)
          and ($4::task_priority is null or priority = $4)
          and ($5::uuid is null or id < $5)
        order by id desc
        limit $6 offset $7
        "#,
        owner,
        filter.task_type,
        filter.status as Option<TaskStatus>,
        filter.priority as Option<Priority>,
        window.after,
        window.limit,
        window.offset,
    )
    .fetch_all(db)
    .await?;
    Ok(tasks)
}

/// How many tasks a list has in all.
pub async fn count(db: &PgPool, owner: Option<Uuid>, filter: &TaskFilter) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from tasks
        where ($1::uuid is null or created_by = $1)
          and ($2::text is null or task_type = $2)
          and ($3::task_status is null or status = $3)
          and ($4::task_priority is null or priority = $4)
        "#,
        owner,
        filter.task_type,
        filter.status as Option<TaskStatus>,
        filter.priority as Option<Priority>,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// How many tasks stand where; `owner` limits them to that user's.
pub async fn stats(db: &PgPool, owner: Option<Uuid>) -> Result<TaskStats> {
    let stats = sqlx::query_as!(
        TaskStats,
        r#"
        select count(*) as "total!",
            count(*) filter (where status = 'pending') as "pending!",
            count(*) filter (where status = 'running') as "running!",
            count(*) filter (where status = 'completed') as "completed!",
            count(*) filter (where status = 'failed') as "failed!",
            count(*) filter (where status = 'cancelled') as "cancelled!",
            count(*) filter (where status = 'retrying') as "retrying!"
        from tasks
        where $1::uuid is null or created_by = $1
        "#,
        owner,
    )
    .fetch_one(db)
    .await?;
    Ok(stats)
}

/// Cancels what waits and tells what runs to stop; none when there is no such task or it has ended.
pub async fn cancel(db: &PgPool, id: Uuid, owner: Option<Uuid>) -> Result<Option<TaskStatus>> {
    let status = sqlx::query_scalar!(
        r#"
        update tasks
        set status = case status when 'running' then status else 'cancelled' end,
            completed_at = case status when 'running' then null else now() end,
            cancel_requested = true, updated_at = now()
        where id = $1 and ($2::uuid is null or created_by = $2) and status in ('pending', 'retrying', 'running')
        returning status as "status: TaskStatus"
        "#,
        id,
        owner,
    )
    .fetch_optional(db)
    .await?;
    Ok(status)
}

/// Takes up to `limit` due tasks of these types for the worker, the most urgent first. A worker without a lease gets none.
pub async fn claim(db: &PgPool, worker: Uuid, types: &[String], limit: i64) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as!(
        Claimed,
        r#"
        with due as (
            select id
            from tasks
            where status in ('pending', 'retrying') and run_at <= now() and task_type = any($2)
              and exists (select 1 from workers where id = $1 and lease_until > now())
            order by priority desc, run_at, id
            limit $3
            for update skip locked
        )
        update tasks
        set status = 'running', current_attempt = current_attempt + 1, lease_epoch = lease_epoch + 1, worker_id = $1,
            started_at = now(), updated_at = now()
        from due
        where tasks.id = due.id
        returning tasks.id, task_type, payload, current_attempt as attempt, max_attempts,
            retry_strategy as "retry_strategy: Json<RetryStrategy>", lease_epoch
        "#,
        worker,
        types,
        limit,
    )
    .fetch_all(db)
    .await
}

/// What a finished attempt leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Completed(Value),
    /// Tried again after the delay.
    RetryLater {
        error: String,
        delay: Duration,
    },
    /// Dead letter.
    GivenUp {
        error: String,
    },
    Cancelled,
}

impl Outcome {
    fn status(&self) -> TaskStatus {
        match self {
            Self::Completed(_) => TaskStatus::Completed,
            Self::RetryLater { .. } => TaskStatus::Retrying,
            Self::GivenUp { .. } => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
        }
    }
}

/// Settles an attempt, unless the task was taken from this worker in the meantime: then nothing happens and the answer is no.
///
/// A task that was told to stop while its attempt failed is cancelled, not tried again.
pub async fn settle(db: &PgPool, worker: Uuid, claimed: &Claimed, outcome: &Outcome) -> sqlx::Result<bool> {
    let (result, error, delay) = match outcome {
        Outcome::Completed(result) => (Some(result), None, Duration::ZERO),
        Outcome::RetryLater { error, delay } => (None, Some(error.as_str()), *delay),
        Outcome::GivenUp { error } => (None, Some(error.as_str()), Duration::ZERO),
        Outcome::Cancelled => (None, None, Duration::ZERO),
    };
    let done = sqlx::query!(
        r#"
        update tasks
        set status = case when $4 = 'retrying'::task_status and cancel_requested then 'cancelled'::task_status else $4 end,
            completed_at = case when $4 = 'retrying'::task_status and not cancel_requested then null else now() end,
            worker_id = null, result = $5, last_error = coalesce($6, last_error),
            run_at = now() + make_interval(secs => $7), updated_at = now()
        where id = $1 and worker_id = $2 and lease_epoch = $3 and status = 'running'
        "#,
        claimed.id,
        worker,
        claimed.lease_epoch,
        outcome.status() as TaskStatus,
        result,
        error,
        delay.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Enters a worker with a first lease.
pub async fn join(db: &PgPool, worker: Uuid, lease: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into workers (id, lease_until) values ($1, now() + make_interval(secs => $2))",
        worker,
        lease.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Renews the lease; no when others have declared the worker dead.
pub async fn renew(db: &PgPool, worker: Uuid, lease: Duration) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update workers set lease_until = now() + make_interval(secs => $2) where id = $1",
        worker,
        lease.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The running tasks of the worker that were told to stop.
pub async fn told_to_stop(db: &PgPool, worker: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from tasks where worker_id = $1 and cancel_requested", worker).fetch_all(db).await
}

/// Declares workers dead whose lease has lapsed, and puts back the tasks of workers that are gone; the answer is how many.
///
/// Two statements, because the second must see claims that were committed while the first ran.
pub async fn rescue(db: &PgPool) -> sqlx::Result<u64> {
    sqlx::query!("delete from workers where lease_until < now()").execute(db).await?;
    let done = sqlx::query!(
        r#"
        with lost as (
            select id,
                case when cancel_requested then 'cancelled'::task_status
                     when current_attempt >= max_attempts then 'failed'::task_status
                     else 'retrying'::task_status end as becomes
            from tasks
            where worker_id is not null and not exists (select 1 from workers where workers.id = tasks.worker_id)
            for update skip locked
        )
        update tasks
        set status = lost.becomes, worker_id = null, lease_epoch = lease_epoch + 1, run_at = now(), updated_at = now(),
            last_error = 'The worker died during attempt ' || current_attempt,
            completed_at = case lost.becomes when 'retrying' then null else now() end
        from lost
        where tasks.id = lost.id
        "#
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Hands back what the worker still runs, without costing an attempt, and signs it off; the answer is how many tasks.
pub async fn leave(db: &PgPool, worker: Uuid) -> sqlx::Result<u64> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        update tasks
        set status = case when cancel_requested then 'cancelled'::task_status
                          when current_attempt > 1 then 'retrying'::task_status else 'pending'::task_status end,
            completed_at = case when cancel_requested then now() end,
            current_attempt = current_attempt - 1, lease_epoch = lease_epoch + 1, worker_id = null,
            run_at = now(), started_at = null, updated_at = now()
        where worker_id = $1
        "#,
        worker,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from workers where id = $1", worker).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
