//! What waits for what.

use sqlx::PgConnection;
use uuid::Uuid;

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
