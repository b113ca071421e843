//! Who works: joining, renewing, leaving, and taking over from the dead.

use std::time::Duration;

use model::tasks::TaskStatus;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::settle::Ended;
use crate::db;

/// Rescues after which a task is taken for poison: so many workers died of it.
const RESCUES_AT_MOST: i32 = 3;

/// A worker as it joins.
#[derive(Clone, Debug)]
pub struct Member {
    pub host: String,
    pub task_types: Vec<String>,
    pub concurrency: i32,
}

/// What a worker says of itself when it renews its lease.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sign {
    pub is_draining: bool,
    pub running: i32,
    pub done: i64,
    pub fenced_out: i64,
}

/// Enters a worker with a first lease; the answer is its number, which is never given again.
pub async fn join(db: &PgPool, member: &Member, lease: Duration) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        insert into workers (host, pid, version, task_types, concurrency, lease_until)
        values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
        returning id
        "#,
        member.host,
        std::process::id() as i32,
        env!("CARGO_PKG_VERSION"),
        &member.task_types,
        member.concurrency,
        lease.as_secs_f64(),
    )
    .fetch_one(db)
    .await
}

/// Renews the lease; no when others have declared the worker dead.
pub async fn renew(conn: &mut PgConnection, worker: i64, lease: Duration, sign: Sign) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        update workers
        set lease_until = now() + make_interval(secs => $2), renewed_at = now(), is_draining = $3, running = $4, done = $5, fenced_out = $6
        where id = $1
        "#,
        worker,
        lease.as_secs_f64(),
        sign.is_draining,
        sign.running,
        sign.done,
        sign.fenced_out,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Those of the tasks that were told to stop.
pub async fn told_to_stop(conn: &mut PgConnection, held: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from tasks where id = any($1) and cancel_requested", held).fetch_all(conn).await
}

/// Hands back what the table says the worker runs but it does not know of: the answer to its claim was lost on the way.
pub async fn strays(db: &PgPool, worker: i64, held: &[Uuid]) -> sqlx::Result<Vec<Ended>> {
    let mut tx = db::begin_short(db).await?;
    let back = hand_back(&mut tx, worker, held).await?;
    tx.commit().await?;
    Ok(back)
}

/// Hands back everything that the worker still runs, and signs it off. Costs no attempt. A claim whose answer was lost may still be under
/// way: it holds a lock on the worker's row and is waited for, so nothing is left behind.
pub async fn leave(db: &PgPool, worker: i64) -> sqlx::Result<Vec<Ended>> {
    let mut tx = db::begin_short(db).await?;
    sqlx::query_scalar!("select id from workers where id = $1 for update", worker).fetch_optional(&mut *tx).await?;
    let back = hand_back(&mut tx, worker, &[]).await?;
    sqlx::query!("delete from workers where id = $1", worker).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(back)
}

async fn hand_back(conn: &mut PgConnection, worker: i64, except: &[Uuid]) -> sqlx::Result<Vec<Ended>> {
    let running = running_of(conn, &[worker]).await?;
    let ids: Vec<_> = running.into_iter().filter(|id| !except.contains(id)).collect();
    put_back(conn, &ids, None).await
}

/// The running tasks of workers, under a lock. What they claimed lies below their marks, so the backlog is not read.
async fn running_of(conn: &mut PgConnection, workers: &[i64]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select tasks.id
        from worker_lanes
        join tasks on tasks.task_type_id = worker_lanes.task_type_id and tasks.priority = worker_lanes.priority
            and tasks.run_at is null and tasks.seq <= worker_lanes.claimed_up_to and tasks.worker_id = worker_lanes.worker_id
        where worker_lanes.worker_id = any($1)
        order by tasks.id
        for update of tasks
        "#,
        workers,
    )
    .fetch_all(conn)
    .await
}

/// What was done about workers that died.
#[derive(Debug, Default)]
pub struct Rescued {
    pub workers: Vec<i64>,
    pub tasks: Vec<Ended>,
}

/// Declares workers dead whose lease has lapsed, and makes their tasks ready again. It costs no attempt, but a rescue: after the third
/// the task is dead as poison. A claim that is under way is waited for, so nothing is left behind.
pub async fn rescue(db: &PgPool) -> sqlx::Result<Rescued> {
    let mut tx = db::begin_short(db).await?;
    let dead =
        sqlx::query_scalar!("select id from workers where lease_until < now() order by id for update skip locked")
            .fetch_all(&mut *tx)
            .await?;
    if dead.is_empty() {
        return Ok(Rescued::default());
    }
    let lost = running_of(&mut tx, &dead).await?;
    let tasks = put_back(&mut tx, &lost, Some(RESCUES_AT_MOST)).await?;
    sqlx::query!("delete from workers where id = any($1)", &dead).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Rescued { workers: dead, tasks })
}

/// Makes running tasks ready again. With `rescues_at_most` their worker died: a rescue is counted, and too many are the end.
pub(super) async fn put_back(
    conn: &mut PgConnection,
    ids: &[Uuid],
    rescues_at_most: Option<i32>,
) -> sqlx::Result<Vec<Ended>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_file_as!(Ended, "src/tasks/queue/put_back.sql", ids, rescues_at_most).fetch_all(conn).await
}
