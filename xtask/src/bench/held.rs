//! What it costs that a transaction stays open, so that vacuum can take nothing away.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::Bench;
use super::drain;
use super::systems::{SYSTEMS, Setting};
use crate::process::Step;

/// As many as half an hour brings at 2,000 a second.
const HELD_TASKS: u64 = 30 * 60 * 2000;

/// Our own engine, drain after drain, in one database.
pub struct Held {
    pub setting: &'static str,
    /// Tasks of one drain.
    pub tasks: u64,
    /// How long the transaction was open.
    pub seconds: f64,
    /// Tasks a second of each drain while nothing is held: before, and after it has ended and vacuum has run.
    pub free: Vec<f64>,
    /// The same while a transaction is open that began before them all.
    pub held: Vec<f64>,
}

impl Held {
    /// The rate at the end of the time, by the last quarter of the drains, as a part of the rate without it.
    pub fn part(&self) -> f64 {
        let last = self.held.len() - self.held.len().div_ceil(4);
        middle(&self.held[last..]) / middle(&self.free)
    }
}

fn middle(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Measures our own engine at its last setting.
pub fn measure(bench: &Bench) -> Result<Held> {
    let step = Step::begin("bench: a transaction held open");
    let ours = &SYSTEMS[0];
    let setting: &Setting = &ours.settings[ours.settings.len() - 1];
    let tasks = bench.extent.tasks;
    // A tenth of the time is enough to see that all works.
    let total = if bench.extent.is_quick { HELD_TASKS / 10 } else { HELD_TASKS };
    let mut database = drain::empty(bench, ours)?;
    let mut rate = || -> Result<f64> {
        drain::fill(bench, ours, &mut database, tasks)?;
        let ended = drain::work_off(bench, ours, setting, &mut database, tasks)?;
        ensure!(ended.left == 0, "a drain did not come to its end");
        Ok(tasks as f64 / ended.seconds)
    };
    let mut free = vec![rate()?, rate()?, rate()?];
    let mut holder = bench.cluster.another(&bench.programs)?;
    holder.ask("begin isolation level repeatable read")?;
    holder.ask("select count(*) from tasks")?;
    let begun = Instant::now();
    let held = (0..total.div_ceil(tasks)).map(|_| rate()).collect::<Result<Vec<_>>>()?;
    let seconds = begun.elapsed().as_secs_f64();
    holder.ask("rollback")?;
    free.extend([rate()?, rate()?, rate()?]);
    step.done();
    Ok(Held { setting: setting.given, tasks, seconds, free, held })
}
