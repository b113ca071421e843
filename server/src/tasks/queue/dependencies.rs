//! What waits for what.

use model::tasks::{Related, TaskNamed, TaskStatus};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;

/// Related tasks of each side that are shown.
const RELATED_AT_MOST: i64 = 50;

/// Notes that `dependent` waits for each of `prerequisites`. Both are inserted in the same transaction, the dependent with as many
/// `waits_for`.
pub async fn block(
    conn: &mut PgConnection,
    prerequisites: &[Uuid],
    dependent: Uuid,
    needs_success: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into task_dependencies (prerequisite_id, dependent_id, needs_success)
        select prerequisite, $2, $3 from unnest($1::uuid[]) as prerequisite
        "#,
        prerequisites,
        dependent,
        needs_success,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tasks that this one waits for, and those that wait for it; `owner` limits them to that user's. Who has ended is not waited for any
/// more, and is not among them.
pub async fn related(db: &PgPool, id: Uuid, owner: Option<Uuid>) -> Result<Related> {
    let rows = sqlx::query!(
        r#"
        select task.id as "id!", name as task_type, status as "status!: TaskStatus", is_before as "is_before!"
        from (
            (select prerequisite_id as other, true as is_before from task_dependencies where dependent_id = $1 order by 1 limit $3)
            union all
            (select dependent_id, false from task_dependencies where prerequisite_id = $1 order by 1 limit $3)
        ) as bound
        join all_tasks as task on task.id = bound.other
        join task_types on task_types.id = task.task_type_id
        where $2::uuid is null or created_by = $2
        order by task.id
        "#,
        id,
        owner,
        RELATED_AT_MOST,
    )
    .fetch_all(db)
    .await?;
    let mut related = Related::default();
    for row in rows {
        let one = TaskNamed { id: row.id, task_type: row.task_type, status: row.status };
        if row.is_before { related.waits_for.push(one) } else { related.followed_by.push(one) }
    }
    Ok(related)
}
