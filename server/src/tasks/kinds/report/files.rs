//! The files of tasks. In the database: whoever backs that up has them, every instance can hand them out, and a file and the end of its
//! task are one transaction.

use chrono::{DateTime, Utc};
use model::tasks::ReportFormat;
use model::users::Role;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// A file to be kept.
pub struct New<'a> {
    pub task_id: Uuid,
    pub owner: Uuid,
    pub name: &'a str,
    pub format: ReportFormat,
    pub bytes: Vec<u8>,
    /// How long it can be fetched.
    pub days: u32,
}

/// A file as it is handed out.
#[derive(Clone, Debug)]
pub struct Stored {
    pub name: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}

fn content_type(format: ReportFormat) -> &'static str {
    match format {
        ReportFormat::Csv => "text/csv; charset=utf-8",
        ReportFormat::Html => "text/html; charset=utf-8",
        ReportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
}

/// Keeps it, in the place of an earlier one of the task; the answer is when it goes.
pub async fn put(conn: &mut PgConnection, new: New<'_>) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        r#"
        insert into task_files (task_id, owner, name, content_type, bytes, expires_at)
        values ($1, $2, $3, $4, $5, now() + make_interval(days => $6))
        on conflict (task_id) do update
        set name = excluded.name, content_type = excluded.content_type, bytes = excluded.bytes, expires_at = excluded.expires_at
        returning expires_at
        "#,
        new.task_id,
        new.owner,
        new.name,
        content_type(new.format),
        new.bytes,
        i32::try_from(new.days).unwrap_or(i32::MAX),
    )
    .fetch_one(conn)
    .await
}

/// The file of a task, for its owner; none when there is none any more.
pub async fn get(db: &PgPool, task_id: Uuid, owner: Uuid) -> Result<Option<Stored>> {
    let found = sqlx::query_as!(
        Stored,
        "select name, content_type, bytes from task_files where task_id = $1 and owner = $2 and expires_at > now()",
        task_id,
        owner,
    );
    Ok(found.fetch_optional(db).await?)
}

/// Forgets the files of tasks that are deleted.
pub async fn forget(conn: &mut PgConnection, task_ids: &[Uuid]) -> Result<()> {
    sqlx::query!("delete from task_files where task_id = any($1)", task_ids).execute(conn).await?;
    Ok(())
}

/// Forgets files whose time is over; the answer is how many.
pub async fn purge(db: &PgPool) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from task_files where expires_at < now()").execute(db).await?.rows_affected())
}

/// The role of an account that is open.
pub(super) async fn role_of(db: &PgPool, id: Uuid) -> sqlx::Result<Option<Role>> {
    sqlx::query_scalar!(r#"select role as "role: Role" from users where id = $1 and is_active"#, id)
        .fetch_optional(db)
        .await
}
