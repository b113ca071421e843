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
        with related as (
            insert into task_relations (before_id, after_id)
            select distinct prerequisite, $2::uuid from unnest($1::uuid[]) as prerequisite
            on conflict do nothing
        )
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

/// The tasks that came before this one in its chain or batch, and those that follow it, whether they have ended or not; `owner` limits them to
/// that user's.
pub async fn related(db: &PgPool, id: Uuid, owner: Option<Uuid>) -> Result<Related> {
    let rows = sqlx::query!(
        r#"
        select task.id as "id!", name as task_type, status as "status!: TaskStatus", is_before as "is_before!"
        from (
            (select before_id as other, true as is_before from task_relations where after_id = $1 order by 1 limit $3)
            union all
            (select after_id, false from task_relations where before_id = $1 order by 1 limit $3)
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
        if row.is_before { related.comes_after.push(one) } else { related.followed_by.push(one) }
    }
    Ok(related)
}

/// Forgets the relations of tasks that are deleted.
pub async fn forget_relations(conn: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("delete from task_relations where before_id = any($1) or after_id = any($1)", ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets relations of which one side has gone with the history; only those that are older are looked at. The answer is how many.
pub async fn purge_relations(db: &PgPool, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        delete from task_relations
        where created_at < now() - make_interval(days => $1)
          and (not exists (select 1 from all_tasks where all_tasks.id = before_id) or not exists (select 1 from all_tasks where all_tasks.id = after_id))
        "#,
        days,
    );
    Ok(done.execute(db).await?.rows_affected())
}
