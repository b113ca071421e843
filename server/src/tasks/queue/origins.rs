//! What made a task, for people to look at.

use model::tasks::Origin;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// Notes what made a task, in the transaction that queues it.
pub async fn came_from(conn: &mut PgConnection, task: Uuid, origin: &Origin) -> sqlx::Result<()> {
    let Origin { title, address } = origin;
    sqlx::query!("insert into task_origins (task_id, title, address) values ($1, $2, $3)", task, title, address)
        .execute(conn)
        .await?;
    Ok(())
}

/// What made a task; none when somebody queued it.
pub async fn origin(db: &PgPool, task: Uuid) -> Result<Option<Origin>> {
    let origin = sqlx::query_as!(Origin, "select title, address from task_origins where task_id = $1", task);
    Ok(origin.fetch_optional(db).await?)
}

/// Forgets what made tasks that are deleted.
pub async fn forget_origins(conn: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("delete from task_origins where task_id = any($1)", ids).execute(conn).await?;
    Ok(())
}

/// Forgets what made tasks that have gone with the history; only origins that are older are looked at. The answer is how many.
pub async fn purge_origins(db: &PgPool, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        delete from task_origins
        where created_at < now() - make_interval(days => $1) and not exists (select 1 from all_tasks where all_tasks.id = task_id)
        "#,
        days,
    );
    Ok(done.execute(db).await?.rows_affected())
}
