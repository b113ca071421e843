//! What it costs that a transaction stays open, so that vacuum can take nothing away.

use anyhow::{Result, ensure};

use super::Bench;
use super::cluster::Database;
use super::drain;
use super::systems::{SYSTEMS, Setting};
use crate::process::Step;

/// As many as half an hour brings at 2,000 a second.
const HELD_TASKS: u64 = 30 * 60 * 2000;
/// The rate is told for this many parts of a drain, one after another.
const PARTS: usize = 12;
/// Our own engine with one worker that works off one long queue.
pub struct Held {
    pub setting: &'static str,
    pub tasks: u64,
    /// Without any other transaction.
    pub free: Long,
    /// While a transaction is open that began before the worker.
    pub held: Long,
}

/// A long drain.
pub struct Long {
    pub seconds: f64,
    /// Tasks a second of each part.
    pub rates: Vec<f64>,
    /// Seconds that a worker which starts after it needs for a single task.
    pub late_start_seconds: f64,
}

impl Held {
    /// The rate at the end of the time, by the last quarter of the parts, as a part of the rate without it.
    pub fn part(&self) -> f64 {
        self.held.last_quarter() / self.free.last_quarter()
    }
}

impl Long {
    fn last_quarter(&self) -> f64 {
        drain::middle(&self.rates[self.rates.len() - self.rates.len().div_ceil(4)..])
    }
}

/// Measures our own engine at its last setting.
pub fn measure(bench: &Bench) -> Result<Held> {
    let step = Step::begin("bench: a transaction held open");
    let ours = &SYSTEMS[0];
    let setting = &ours.settings[ours.settings.len() - 1];
    // A tenth of the time is enough to see that all works.
    let tasks = if bench.extent.is_quick { HELD_TASKS / 10 } else { HELD_TASKS };
    let free = long(bench, setting, &mut drain::filled(bench, ours, tasks)?, tasks)?;
    let mut database = drain::filled(bench, ours, tasks)?;
    let mut holder = bench.cluster.another(&bench.programs)?;
    holder.ask("begin isolation level repeatable read")?;
    holder.ask("select count(*) from tasks")?;
    let held = long(bench, setting, &mut database, tasks)?;
    holder.ask("rollback")?;
    step.done();
    Ok(Held { setting: setting.given, tasks, free, held })
}

fn long(bench: &Bench, setting: &Setting, database: &mut Database, tasks: u64) -> Result<Long> {
    let ours = &SYSTEMS[0];
    let begun = database.ask("select now()")?;
    let ended = drain::work_off(bench, ours, setting, database, tasks)?;
    ensure!(ended.left == 0, "the drain did not come to its end");
    let rates = drain::rates(database, &begun, PARTS)?;
    drain::fill(bench, ours, database, 1)?;
    let late = drain::work_off(bench, ours, setting, database, 1)?;
    ensure!(late.left == 0, "the task of the late worker was not done");
    Ok(Long { seconds: ended.seconds, rates, late_start_seconds: late.seconds })
}
