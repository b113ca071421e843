//! Out of the dead letter: a replay is the same task again, with its attempts counted anew and its fencing number carried on.

use model::tasks::{DEAD_GROUPS_AT_MOST, DeadGroup, DeadReason};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A task that was taken out of the dead letter.
#[derive(Clone, Debug)]
pub struct Replayed {
    pub id: Uuid,
    pub owner: Option<Uuid>,
}

/// The type and the payload's version of a dead task; none when there is no such task for this owner.
pub async fn find(conn: &mut PgConnection, id: Uuid, owner: Option<Uuid>) -> Result<Option<(String, DeadReason)>> {
    let found = sqlx::query!(
        r#"
        select name, reason as "reason: DeadReason"
        from dead_tasks
        join task_types on task_types.id = task_type_id
        where dead_tasks.id = $1 and ($2::uuid is null or created_by = $2)
        "#,
        id,
        owner,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| (row.name, row.reason)))
}

/// An edited payload, of the version that the editing program knows.
#[derive(Clone, Debug)]
pub struct Edited {
    pub payload: Value,
    pub version: Option<i16>,
}

/// Replays one task, with another payload where one is given; none when there is no such dead task for this owner.
pub async fn replay(
    conn: &mut PgConnection,
    id: Uuid,
    owner: Option<Uuid>,
    edited: Option<Edited>,
) -> Result<Option<Replayed>> {
    let (payload, version) = edited.map_or((None, None), |edited| (Some(edited.payload), edited.version));
    let replayed = sqlx::query_as!(
        Replayed,
        r#"
        with back as (
            delete from dead_tasks where id = $1 and ($2::uuid is null or created_by = $2) returning *
        )
        insert into tasks (id, task_type_id, priority, lease_epoch, max_attempts, payload, payload_version, metadata, retry_strategy, errors,
            created_by, scheduled_at, created_at, updated_at, checkpoint)
        select id, task_type_id, priority, lease_epoch + 1, max_attempts, coalesce($3, payload), coalesce($4, payload_version), metadata,
            retry_strategy, errors, created_by, scheduled_at, created_at, now(), case when $3 is null then checkpoint end
        from back
        returning id, created_by as owner
        "#,
        id,
        owner,
        payload,
        version,
    )
    .fetch_optional(conn)
    .await?;
    Ok(replayed)
}

/// Replays those of the tasks that are dead, in the order of ids.
pub async fn replay_all(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Replayed>> {
    let replayed = sqlx::query_as!(
        Replayed,
        r#"
        with chosen as (
            select id from dead_tasks where id = any($1) order by id for update
        ), back as (
            delete from dead_tasks using chosen where dead_tasks.id = chosen.id returning dead_tasks.*
        )
        insert into tasks (id, task_type_id, priority, lease_epoch, max_attempts, payload, payload_version, metadata, retry_strategy, errors,
            created_by, scheduled_at, created_at, updated_at, checkpoint)
        select id, task_type_id, priority, lease_epoch + 1, max_attempts, payload, payload_version, metadata, retry_strategy, errors,
            created_by, scheduled_at, created_at, now(), checkpoint
        from back
        order by id
        returning id, created_by as owner
        "#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(replayed)
}

/// The dead letter by type and error, the group that grew last first, [`DEAD_GROUPS_AT_MOST`] of them; `owner` limits it to that user's.
pub async fn groups(conn: &mut PgConnection, owner: Option<Uuid>) -> Result<Vec<DeadGroup>> {
    let groups = sqlx::query_as!(
        DeadGroup,
        r#"
        select name as task_type, error_group as error, tasks as "tasks!", first_at as "first_at!", last_at as "last_at!",
            extract(epoch from now() - first_at)::bigint as "age_seconds!"
        from (
            select task_type_id, error_group, count(*) as tasks, min(finished_at) as first_at, max(finished_at) as last_at
            from dead_tasks
            where $1::uuid is null or created_by = $1
            group by task_type_id, error_group
            order by max(finished_at) desc
            limit $2
        ) as grouped
        join task_types on task_types.id = task_type_id
        order by last_at desc, name, error_group
        "#,
        owner,
        DEAD_GROUPS_AT_MOST as i64,
    )
    .fetch_all(conn)
    .await?;
    Ok(groups)
}
