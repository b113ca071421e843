//! What it costs that a transaction stays open for half an hour, so that vacuum can take nothing away.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Bench;
use super::cluster::Database;
use super::drain;
use super::latency::{Latency, Pair};
use super::systems::{SYSTEMS, Setting};
use crate::process::Step;

/// The goal speaks of so many tasks a second.
const RATE: f64 = 2000.0;
/// The time is told of in so many parts, each so long.
const PARTS: usize = 6;
const PART: Duration = Duration::from_secs(5 * 60);
/// For the last tasks of the load to end once they have started.
const ENDING: Duration = Duration::from_secs(10);
/// Drains of each state, and how many tasks each has, as a multiple of those of other drains.
const DRAINS: usize = 3;
const LONGER: u64 = 2;

/// Our own engine with one worker, in the same database all the time.
pub struct Held {
    pub setting: &'static str,
    pub minutes: f64,
    /// Tasks of each drain.
    pub tasks: u64,
    /// Before the transaction began.
    pub before: Drains,
    /// How long tasks waited while it was open and they came one by one, in each part of the time.
    pub meanwhile: Vec<Latency>,
    /// At the end of the time, while it is still open.
    pub open: Drains,
    /// When it had ended.
    pub after: Drains,
}

/// How fast a worker is that finds a full queue.
pub struct Drains {
    /// Tasks a second.
    pub rates: Vec<f64>,
    /// Seconds that a worker needs for a single task, from its start on.
    pub cold_seconds: f64,
}

impl Held {
    /// The median rate beside the open transaction as a part of the one before it.
    pub fn part(&self) -> f64 {
        drain::middle(&self.open.rates) / drain::middle(&self.before.rates)
    }
}

/// Measures our own engine at its last setting.
pub fn measure(bench: &Bench) -> Result<Held> {
    let step = Step::begin("bench: a transaction held open");
    let ours = &SYSTEMS[0];
    let setting = &ours.settings[ours.settings.len() - 1];
    // Seconds are enough to see that all works.
    let part = if bench.extent.is_quick { PART / 60 } else { PART };
    let tasks = bench.extent.tasks * LONGER;
    let mut database = drain::empty(bench, ours)?;
    let before = drains(bench, setting, &mut database, tasks)?;
    let mut holder = bench.cluster.another(&bench.programs)?;
    holder.ask("begin isolation level repeatable read")?;
    holder.ask("select count(*) from tasks")?;
    let mut pair = Pair::begin(bench, ours, setting, &database)?;
    let count = (RATE * part.as_secs_f64()) as usize;
    let meanwhile = (0..PARTS).map(|_| pair.open(RATE, count, 1)).collect::<Result<_>>()?;
    let left = drain::left_at(Instant::now() + ENDING, ours, &mut database)?;
    ensure!(left == 0, "{left} of the tasks of the load did not end");
    drop(pair);
    let open = drains(bench, setting, &mut database, tasks)?;
    holder.ask("rollback")?;
    let after = drains(bench, setting, &mut database, tasks)?;
    step.done();
    let minutes = part.as_secs_f64() * PARTS as f64 / 60.0;
    Ok(Held { setting: setting.given, minutes, tasks, before, meanwhile, open, after })
}

fn drains(bench: &Bench, setting: &Setting, database: &mut Database, tasks: u64) -> Result<Drains> {
    let ours = &SYSTEMS[0];
    let rates = (0..DRAINS).map(|_| drain::again(bench, setting, database, tasks)).collect::<Result<_>>()?;
    drain::fill(bench, ours, database, 1)?;
    let cold = drain::work_off(bench, ours, setting, database, 1)?;
    ensure!(cold.left == 0, "the task of a new worker was not done");
    Ok(Drains { rates, cold_seconds: cold.seconds })
}
