//! How the tasks of a kind are treated. Workers write the policy of each kind to `task_types` at their start.

use std::time::Duration;

use model::tasks::RetryStrategy;

/// The treatment of one kind; the default suits a short task without side conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub retry: RetryStrategy,
    /// The longest that one attempt may take; then it is stopped and counts as failed.
    pub timeout: Duration,
    /// Whether completed tasks stay readable in the history; failures always do.
    pub keep_completed: bool,
    /// The most that run at once over all workers; exact, at the price of one locked row a claim.
    pub max_running: Option<i32>,
    /// The most that run at once in one worker.
    pub max_per_worker: Option<usize>,
    pub rate: Option<Rate>,
    pub breaker: Option<BreakerPolicy>,
}

/// A token bucket: so many starts a second on average, so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

/// When attempts of a kind are held back because they keep failing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// Fewer failures than this never open it.
    pub failures: i32,
    /// The share of attempts that must have failed since the first failure of the window, 0 to 1.
    pub ratio: f64,
    pub window: Duration,
    /// The first wait before a probe; doubled each time the probes fail, up to 16 times.
    pub cooldown: Duration,
    /// Probes that must succeed to close it.
    pub probes: i32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retry: RetryStrategy::default(),
            timeout: Duration::from_secs(15 * 60),
            keep_completed: true,
            max_running: None,
            max_per_worker: None,
            rate: None,
            breaker: Some(BreakerPolicy::default()),
        }
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 20, ratio: 0.5, window: Duration::from_secs(30), cooldown: Duration::from_secs(15), probes: 3 }
    }
}

impl Policy {
    /// One at a time over all workers, in the order of the queue.
    pub fn serial() -> Self {
        Self { max_running: Some(1), ..Self::default() }
    }

    /// Whether each claim must count, and so must lock the type's row.
    pub fn is_governed(&self) -> bool {
        self.max_running.is_some() || self.rate.is_some()
    }
}
