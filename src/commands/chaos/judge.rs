//! The invariants of the engine, held against the ledger and the tables.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use sqlx::PgPool;
use uuid::Uuid;

use super::ledger::{self, Execution, Ledger};
use super::produce::Produced;
use super::worker::LIMIT;

/// The longest that a task of a dead worker may stay with it after the lease has lapsed, in seconds.
const STUCK_SECONDS: f64 = 17.0;

/// How well the clocks of the ledger and of PostgreSQL are compared, in microseconds.
const CLOCKS_APART: u64 = 100_000;

/// Tables of the run: effects that must happen exactly once, and which workers were declared dead.
pub async fn prepare(db: &PgPool) -> Result<()> {
    for statement in [
        "drop table if exists chaos_effects, chaos_dead",
        "create table chaos_effects (task_id uuid not null, worker_id bigint not null)",
        "create table chaos_dead (worker_id bigint primary key, at timestamptz not null)",
        "create or replace function chaos_note_death() returns trigger language plpgsql as $$
         begin
             if old.lease_until < now() then
                 insert into chaos_dead values (old.id, clock_timestamp()) on conflict do nothing;
             end if;
             return old;
         end $$",
        "create or replace trigger chaos_note_death before delete on workers for each row execute function chaos_note_death()",
    ] {
        sqlx::query(statement).execute(db).await?;
    }
    Ok(())
}

/// What can be judged while everything still runs; none also when the database does not answer.
pub async fn look(db: &PgPool, dir: &Path) -> Result<Option<String>> {
    let Ok((seen, ledger)) = Seen::read(db, dir).await else { return Ok(None) };
    if let Some(stuck) = seen.stuck.first() {
        return Ok(Some(format!(
            "5 (rescue): task {stuck} is still held by a worker whose lease lapsed {STUCK_SECONDS} s ago"
        )));
    }
    Ok(stale(&ledger, &seen).into_iter().chain(overlaps(&ledger, &seen)).next())
}

/// Everything, when all tasks have ended.
pub async fn judge(db: &PgPool, dir: &Path, produced: &Produced) -> Result<Vec<String>> {
    let (seen, ledger) = Seen::read(db, dir).await?;
    let mut broken = existence(&seen, produced);
    broken.extend(stale(&ledger, &seen));
    broken.extend(overlaps(&ledger, &seen));
    broken.extend(limits(&ledger, &seen));
    broken.extend(effects(&seen));
    broken.extend(figures(db).await?);
    Ok(broken)
}

/// What the tables say.
struct Seen {
    /// Each accepted end: the worker and the epoch that the result came from, where it is a completion, and the worker that held it.
    ended: HashMap<Uuid, Vec<End>>,
    alive: HashSet<Uuid>,
    /// When workers were declared dead because their lease had lapsed, on the clock of the ledger: from then on their tasks may run a second
    /// time beside them.
    dead: HashMap<i64, u64>,
    effects: HashMap<Uuid, i64>,
    stuck: Vec<Uuid>,
    max_attempts_exceeded: Vec<Uuid>,
}

struct End {
    /// None for what was cancelled or failed.
    completed_by: Option<(i64, i32)>,
    held_by: Option<i64>,
}

impl Seen {
    /// The ends before the ledger, because what was accepted must be in it; the deaths after it, because an overlap in it must be excused.
    async fn read(db: &PgPool, dir: &Path) -> Result<(Self, Ledger)> {
        let mut ended: HashMap<Uuid, Vec<End>> = HashMap::new();
        let history = sqlx::query!(
            r#"
            select id as "id!", (result ->> 'worker')::bigint as worker, (result ->> 'epoch')::int as epoch, worker_id, attempts > max_attempts as "too_many!"
            from task_history
            union all
            select id, null, null, worker_id, attempts > max_attempts from dead_tasks
            "#
        )
        .fetch_all(db)
        .await?;
        let max_attempts_exceeded = history.iter().filter(|row| row.too_many).map(|row| row.id).collect();
        for row in history {
            ended
                .entry(row.id)
                .or_default()
                .push(End { completed_by: row.worker.zip(row.epoch), held_by: row.worker_id });
        }
        let alive = sqlx::query_scalar!("select id from tasks").fetch_all(db).await?;
        let stuck = sqlx::query_scalar!(
            r#"
            select tasks.id
            from tasks
            join workers on workers.id = worker_id
            where lease_until < now() - make_interval(secs => $1)
            "#,
            STUCK_SECONDS,
        )
        .fetch_all(db)
        .await?;
        let ledger = ledger::read(dir)?;
        let ago = "select worker_id, extract(epoch from clock_timestamp() - at)::float8 from chaos_dead";
        let dead: Vec<(i64, f64)> = sqlx::query_as(ago).fetch_all(db).await?;
        let now = ledger::now();
        let dead = dead.into_iter().map(|(worker, ago)| (worker, now.saturating_sub((ago * 1e6) as u64)));
        let effects: Vec<(Uuid, i64)> =
            sqlx::query_as("select task_id, count(*) from chaos_effects group by task_id").fetch_all(db).await?;
        let seen = Self {
            ended,
            alive: alive.into_iter().collect(),
            dead: dead.collect(),
            effects: effects.into_iter().collect(),
            stuck,
            max_attempts_exceeded,
        };
        Ok((seen, ledger))
    }
}

fn existence(seen: &Seen, produced: &Produced) -> Vec<String> {
    let mut broken = Vec::new();
    let exists = |id: &Uuid| seen.alive.contains(id) || seen.ended.contains_key(id);
    if let Some(lost) = produced.committed.iter().find(|id| !exists(id)) {
        broken.push(format!("1 (no loss): task {lost} was committed and is nowhere"));
    }
    if let Some(ghost) = produced.rolled_back.iter().find(|id| exists(id)) {
        broken.push(format!("2 (no ghost): task {ghost} was rolled back and is there"));
    }
    if let Some((twice, ends)) = seen.ended.iter().find(|(id, ends)| ends.len() > 1 || seen.alive.contains(*id)) {
        broken.push(format!("3 (one end): task {twice} has ended {} times", ends.len()));
    }
    if let Some(id) = seen.max_attempts_exceeded.first() {
        broken.push(format!("6 (attempts): task {id} has had more attempts than it may"));
    }
    broken
}

/// A completion that was accepted must come from the last claim.
fn stale(ledger: &Ledger, seen: &Seen) -> Vec<String> {
    let mut broken = Vec::new();
    let by_task = ledger.by_task();
    for (id, ends) in &seen.ended {
        for end in ends {
            let Some((worker, epoch)) = end.completed_by else { continue };
            let last = by_task.get(id).and_then(|executions| executions.last());
            let is_last = last.is_some_and(|last| (last.worker, last.epoch) == (worker, epoch));
            if !is_last || end.held_by != Some(worker) {
                broken.push(format!("3 (no stale completion): task {id} was completed by worker {worker} with epoch {epoch}, but was held by {:?}; last in the ledger: {last:?}", end.held_by));
            }
        }
    }
    broken
}

/// Two executions of one task overlap only when the first one's worker had been declared dead before the second one began.
fn overlaps(ledger: &Ledger, seen: &Seen) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, executions) in ledger.by_task() {
        for pair in executions.windows(2) {
            let [first, second] = pair else { continue };
            let is_over = first.ended.is_some_and(|ended| ended <= second.began);
            let was_dead = seen.dead.get(&first.worker).is_some_and(|died| *died <= second.began + CLOCKS_APART);
            if !is_over && !was_dead {
                broken.push(format!("4 (no overlap): task {id} ran as epoch {} on worker {} until {:?} and as epoch {} on worker {} from {}; the first was alive",
                    first.epoch, first.worker, first.ended.map(ledger::words), second.epoch, second.worker, ledger::words(second.began)));
            }
        }
    }
    broken
}

/// No more of a limited kind at any moment, but for executions of workers that were declared dead.
fn limits(ledger: &Ledger, seen: &Seen) -> Vec<String> {
    let mut broken = Vec::new();
    for (kind, limit) in [("chaos_limited", LIMIT), ("chaos_serial", 1)] {
        let counts = |execution: &&Execution| execution.kind == kind && !seen.dead.contains_key(&execution.worker);
        let mut moments = Vec::new();
        for execution in ledger.executions.iter().filter(counts) {
            moments.push((execution.began, 1));
            moments.extend(execution.ended.map(|ended| (ended, -1)));
        }
        // At one moment ends come first.
        moments.sort_unstable();
        let mut running = 0;
        for (at, change) in moments {
            running += change;
            if running > limit {
                broken
                    .push(format!("8 (limit): {running} of {kind} ran at {}, allowed are {limit}", ledger::words(at)));
                break;
            }
        }
    }
    broken
}

/// An effect in the task's own transaction is there exactly when the task was completed.
fn effects(seen: &Seen) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, count) in &seen.effects {
        let is_completed = seen.ended.get(id).is_some_and(|ends| ends.iter().any(|end| end.completed_by.is_some()));
        if *count != 1 || !is_completed {
            broken.push(format!("10 (exactly once): task {id} has {count} effects; completed: {is_completed}"));
        }
    }
    broken
}

/// Counts that the engine keeps must be those of the rows.
async fn figures(db: &PgPool) -> Result<Vec<String>> {
    let row = sqlx::query!(
        r#"
        select (select coalesce(sum(total), 0)::bigint from task_totals) as "totals!", (select count(*) from task_history) as "history!",
            (select coalesce(sum(completed), 0)::bigint from task_stats) as "completed!",
            (select count(*) from task_history where status = 'completed') as "completions!",
            (select coalesce(sum(running), 0)::bigint from task_type_state) as "running!",
            (select count(*) from tasks join task_types on task_types.id = task_type_id where worker_id is not null and max_running is not null)
                as "running_rows!",
            (select count(*) from task_dependencies) as "dependencies!"
        "#
    )
    .fetch_one(db)
    .await?;
    let mut broken = Vec::new();
    for (what, counted, real) in [
        ("totals of the history", row.totals, row.history),
        ("completions in the statistics", row.completed, row.completions),
        ("running tasks of limited types", row.running, row.running_rows),
        ("dependencies", row.dependencies, 0),
    ] {
        if counted != real {
            broken.push(format!("figures: {what} say {counted}, the rows {real}"));
        }
    }
    Ok(broken)
}
