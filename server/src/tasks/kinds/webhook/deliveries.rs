//! What was sent, and what came back: a row a try.

use model::tasks::{DELIVERIES_AT_MOST, Delivery};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// A try that was made.
pub struct Tried<'a> {
    pub task_id: Uuid,
    pub attempt: i32,
    pub method: &'static str,
    pub url: &'a str,
    pub status: Option<u16>,
    pub duration_ms: i32,
    pub error: Option<&'a str>,
    /// The first 64 KiB of the answer's body.
    pub response: Option<&'a str>,
}

/// Writes a try down.
pub async fn add(db: &PgPool, tried: &Tried<'_>) -> sqlx::Result<()> {
    let response = tried.response.map(|text| text.replace('\0', "\u{fffd}"));
    sqlx::query!(
        r#"
        insert into webhook_deliveries (id, task_id, attempt, method, url, status, duration_ms, error, response)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        Uuid::now_v7(),
        tried.task_id,
        tried.attempt,
        tried.method,
        tried.url,
        tried.status.map(i32::from),
        tried.duration_ms,
        tried.error,
        response,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The tries of a task, the newest first.
pub async fn list(db: &PgPool, task_id: Uuid) -> Result<Vec<Delivery>> {
    let rows = sqlx::query_as!(
        Delivery,
        r#"
        select id, attempt, method, url, status, duration_ms, error, response, at
        from webhook_deliveries
        where task_id = $1
        order by id desc
        limit $2
        "#,
        task_id,
        DELIVERIES_AT_MOST as i64,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Forgets the tries of tasks that are deleted.
pub async fn forget(conn: &mut PgConnection, task_ids: &[Uuid]) -> Result<()> {
    sqlx::query!("delete from webhook_deliveries where task_id = any($1)", task_ids).execute(conn).await?;
    Ok(())
}

/// Forgets the tries of tasks that have gone with the history; only those that are older are looked at. The answer is how many.
pub async fn purge(db: &PgPool, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        delete from webhook_deliveries
        where at < now() - make_interval(days => $1) and not exists (select 1 from all_tasks where all_tasks.id = task_id)
        "#,
        days,
    );
    Ok(done.execute(db).await?.rows_affected())
}
