//! The invariants of the engine, held against the ledger and the tables.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::Result;
use chrono::TimeDelta;
use sqlx::PgPool;
use uuid::Uuid;

use super::ledger::{self, Execution, Ledger};
use super::produce::Produced;
use super::witness::{self, SCHEDULED_EVERY, STUCK_SECONDS, Seen};
use super::worker::LIMIT;

/// How well the clocks of the ledger and of PostgreSQL are compared, in microseconds.
const CLOCKS_APART: u64 = 100_000;

/// What can be judged while everything still runs; none also when the database does not answer.
pub async fn look(db: &PgPool, dir: &Path) -> Result<Option<String>> {
    let Ok((seen, ledger)) = Seen::read(db, dir).await else { return Ok(None) };
    if let Some(stuck) = seen.stuck.first() {
        return Ok(Some(format!(
            "5 (rescue): task {stuck} is still held by a worker whose lease lapsed {STUCK_SECONDS} s ago"
        )));
    }
    Ok(stale(&ledger, &seen).into_iter().chain(overlaps(&ledger, &seen)).chain(held_back(&seen)).next())
}

/// Everything, when all tasks have ended.
pub async fn judge(db: &PgPool, dir: &Path, produced: &Produced) -> Result<Vec<String>> {
    let (seen, ledger) = Seen::read(db, dir).await?;
    let mut broken = existence(&seen, produced);
    broken.extend(stale(&ledger, &seen));
    broken.extend(overlaps(&ledger, &seen));
    broken.extend(limits(&ledger, &seen));
    broken.extend(order(&ledger, &seen, produced));
    broken.extend(held_back(&seen));
    broken.extend(schedule(&seen));
    broken.extend(effects(&seen));
    broken.extend(figures(db).await?);
    let misbehaved = witness::misbehaved(db).await?;
    println!("  {:>8} effects in the task's own transaction", seen.effects.len());
    println!("  {:>8} tasks of the schedule", seen.scheduled.len());
    for (behaviour, count) in misbehaved {
        println!("  {count:>8} tasks that ended and misbehaved: {behaviour}");
    }
    Ok(broken)
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
    if let Some(id) = seen.miscounted.first() {
        broken.push(format!(
            "6 (attempts): {} tasks have other attempts or rescues than their errors tell of, or more than they may; {id} is one",
            seen.miscounted.len()
        ));
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

/// From when on what a worker runs is excused, because others may run the same beside it. Its death is already told too early rather than too
/// late.
fn excused_at(seen: &Seen, worker: i64) -> Option<u64> {
    seen.dead.get(&worker).map(|died| died.saturating_sub(CLOCKS_APART))
}

/// No more of a limited kind at any moment, and no two of a unique key. What a worker runs that was killed counts until it is declared dead:
/// until then it holds its place.
fn limits(ledger: &Ledger, seen: &Seen) -> Vec<String> {
    let kinds: BTreeSet<_> = ledger.executions.iter().map(|execution| execution.kind.as_str()).collect();
    let limit_of = |kind: &str| match kind {
        "chaos_limited" => Some(("8 (limit)", LIMIT)),
        "chaos_serial" => Some(("8 (limit)", 1)),
        kind => kind.starts_with("chaos_unique:").then_some(("7 (unique key)", 1)),
    };
    let mut broken = Vec::new();
    for (kind, (invariant, limit)) in kinds.into_iter().filter_map(|kind| Some((kind, limit_of(kind)?))) {
        let counts_until = |one: &Execution| seen.end_of(one).into_iter().chain(excused_at(seen, one.worker)).min();
        let mut moments = Vec::new();
        for execution in ledger.executions.iter().filter(|execution| execution.kind == kind) {
            let until = counts_until(execution);
            if until.is_none_or(|until| until > execution.began) {
                moments.push((execution.began, 1));
                moments.extend(until.map(|until| (until, -1)));
            }
        }
        // At one moment ends come first.
        moments.sort_unstable();
        let mut running = 0;
        for (at, change) in moments {
            running += change;
            if running > limit {
                broken.push(format!(
                    "{invariant}: {running} of {kind} ran at {}, allowed are {limit}",
                    ledger::words(at)
                ));
                break;
            }
        }
    }
    broken
}

/// Serial tasks of one transaction begin in its order; those that nobody had locked, and whose first claim was heard of before its worker was
/// declared dead.
fn order(ledger: &Ledger, seen: &Seen, produced: &Produced) -> Vec<String> {
    let begins: HashMap<_, _> = ledger
        .executions
        .iter()
        .filter(|one| one.epoch == 1 && excused_at(seen, one.worker).is_none_or(|excused| one.began < excused))
        .map(|execution| (execution.task, execution.began))
        .collect();
    let mut broken = Vec::new();
    for tasks in &produced.in_order {
        let tasks = tasks.iter().filter(|id| !produced.touched.contains(id));
        let begun: Vec<_> = tasks.filter_map(|id| Some((id, begins.get(id)?))).collect();
        if let Some(pair) = begun.windows(2).find(|pair| pair[0].1 > pair[1].1) {
            broken.push(format!(
                "9 (order): serial task {} began before {}, which was queued before it",
                pair[1].0, pair[0].0
            ));
        }
    }
    broken
}

/// Nothing is claimed of a type that is paused or whose breaker is open.
fn held_back(seen: &Seen) -> Vec<String> {
    let claimed = seen.claimed_while_held_back.first();
    claimed
        .map(|id| format!("11 (breaker, pause): task {id} was claimed while its type was held back"))
        .into_iter()
        .collect()
}

/// Each time of the schedule has made one task.
fn schedule(seen: &Seen) -> Vec<String> {
    let step = TimeDelta::seconds(SCHEDULED_EVERY);
    let wrong = seen.scheduled.windows(2).find(|pair| pair[1] - pair[0] != step);
    let told = |pair: &[_]| format!("13 (schedule): its tasks are for {:?} and {:?}", pair[0], pair[1]);
    wrong.map(told).into_iter().collect()
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
    let without = seen.with_effect.iter().find(|id| !seen.effects.contains_key(*id));
    broken.extend(without.map(|id| format!("10 (exactly once): task {id} was completed without its effect")));
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const FIRST: Uuid = Uuid::from_u128(1);
    const LAST: Uuid = Uuid::from_u128(2);
    /// Worker 1 is declared dead then.
    const DIED: u64 = 10 * SECOND;

    /// The first attempt at a task; its process was killed.
    fn cut_off(task: Uuid, worker: i64, kind: &str, began: u64) -> Execution {
        Execution { task, epoch: 1, worker, pid: 0, kind: kind.into(), began, ended: None }
    }

    fn ran(task: Uuid, worker: i64, kind: &str, began: u64) -> Execution {
        Execution { ended: Some(began + SECOND), ..cut_off(task, worker, kind, began) }
    }

    /// What is broken when these are the executions.
    fn broken<const N: usize>(executions: [Execution; N]) -> Vec<String> {
        let seen = Seen { dead: HashMap::from([(1, DIED)]), ..Seen::default() };
        let produced = Produced { in_order: vec![vec![FIRST, LAST]], ..Produced::default() };
        let ledger = Ledger { executions: executions.into() };
        [limits(&ledger, &seen), order(&ledger, &seen, &produced)].concat()
    }

    #[track_caller]
    fn assert_named(broken: &[String], invariant: &str) {
        assert!(broken.len() == 1 && broken[0].starts_with(invariant), "{broken:?}");
    }

    #[test]
    fn what_a_worker_ran_before_it_died_counts_for_the_limit() {
        let ended = ran(FIRST, 1, "chaos_serial", SECOND);
        assert_named(&broken([ended, ran(LAST, 2, "chaos_serial", 3 * SECOND / 2)]), "8 (limit): 2");
        let killed = cut_off(FIRST, 1, "chaos_serial", SECOND);
        assert_named(&broken([killed, ran(LAST, 2, "chaos_serial", DIED - SECOND)]), "8 (limit): 2");
    }

    #[test]
    fn what_a_worker_ran_before_it_died_counts_for_its_unique_key() {
        let killed = cut_off(FIRST, 1, "chaos_unique:3", SECOND);
        let of_another_key = ran(LAST, 2, "chaos_unique:4", 2 * SECOND);
        let again = ran(LAST, 2, "chaos_unique:3", 2 * SECOND);
        assert_named(&broken([killed, of_another_key, again]), "7 (unique key): 2 of chaos_unique:3");
    }

    #[test]
    fn what_a_worker_began_before_it_died_counts_for_the_order() {
        let late = cut_off(FIRST, 1, "chaos_serial", DIED - SECOND);
        assert_named(&broken([ran(LAST, 2, "chaos_serial", SECOND), late]), "9 (order)");
    }

    #[test]
    fn what_a_worker_ran_after_it_died_is_excused() {
        let killed = cut_off(FIRST, 1, "chaos_serial", SECOND);
        assert!(broken([killed, ran(LAST, 2, "chaos_serial", DIED)]).is_empty(), "its place is free");
        // It was stopped between its claim and its begin, and another has run the task meanwhile.
        let woken = ran(FIRST, 1, "chaos_serial", DIED + SECOND);
        assert!(broken([ran(LAST, 2, "chaos_serial", DIED), woken]).is_empty(), "it came too late");
    }
}
