//! Whether a worker gets slower when very much waits.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::Bench;
use super::drain;
use super::systems::SYSTEMS;
use super::talk::Talk;
use crate::process::Step;

const WAITING: u64 = 10_000_000;
const RUNS: usize = 3;

/// Our own engine, in tasks a second.
pub struct Backlog {
    pub setting: &'static str,
    /// Tasks that a worker does in one run.
    pub tasks: u64,
    /// Tasks that wait at the start of the first run.
    pub waiting: u64,
    /// Where nothing waits but what is done.
    pub alone: Vec<f64>,
    /// At the head of the backlog.
    pub ahead: Vec<f64>,
}

impl Backlog {
    /// The median rate with the backlog as a part of the one without.
    pub fn part(&self) -> f64 {
        drain::middle(&self.ahead) / drain::middle(&self.alone)
    }
}

/// Measures our own engine at its last setting.
pub fn measure(bench: &Bench) -> Result<Backlog> {
    let step = Step::begin("bench: a backlog");
    let ours = &SYSTEMS[0];
    let setting = &ours.settings[ours.settings.len() - 1];
    let tasks = bench.extent.tasks;
    let waiting = if bench.extent.is_quick { WAITING / 10 } else { WAITING };
    let mut database = drain::empty(bench, ours)?;
    let alone = (0..RUNS).map(|_| drain::again(bench, setting, &mut database, tasks)).collect::<Result<_>>()?;
    drain::fill(bench, ours, &mut database, waiting)?;
    let mut ahead = Vec::new();
    for _ in 0..RUNS {
        let begun = database.ask("select now()")?;
        let mut work = bench.programs.of(ours, "work");
        let worker = Talk::begin(database.with(work.arg(tasks.to_string()).arg(setting.given)))?;
        let ran = worker.after("ran", Instant::now() + bench.extent.drain_at_most)?;
        ensure!(ran.is_some(), "{tasks} tasks of a backlog were not done in time");
        // It goes on until it is told to end, and hands back what it has not begun.
        worker.end("total")?;
        ahead.push(drain::rate(&mut database, &begun)?);
    }
    step.done();
    Ok(Backlog { setting: setting.given, tasks, waiting, alone, ahead })
}
