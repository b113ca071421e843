//! How fast a worker gets through what was queued while it was stopped.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::cluster::Database;
use super::systems::{SYSTEMS, Setting, System};
use super::talk::Talk;
use crate::process;

/// Between two looks at the database, once the handler has run often enough.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// For sessions to end and to tell what they have done.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// One drain. The cold start, measured with one task, is taken off already.
#[derive(Clone, Debug)]
pub struct Drained {
    pub tasks: u64,
    pub seconds: f64,
    pub cold_seconds: f64,
    pub wal_bytes: f64,
    pub commits: f64,
    /// What was not as it should be.
    pub notes: Vec<String>,
}

impl Drained {
    pub fn rate(&self) -> f64 {
        self.tasks as f64 / self.seconds
    }

    pub fn wal_bytes_a_task(&self) -> f64 {
        self.wal_bytes / self.tasks as f64
    }

    pub fn commits_a_task(&self) -> f64 {
        self.commits / self.tasks as f64
    }

    /// These figures without those of a cold start.
    fn without(self, cold: &Self) -> Result<Self> {
        ensure!(self.seconds > cold.seconds, "{} tasks took no longer than one: measure with more", self.tasks);
        Ok(Self {
            seconds: self.seconds - cold.seconds,
            cold_seconds: cold.seconds,
            wal_bytes: (self.wal_bytes - cold.wal_bytes).max(0.0),
            commits: (self.commits - cold.commits).max(0.0),
            ..self
        })
    }
}

/// The value in the middle.
pub fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value in the middle of several runs.
pub fn median(runs: &[Drained], of: impl Fn(&Drained) -> f64) -> f64 {
    middle(&runs.iter().map(of).collect::<Vec<_>>())
}

/// The runs of one system at one setting.
pub fn measure(bench: &Bench, system: &System, setting: &Setting) -> Result<Vec<Drained>> {
    let tasks = if setting.is_slow { bench.extent.tasks / 10 } else { bench.extent.tasks }.max(1);
    let cold: Vec<_> =
        (0..bench.extent.runs.min(3)).map(|_| drain(bench, system, setting, 1)).collect::<Result<_>>()?;
    let middle = median(&cold, |one| one.seconds);
    let cold = cold.into_iter().find(|one| one.seconds == middle).context("no cold start was measured")?;
    ensure!(cold.notes.is_empty(), "with a single task: {}", cold.notes.join("; "));
    let mut runs = Vec::new();
    // What does not come to an end in one run does not in another.
    while runs.len() < bench.extent.runs && runs.last().is_none_or(|run: &Drained| run.tasks == tasks) {
        runs.push(drain(bench, system, setting, tasks)?.without(&cold)?);
    }
    Ok(runs)
}

fn drain(bench: &Bench, system: &System, setting: &Setting, tasks: u64) -> Result<Drained> {
    let mut database = filled(bench, system, tasks)?;
    let (wal, commits) = (database.wal_bytes()?, database.commits()?);
    let ended = work_off(bench, system, setting, &mut database, tasks)?;
    thread::sleep(LAST_WORDS);
    let wal_bytes = (ended.wal - wal) as f64;
    let commits = (database.commits()? - commits) as f64;
    ensure!(ended.left < tasks, "no task was done within {:.0} s", ended.seconds);
    let notes = complaints(&mut database, system, &ended)?;
    Ok(Drained { tasks: tasks - ended.left, seconds: ended.seconds, cold_seconds: 0.0, wal_bytes, commits, notes })
}

/// Lets a worker, from its start on, do the tasks that wait.
pub fn work_off(
    bench: &Bench,
    system: &System,
    setting: &Setting,
    database: &mut Database,
    tasks: u64,
) -> Result<Ended> {
    let begun = Instant::now();
    let until = begun + bench.extent.drain_at_most;
    let mut work = bench.programs.of(system, "work");
    let worker = Talk::begin(database.with(work.arg(tasks.to_string()).arg(setting.given)))?;
    // The database is left alone until the worker says that the end is near.
    worker.after("ran", until)?;
    let left = left_at(until, system, database)?;
    let seconds = begun.elapsed().as_secs_f64();
    let wal = database.wal_bytes()?;
    let ran: u64 = worker.end("total")?.parse()?;
    Ok(Ended { tasks, left, ran, seconds, wal })
}

/// How many tasks are left as soon as there are none, or at the latest then.
pub fn left_at(until: Instant, system: &System, database: &mut Database) -> Result<u64> {
    let mut left = database.count(system.left)?;
    while left > 0 && Instant::now() < until {
        thread::sleep(LOOK_EVERY);
        left = database.count(system.left)?;
    }
    Ok(left)
}

/// A database in which so many tasks wait, and nobody works.
pub fn filled(bench: &Bench, system: &System, tasks: u64) -> Result<Database> {
    let mut database = empty(bench, system)?;
    fill(bench, system, &mut database, tasks)?;
    Ok(database)
}

/// A database with the tables of the system.
pub fn empty(bench: &Bench, system: &System) -> Result<Database> {
    let database = bench.cluster.fresh(&bench.programs)?;
    process::run(database.with(&mut bench.programs.of(system, "setup")))?;
    Ok(database)
}

/// Queues so many tasks, where none waits and nobody works.
pub fn fill(bench: &Bench, system: &System, database: &mut Database, tasks: u64) -> Result<()> {
    // None comes by itself within the next minutes, so no run pays for writing whole pages anew.
    database.ask("checkpoint")?;
    process::run(database.with(bench.programs.of(system, "enqueue").arg(tasks.to_string())))?;
    database.ask("vacuum analyze")?;
    let queued = database.count(system.left)?;
    ensure!(queued == tasks, "{queued} tasks were queued instead of {tasks}");
    thread::sleep(LAST_WORDS);
    Ok(())
}

/// Lets our own engine do so many tasks in a database where nothing waits; the answer is tasks a second.
pub fn again(bench: &Bench, setting: &Setting, database: &mut Database, tasks: u64) -> Result<f64> {
    let ours = &SYSTEMS[0];
    fill(bench, ours, database, tasks)?;
    let begun = database.ask("select now()")?;
    let ended = work_off(bench, ours, setting, database, tasks)?;
    ensure!(ended.left == 0, "a drain did not come to its end");
    rate(database, &begun)
}

/// Tasks a second of our own engine since then, from the first that ended to the last.
pub fn rate(database: &mut Database, since: &str) -> Result<f64> {
    let rate = database.ask(&format!(
        "select (count(*) / greatest(extract(epoch from max(finished_at) - min(finished_at)), 0.001))::float8::text \
        from task_history where finished_at > '{since}'"
    ))?;
    rate.parse().with_context(|| format!("{rate} is no rate"))
}

/// How a drain ended.
pub struct Ended {
    tasks: u64,
    pub left: u64,
    /// Times that the handler ran.
    ran: u64,
    pub seconds: f64,
    /// Bytes of WAL that the cluster had ever written by then.
    wal: u64,
}

/// What the database shows, against what it should.
fn complaints(database: &mut Database, system: &System, ended: &Ended) -> Result<Vec<String>> {
    let Ended { tasks, left, ran, seconds, .. } = *ended;
    let mut found = Vec::new();
    if left > 0 {
        found.push(format!("stopped after {seconds:.0} s with {} of {tasks} done", tasks - left));
    } else if ran != tasks {
        found.push(format!("the handler ran {ran} times for {tasks} tasks"));
    }
    if system.keeps_history {
        let completed = database.count(system.completed)?;
        // Some may have ended between the two looks.
        if completed < tasks - left || left == 0 && completed != tasks {
            found.push(format!("the history shows {completed} completed of {}", tasks - left));
        }
    }
    match database.count(system.failed)? {
        0 => {}
        failed => found.push(format!("{failed} failed")),
    }
    Ok(found)
}
