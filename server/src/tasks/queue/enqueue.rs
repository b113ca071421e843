//! Into the queue: one task or many, in the caller's transaction.

use chrono::{DateTime, Utc};
use model::tasks::{NewTask, Priority, RetryStrategy};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// A task on its way into the table.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub id: Uuid,
    pub task_type: String,
    /// Of the enqueuing program's kind; the registered one when it has no such kind.
    pub payload_version: Option<i16>,
    pub payload: Value,
    pub priority: Priority,
    pub metadata: Option<Value>,
    pub retry_strategy: Option<RetryStrategy>,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub unique_key: Option<Vec<u8>>,
    pub unique_for_seconds: Option<u32>,
    /// Tasks that must end before this one may run.
    pub waits_for: i32,
    pub owner: Option<Uuid>,
}

/// What became of a task that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    New(Uuid),
    /// One of the same type and unique key counts already.
    Existing(Uuid),
    /// Its type is not registered, or takes no new tasks.
    UnknownType,
}

impl NewRow {
    /// The row of a task that was checked.
    pub fn of(new: NewTask, payload_version: Option<i16>, owner: Option<Uuid>) -> Self {
        Self {
            id: Uuid::now_v7(),
            payload_version,
            priority: new.priority.unwrap_or_default(),
            metadata: new.metadata.filter(|metadata| !metadata.is_empty()).map(|metadata| serde_json::json!(metadata)),
            retry_strategy: new.retry_strategy,
            scheduled_at: new.scheduled_at,
            unique_key: new.unique_key.as_deref().map(hash),
            unique_for_seconds: new.unique_for_seconds,
            waits_for: 0,
            owner,
            task_type: new.task_type,
            payload: new.payload,
        }
    }
}

/// 128 bits of SHA-256: long enough to tell keys apart, short enough for an index.
fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key)[..16].to_vec()
}

/// Queues one task, unless its unique key is taken.
pub async fn insert(conn: &mut PgConnection, row: NewRow) -> sqlx::Result<Queued> {
    let Some(key) = row.unique_key.clone() else {
        let id = row.id;
        let inserted = insert_all(conn, std::slice::from_ref(&row)).await?;
        return Ok(if inserted.is_empty() { Queued::UnknownType } else { Queued::New(id) });
    };
    if let Some(seconds) = row.unique_for_seconds {
        match reserve(conn, &row, &key, seconds).await? {
            Reserved::Ours => {}
            Reserved::Theirs(id) => return Ok(Queued::Existing(id)),
            Reserved::UnknownType => return Ok(Queued::UnknownType),
        }
    }
    // The task that holds the key may end between the two looks; then the key is free again.
    loop {
        if !insert_all(conn, std::slice::from_ref(&row)).await?.is_empty() {
            return Ok(Queued::New(row.id));
        }
        match holder(conn, &row.task_type, &key).await? {
            Holder::Task(id) => {
                // An earlier time is over, and the task of then is still alive: the key stays with it.
                if row.unique_for_seconds.is_some() {
                    point_at(conn, row.id, id).await?;
                }
                return Ok(Queued::Existing(id));
            }
            Holder::UnknownType => return Ok(Queued::UnknownType),
            Holder::Nobody => {}
        }
    }
}

/// Queues all of them, in this order; the answer is which ones, without those whose type is unknown or whose key is taken.
pub async fn insert_all(conn: &mut PgConnection, rows: &[NewRow]) -> sqlx::Result<Vec<Uuid>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let types: Vec<_> = rows.iter().map(|row| row.task_type.clone()).collect();
    let versions: Vec<_> = rows.iter().map(|row| row.payload_version).collect();
    let payloads: Vec<_> = rows.iter().map(|row| row.payload.clone()).collect();
    let priorities: Vec<_> = rows.iter().map(|row| row.priority as i16).collect();
    let metadata: Vec<_> = rows.iter().map(|row| row.metadata.clone()).collect();
    let strategies: Vec<_> = rows.iter().map(|row| row.retry_strategy.clone().map(Json)).collect();
    let attempts: Vec<_> =
        rows.iter().map(|row| row.retry_strategy.as_ref().map(RetryStrategy::max_attempts)).collect();
    let scheduled: Vec<_> = rows.iter().map(|row| row.scheduled_at).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.unique_key.clone()).collect();
    let waits: Vec<_> = rows.iter().map(|row| row.waits_for).collect();
    let owners: Vec<_> = rows.iter().map(|row| row.owner).collect();
    sqlx::query_scalar!(
        r#"
        insert into tasks (id, task_type_id, priority, run_at, max_attempts, pending_deps, payload, payload_version, metadata, retry_strategy,
            unique_key, created_by, scheduled_at)
        select given.id, task_types.id, given.priority,
            case when given.waits_for > 0 then 'infinity'::timestamptz when given.scheduled_at > now() then given.scheduled_at end,
            coalesce(given.max_attempts, max_attempts(task_types.retry_strategy)), given.waits_for, given.payload,
            coalesce(given.version, task_types.payload_version), given.metadata, given.retry_strategy, given.unique_key, given.owner,
            given.scheduled_at
        from unnest($1::uuid[], $2::text[], $3::smallint[], $4::jsonb[], $5::smallint[], $6::jsonb[], $7::jsonb[], $8::int[],
                $9::timestamptz[], $10::bytea[], $11::int[], $12::uuid[]) with ordinality
            as given (id, task_type, version, payload, priority, metadata, retry_strategy, max_attempts, scheduled_at, unique_key,
                waits_for, owner, place)
        join task_types on task_types.name = given.task_type and task_types.is_active
        order by given.place
        on conflict (task_type_id, unique_key) where unique_key is not null do nothing
        returning id
        "#,
        &ids,
        &types,
        &versions as &[Option<i16>],
        &payloads,
        &priorities,
        &metadata as &[Option<Value>],
        &strategies as &[Option<Json<RetryStrategy>>],
        &attempts as &[Option<i32>],
        &scheduled as &[Option<DateTime<Utc>>],
        &keys as &[Option<Vec<u8>>],
        &waits,
        &owners as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await
}

enum Reserved {
    Ours,
    Theirs(Uuid),
    UnknownType,
}

/// Takes the key for a time; it stays with the task that has it until then.
async fn reserve(conn: &mut PgConnection, row: &NewRow, key: &[u8], seconds: u32) -> sqlx::Result<Reserved> {
    let taken = sqlx::query_scalar!(
        r#"
        insert into task_uniques (task_type_id, unique_key, task_id, expires_at)
        select id, $2, $3, now() + make_interval(secs => $4) from task_types where name = $1 and is_active
        on conflict (task_type_id, unique_key) do update
        set task_id = case when task_uniques.expires_at <= now() then excluded.task_id else task_uniques.task_id end,
            expires_at = case when task_uniques.expires_at <= now() then excluded.expires_at else task_uniques.expires_at end
        returning task_id
        "#,
        row.task_type,
        key,
        row.id,
        f64::from(seconds),
    )
    .fetch_optional(conn)
    .await?;
    Ok(match taken {
        None => Reserved::UnknownType,
        Some(id) if id == row.id => Reserved::Ours,
        Some(id) => Reserved::Theirs(id),
    })
}

async fn point_at(conn: &mut PgConnection, never_was: Uuid, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update task_uniques set task_id = $2 where task_id = $1", never_was, holder).execute(conn).await?;
    Ok(())
}

enum Holder {
    Task(Uuid),
    Nobody,
    UnknownType,
}

async fn holder(conn: &mut PgConnection, task_type: &str, key: &[u8]) -> sqlx::Result<Holder> {
    let found = sqlx::query_scalar!(
        r#"
        select tasks.id as "id?"
        from task_types
        left join tasks on tasks.task_type_id = task_types.id and tasks.unique_key = $2
        where task_types.name = $1 and task_types.is_active
        "#,
        task_type,
        key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match found {
        None => Holder::UnknownType,
        Some(None) => Holder::Nobody,
        Some(Some(id)) => Holder::Task(id),
    })
}
