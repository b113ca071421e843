//! How long it takes from just before the enqueue until the handler starts, between two processes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use super::cluster::Database;
use super::drain;
use super::systems::{SYSTEMS, Setting, System};
use super::talk::Talk;

/// So that the worker is idle again between two samples.
const PAUSE: Duration = Duration::from_millis(5);
/// For a worker to be ready, and for a lone task to start.
const PATIENCE: Duration = Duration::from_secs(40);
/// For a producer to queue all tasks of a load, beyond the time that the load itself takes.
const SENDING: Duration = Duration::from_secs(300);
/// For those that were queued to start.
const AFTERWARDS: Duration = Duration::from_secs(10);
const WARM_UP: usize = 5;
const OPEN_RATE: f64 = 100.0;
/// The highest rate at which tasks are queued one by one.
const ONE_BY_ONE_AT_MOST: f64 = 2000.0;
/// Above that they come in batches, so often in a second; of a batch one task in so many says how long it was on the way: if
/// all did, it would be their saying that is measured.
const BATCHES: f64 = 100.0;
const STAMPED: usize = 10;

/// Milliseconds.
#[derive(Clone, Debug)]
pub struct Latency {
    pub load: String,
    pub samples: usize,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
    pub note: Option<String>,
    /// Not all tasks started.
    is_too_much: bool,
}

impl Latency {
    fn of(load: String, mut micros: Vec<f64>, note: Option<String>, is_too_much: bool) -> Self {
        micros.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (micros.len() as f64 * part).ceil() as usize;
            micros.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN) / 1000.0
        };
        Self {
            load,
            samples: micros.len(),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: at(1.0),
            note,
            is_too_much,
        }
    }
}

/// Closed loop, 100 a second, and half of the rate at which the system drains, one by one as far as that goes; our engine also has that half in
/// batches. What comes after a load that it cannot bear is left out.
pub fn measure(bench: &Bench, system: &System, setting: &Setting, half: f64) -> Result<Vec<Latency>> {
    let database = drain::empty(bench, system)?;
    let mut pair = Pair::begin(bench, system, setting, &database)?;

    let mut all = vec![pair.closed(bench)?];
    let sends = |rate: f64| (rate * bench.extent.load.as_secs_f64()) as usize;
    let one_by_one = half.min(ONE_BY_ONE_AT_MOST).floor();
    let mut loads = vec![(OPEN_RATE, bench.extent.open_samples, 1), (one_by_one, sends(one_by_one), 1)];
    if half > one_by_one && system.name == SYSTEMS[0].name {
        let size = (half / BATCHES) as usize / STAMPED * STAMPED;
        loads.push((BATCHES, sends(BATCHES), size));
    }
    for (rate, count, size) in loads {
        if count * size == 0 || all.last().is_some_and(|last| last.is_too_much) {
            break;
        }
        all.push(pair.open(rate, count, size)?);
    }
    Ok(all)
}

/// A worker and a producer, ready to go.
pub struct Pair {
    worker: Talk,
    producer: Talk,
}

impl Pair {
    pub fn begin(bench: &Bench, system: &System, setting: &Setting, database: &Database) -> Result<Self> {
        let mut work = bench.programs.of(system, "work");
        let worker = Talk::begin(database.with(work.arg("0").arg(setting.given)))?;
        let producer = Talk::begin(database.with(&mut bench.programs.of(system, "produce")))?;
        let mut pair = Self { worker, producer };
        pair.producer.after("ready", Instant::now() + PATIENCE)?.context("the producer did not become ready")?;
        for _ in 0..WARM_UP {
            pair.one(Instant::now() + PATIENCE)?.context("a lone task did not start within 40 s")?;
            thread::sleep(PAUSE * 20);
        }
        Ok(pair)
    }

    /// Queues one task; the answer is its latency, none when it does not start in time.
    fn one(&mut self, until: Instant) -> Result<Option<f64>> {
        self.producer.say("one")?;
        self.producer.after("sent", until)?;
        self.next(until)
    }

    fn next(&self, until: Instant) -> Result<Option<f64>> {
        Ok(self.worker.after("lat", until)?.map(|micros| micros.parse()).transpose()?)
    }

    /// Each task is queued after the one before it has started.
    fn closed(&mut self, bench: &Bench) -> Result<Latency> {
        let (wanted, begun) = (bench.extent.closed_samples, Instant::now());
        let mut micros = Vec::new();
        while micros.len() < wanted && begun.elapsed() < bench.extent.closed_at_most {
            thread::sleep(PAUSE);
            let Some(one) = self.one(Instant::now() + PATIENCE)? else { break };
            micros.push(one);
        }
        let started = micros.len();
        let in_time = started == wanted || begun.elapsed() >= bench.extent.closed_at_most;
        let note = (!in_time).then(|| format!("the next did not start within {} s", PATIENCE.as_secs()));
        Ok(Latency::of("one at a time".into(), micros, note, !in_time))
    }

    /// Tasks, or batches of this size, are queued at their time, whatever became of those before.
    pub fn open(&mut self, rate: f64, count: usize, size: usize) -> Result<Latency> {
        let (order, load, samples) = if size == 1 {
            (format!("many {rate} {count}"), format!("{rate:.0}/s"), count)
        } else {
            let load = format!("{:.0}/s, {size} at once", rate * size as f64);
            (format!("batches {rate} {count} {size} {STAMPED}"), load, count * size / STAMPED)
        };
        self.producer.say(&order)?;
        // However slow the producer is, that is not the fault of the worker, whose words wait meanwhile.
        let until = Instant::now() + Duration::from_secs_f64(count as f64 / rate) + SENDING;
        let sent = self.producer.after("sent", until)?;
        let reached = count as f64 / sent.context("the producer did not come to an end")?.parse::<f64>()?;
        let until = Instant::now() + AFTERWARDS;
        let mut micros = Vec::new();
        while micros.len() < samples {
            let Some(one) = self.next(until)? else { break };
            micros.push(one);
        }
        let started = micros.len();
        let note = (started < samples).then(|| {
            format!("{started} of {samples} had started {} s after the last was queued", AFTERWARDS.as_secs())
        });
        let slow = (reached < rate * 0.9).then(|| format!("the producer reached {:.0}/s", reached * size as f64));
        Ok(Latency::of(load, micros, note.or(slow), started < samples))
    }
}
