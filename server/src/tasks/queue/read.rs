//! What people see: tasks wherever they are, alive, ended or dead.

use chrono::{DateTime, Utc};
use model::page::COUNTED_AT_MOST;
use model::tasks::{AttemptError, DeadReason, Priority, Progress, RetryStrategy, Task, TaskStats, TaskStatus};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::narrow::Narrow;
use crate::Result;

/// A row of the view, with what is kept elsewhere.
struct Row {
    id: Uuid,
    task_type: String,
    status: TaskStatus,
    priority: Priority,
    payload: Value,
    metadata: Option<Value>,
    max_attempts: i32,
    attempts: i32,
    retry_strategy: Json<RetryStrategy>,
    result: Option<Value>,
    errors: Option<Json<Vec<AttemptError>>>,
    dead_reason: Option<DeadReason>,
    cancel_requested: bool,
    created_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    scheduled_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    percent: Option<f32>,
    message: Option<String>,
}

impl From<Row> for Task {
    fn from(row: Row) -> Self {
        let errors = row.errors.map(|errors| errors.0).unwrap_or_default();
        Self {
            id: row.id,
            task_type: row.task_type,
            status: row.status,
            priority: row.priority,
            payload: row.payload,
            metadata: row.metadata.unwrap_or_else(|| json!({})),
            max_attempts: row.max_attempts,
            current_attempt: row.attempts,
            retry_strategy: row.retry_strategy.0,
            result: row.result,
            progress: row.percent.map(|percent| Progress { percent, message: row.message }),
            last_error: errors.last().map(|last| last.error.clone()),
            errors,
            dead_reason: row.dead_reason,
            cancel_requested: row.cancel_requested,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            scheduled_at: row.scheduled_at,
            started_at: row.started_at,
            completed_at: row.finished_at,
            next_attempt_at: row.next_attempt_at,
        }
    }
}

/// One task; `owner` limits it to that user's.
pub async fn get(db: impl PgExecutor<'_>, id: Uuid, owner: Option<Uuid>) -> Result<Option<Task>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select task.id as "id!", name as task_type, status as "status!: TaskStatus", priority as "priority!: Priority", payload as "payload!",
            metadata, max_attempts as "max_attempts!", attempts as "attempts!",
            coalesce(task.retry_strategy, task_types.retry_strategy) as "retry_strategy!: Json<RetryStrategy>", result,
            errors as "errors: Json<Vec<AttemptError>>", dead_reason as "dead_reason: DeadReason", cancel_requested as "cancel_requested!",
            created_by, task.created_at as "created_at!", task.updated_at as "updated_at!", scheduled_at, started_at, finished_at,
            next_attempt_at, percent as "percent?", message
        from all_tasks as task
        join task_types on task_types.id = task.task_type_id
        left join task_progress on task_progress.task_id = task.id
        where task.id = $1 and ($2::uuid is null or created_by = $2)
        "#,
        id,
        owner,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Task::from))
}

/// Where a list begins, and how long it is.
pub struct Window {
    pub after: Option<Uuid>,
    pub offset: i64,
    pub limit: i64,
}

/// Tasks that a text is looked for in at a time: it stands in no index.
const SEARCHED_AT_ONCE: i64 = 5000;

/// Tasks, the newest first. With a text, of the newest 5000 that fit everything else.
pub async fn list(conn: &mut PgConnection, narrow: &Narrow, window: &Window) -> Result<Vec<Task>> {
    let scanned = if narrow.pattern.is_some() { SEARCHED_AT_ONCE } else { window.offset + window.limit };
    let rows = sqlx::query_as!(
        Row,
        r#"
        select task.id as "id!", name as task_type, status as "status!: TaskStatus", priority as "priority!: Priority", payload as "payload!",
            metadata, max_attempts as "max_attempts!", attempts as "attempts!",
            coalesce(task.retry_strategy, task_types.retry_strategy) as "retry_strategy!: Json<RetryStrategy>", result,
            errors as "errors: Json<Vec<AttemptError>>", dead_reason as "dead_reason: DeadReason", cancel_requested as "cancel_requested!",
            created_by, task.created_at as "created_at!", task.updated_at as "updated_at!", scheduled_at, started_at, finished_at,
            next_attempt_at, percent as "percent?", message
        from (
            select *
            from (
                select *
                from matching_tasks($1, $2, $3, $4, $5, $6, $7, $8)
                order by id desc
                limit $9
            ) as scanned
            where $10::text is null or payload::text ilike $10 or errors::text ilike $10
            order by id desc
            limit $11 offset $12
        ) as task
        join task_types on task_types.id = task.task_type_id
        left join task_progress on task_progress.task_id = task.id
        order by task.id desc
        "#,
        narrow.owner,
        narrow.type_id,
        narrow.status as Option<TaskStatus>,
        narrow.priority,
        narrow.from,
        below(narrow, window.after),
        narrow.error,
        narrow.is_alive,
        scanned,
        narrow.pattern,
        window.limit,
        window.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Task::from).collect())
}

/// Where the list goes on: before the bound of the filter, and after the last row seen.
fn below(narrow: &Narrow, after: Option<Uuid>) -> Option<Uuid> {
    narrow.below.into_iter().chain(after).min()
}

/// How many tasks match, and whether those are all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    pub tasks: i64,
    /// The last one that was looked at, when there may be more.
    pub last: Option<Uuid>,
}

/// How many tasks match: of all of them, 10 000 at most; with a text, of the newest 5000 from `after` on.
pub async fn found(conn: &mut PgConnection, narrow: &Narrow, after: Option<Uuid>) -> Result<Found> {
    match narrow.pattern {
        None => Ok(Found { tasks: count(conn, narrow, COUNTED_AT_MOST).await?, last: None }),
        Some(_) => search(conn, narrow, after).await,
    }
}

/// Looks through the newest 5000 tasks that fit everything but the text, from `after` on.
async fn search(conn: &mut PgConnection, narrow: &Narrow, after: Option<Uuid>) -> Result<Found> {
    let found = sqlx::query_as!(
        Found,
        r#"
        select count(*) filter (where payload::text ilike $9 or errors::text ilike $9) as "tasks!",
            case when count(*) = $10 then min(id::text)::uuid end as last
        from (
            select id, payload, errors
            from matching_tasks($1, $2, $3, $4, $5, $6, $7, $8)
            order by id desc
            limit $10
        ) as scanned
        "#,
        narrow.owner,
        narrow.type_id,
        narrow.status as Option<TaskStatus>,
        narrow.priority,
        narrow.from,
        below(narrow, after),
        narrow.error,
        narrow.is_alive,
        narrow.pattern,
        SEARCHED_AT_ONCE,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// How many tasks match in all, `at_most` at most. A text is looked for in all of them, which takes its time.
pub async fn count(conn: &mut PgConnection, narrow: &Narrow, at_most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (
            select 1
            from matching_tasks($1, $2, $3, $4, $5, $6, $7, $8)
            where $9::text is null or payload::text ilike $9 or errors::text ilike $9
            limit $10
        ) as counted
        "#,
        narrow.owner,
        narrow.type_id,
        narrow.status as Option<TaskStatus>,
        narrow.priority,
        narrow.from,
        narrow.below,
        narrow.error,
        narrow.is_alive,
        narrow.pattern,
        at_most,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A task that something is to be done to.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub id: Uuid,
    pub task_type: String,
    pub owner: Option<Uuid>,
}

/// The next tasks that match, stood there before and come behind `after`, in the order of ids, so that nothing is looked at twice. What was told to
/// stop already is not among them.
pub async fn choose(
    conn: &mut PgConnection,
    narrow: &Narrow,
    before: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Chosen>> {
    let chosen = sqlx::query_as!(
        Chosen,
        r#"
        select chosen.id as "id!", name as task_type, created_by as owner
        from (
            select id, task_type_id, created_by
            from matching_tasks($1, $2, $3, $4, $5, $6, $7, $8)
            where ($9::text is null or payload::text ilike $9 or errors::text ilike $9)
              and coalesce(finished_at, created_at) < $10 and not cancel_requested and ($11::uuid is null or id > $11)
            order by id
            limit $12
        ) as chosen
        join task_types on task_types.id = task_type_id
        order by chosen.id
        "#,
        narrow.owner,
        narrow.type_id,
        narrow.status as Option<TaskStatus>,
        narrow.priority,
        narrow.from,
        narrow.below,
        narrow.error,
        narrow.is_alive,
        narrow.pattern,
        before,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(chosen)
}

/// How many tasks stand where. Over all owners the history is not counted, its totals are added up.
pub async fn stats(db: &PgPool, owner: Option<Uuid>) -> Result<TaskStats> {
    let stats = sqlx::query!(
        r#"
        with alive as (
            select count(*) filter (where worker_id is null and attempts = 0) as pending,
                count(*) filter (where worker_id is not null) as running,
                count(*) filter (where worker_id is null and attempts > 0) as retrying
            from tasks
            where $1::uuid is null or created_by = $1
        ), ended as (
            select status, sum(total)::bigint as total from task_totals where $1 is null group by status
            union all
            select status, count(*) from task_history where created_by = $1 group by status
        )
        select pending as "pending!", running as "running!", retrying as "retrying!",
            (select count(*) from dead_tasks where $1 is null or created_by = $1) as "failed!",
            coalesce((select total from ended where status = 'completed'), 0) as "completed!",
            coalesce((select total from ended where status = 'cancelled'), 0) as "cancelled!"
        from alive
        "#,
        owner,
    )
    .fetch_one(db)
    .await?;
    let ended = stats.completed + stats.cancelled + stats.failed;
    Ok(TaskStats {
        total: stats.pending + stats.running + stats.retrying + ended,
        pending: stats.pending,
        running: stats.running,
        completed: stats.completed,
        failed: stats.failed,
        cancelled: stats.cancelled,
        retrying: stats.retrying,
    })
}
