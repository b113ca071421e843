//! Tasks that need not wait for their time any more.

use model::tasks::TaskStatus;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A task that has become ready before its time.
#[derive(Clone, Debug)]
pub struct Hurried {
    pub id: Uuid,
    pub owner: Option<Uuid>,
    pub task_type: String,
    pub status: TaskStatus,
}

/// Makes those of the tasks ready that wait for a time and, with an owner or a state, are that user's or stand there. Like what is due they go to
/// the end of their lane, where cursors find them.
pub async fn run_now(
    conn: &mut PgConnection,
    ids: &[Uuid],
    owner: Option<Uuid>,
    status: Option<TaskStatus>,
) -> Result<Vec<Hurried>> {
    let hurried = sqlx::query_as!(
        Hurried,
        r#"
        with chosen as (
            select id
            from tasks
            where id = any($1) and run_at < 'infinity' and ($2::uuid is null or created_by = $2)
              and ($3::task_status is null or $3 = case when attempts > 0 then 'retrying'::task_status else 'pending' end)
            order by id
            for update
        )
        update tasks
        set run_at = null, seq = nextval('task_seq'), updated_at = now()
        from chosen, task_types
        where tasks.id = chosen.id and task_types.id = task_type_id
        returning tasks.id, created_by as owner, name as task_type,
            case when attempts > 0 then 'retrying'::task_status else 'pending' end as "status!: TaskStatus"
        "#,
        ids,
        owner,
        status as Option<TaskStatus>,
    )
    .fetch_all(conn)
    .await?;
    Ok(hurried)
}
