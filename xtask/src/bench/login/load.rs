//! Requests at a fixed pace, whether or not those before have been answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::http::{Connection, Request};
use crate::bench::result;

/// How many, and for how long.
#[derive(Clone, Copy)]
pub struct Pace {
    /// In each second.
    pub rate: u32,
    pub seconds: u32,
    pub connections: usize,
}

/// How one request went.
#[derive(Clone, Copy)]
pub struct Outcome {
    pub status: u16,
    /// Since the moment that it was due: a request that had to wait for a connection has waited for the server.
    pub took: Duration,
}

/// Sends them all and waits for the answers.
///
/// # Errors
/// When a connection fails.
pub fn run(address: &str, pace: Pace, request: &(impl Fn(u32) -> Request + Sync)) -> Result<Vec<Outcome>> {
    let (turn, begun) = (AtomicU32::new(0), Instant::now());
    let outcomes = Mutex::new(Vec::new());
    let send = || -> Result<()> {
        let mut connection = Connection::to(address);
        loop {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            if turn >= pace.rate * pace.seconds {
                return Ok(());
            }
            let request = request(turn);
            let due = begun + Duration::from_secs(1) * turn / pace.rate;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let status = connection.send(&request)?.status;
            let outcome = Outcome { status, took: due.elapsed() };
            outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..pace.connections).map(|_| scope.spawn(send)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a panic"))));
        ended.collect::<Result<Vec<()>>>()
    })?;
    Ok(outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The time within which this part of them was answered.
pub fn percentile(outcomes: &[Outcome], part: f64) -> Duration {
    let mut took: Vec<_> = outcomes.iter().map(|one| one.took).collect();
    took.sort_unstable();
    result::percentile(&took, part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<_> =
            (1..=200).rev().map(|ms| Outcome { status: 200, took: Duration::from_millis(ms) }).collect();
        assert_eq!(percentile(&times, 0.99), Duration::from_millis(198));
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(100));
        assert_eq!(percentile(&times[..1], 0.99), Duration::from_millis(200));
        assert_eq!(percentile(&[], 0.99), Duration::ZERO);
    }
}
