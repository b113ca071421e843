//! What stands in the reports. One row more than fits tells that there is more.

use model::users::Role;
use sqlx::PgPool;

use super::{Cell, ROWS_AT_MOST, Scope, Table};

const LIMIT: i64 = ROWS_AT_MOST as i64 + 1;

fn table(heads: &'static [&'static str], rows: impl Iterator<Item = Vec<Cell>>) -> Table {
    let mut rows: Vec<_> = rows.collect();
    let is_cut = rows.len() > ROWS_AT_MOST;
    rows.truncate(ROWS_AT_MOST);
    Table { title: String::new(), heads, rows, is_cut }
}

fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

/// Tasks that were queued in the period, the oldest first.
pub async fn tasks(db: &PgPool, scope: &Scope) -> sqlx::Result<Table> {
    let rows = sqlx::query!(
        r#"
        select task.id as "id!", name, status::text as "status!", priority as "priority!: model::tasks::Priority", attempts as "attempts!",
            task.created_at as "created_at!", started_at, finished_at,
            extract(epoch from finished_at - started_at)::float8 as seconds, username as "username?"
        from all_tasks as task
        join task_types on task_types.id = task.task_type_id
        left join users on users.id = created_by
        where task.created_at >= $1 and task.created_at < $2 and ($3::uuid is null or created_by = $3)
        order by task.created_at, task.id
        limit $4
        "#,
        scope.from,
        scope.until,
        scope.owner,
        LIMIT,
    )
    .fetch_all(db)
    .await?;
    let heads = &["id", "type", "status", "priority", "attempts", "owner", "created", "started", "ended", "seconds"];
    Ok(table(
        heads,
        rows.into_iter().map(|row| {
            vec![
                text(row.id),
                Cell::Text(row.name),
                Cell::Text(row.status),
                text(row.priority.name()),
                Cell::Number(row.attempts.into()),
                Cell::Text(row.username.unwrap_or_default()),
                Cell::Moment(Some(row.created_at)),
                Cell::Moment(row.started_at),
                Cell::Moment(row.finished_at),
                row.seconds.map_or(Cell::Text(String::new()), Cell::Number),
            ]
        }),
    ))
}

/// Accounts that were made in the period, the oldest first.
pub async fn users(db: &PgPool, scope: &Scope) -> sqlx::Result<Table> {
    let rows = sqlx::query!(
        r#"
        select username, email, role as "role: Role", is_active, email_verified, created_at, last_login_at, deleted_at
        from users
        where created_at >= $1 and created_at < $2 and role = any($3)
        order by created_at, id
        limit $4
        "#,
        scope.from,
        scope.until,
        &scope.roles as &[Role],
        LIMIT,
    )
    .fetch_all(db)
    .await?;
    let heads = &["username", "email", "role", "active", "verified", "created", "last login", "deleted"];
    Ok(table(
        heads,
        rows.into_iter().map(|row| {
            vec![
                Cell::Text(row.username),
                Cell::Text(row.email),
                text(row.role.name()),
                text(row.is_active),
                text(row.email_verified),
                Cell::Moment(Some(row.created_at)),
                Cell::Moment(row.last_login_at),
                Cell::Moment(row.deleted_at),
            ]
        }),
    ))
}

/// What the queue did in each hour of the period, as long as its figures are kept.
pub async fn queue(db: &PgPool, scope: &Scope) -> sqlx::Result<Table> {
    let rows = sqlx::query!(
        r#"
        select date_trunc('hour', minute) as "hour!", name, sum(completed)::bigint as "completed!", sum(failed)::bigint as "failed!",
            sum(retried)::bigint as "retried!", sum(cancelled)::bigint as "cancelled!",
            (sum(run_ms) / greatest(sum(completed + failed + retried + cancelled), 1))::float8 as "mean_run_ms!"
        from task_stats
        join task_types on task_types.id = task_type_id
        where minute >= $1 and minute < $2
        group by 1, 2
        order by 1, 2
        limit $3
        "#,
        scope.from,
        scope.until,
        LIMIT,
    )
    .fetch_all(db)
    .await?;
    let heads = &["hour", "type", "completed", "failed", "retried", "cancelled", "mean run ms"];
    let number = |count: i64| Cell::Number(count as f64);
    Ok(table(
        heads,
        rows.into_iter().map(|row| {
            vec![
                Cell::Moment(Some(row.hour)),
                Cell::Text(row.name),
                number(row.completed),
                number(row.failed),
                number(row.retried),
                number(row.cancelled),
                Cell::Number(row.mean_run_ms.round()),
            ]
        }),
    ))
}
