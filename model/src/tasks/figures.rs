//! How the last hours went, in the steps of a graph.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How far back the graphs of the overview go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    #[default]
    Hour,
    Day,
    Week,
}

impl Period {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// The word in the address, and the words on the screen.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Hour => ("1h", "1 hour"),
            Self::Day => ("24h", "24 hours"),
            Self::Week => ("7d", "7 days"),
        }
    }

    /// Minutes of one figure, and how many figures there are.
    pub fn steps(self) -> (i32, usize) {
        match self {
            Self::Hour => (1, 60),
            Self::Day => (15, 96),
            Self::Week => (120, 84),
        }
    }
}

/// The attempts that ended in one step of a graph, over all types, and how the queue stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// When the step begins.
    pub at: DateTime<Utc>,
    pub completed: i64,
    pub failed: i64,
    pub retried: i64,
    pub cancelled: i64,
    /// Milliseconds that attempts had waited, in the mean; none where none ended.
    pub wait_ms: Option<i64>,
    /// Milliseconds that half, 95 and 99 of a hundred attempts ran at most: upper bounds of the histogram.
    pub run_ms: Option<[i64; 3]>,
    /// The most tasks that were ready, and the longest that one had waited; none when no worker was there to look.
    pub ready: Option<i64>,
    pub oldest_ready_seconds: Option<f64>,
}

impl Figure {
    /// One without anything in it.
    pub fn empty(at: DateTime<Utc>) -> Self {
        let (completed, failed, retried, cancelled) = (0, 0, 0, 0);
        let (wait_ms, run_ms, ready, oldest_ready_seconds) = (None, None, None, None);
        Self { at, completed, failed, retried, cancelled, wait_ms, run_ms, ready, oldest_ready_seconds }
    }

    /// The beginnings of all steps, the last one first in `until`.
    pub fn steps(until: DateTime<Utc>, period: Period) -> Vec<Self> {
        let (minutes, count) = period.steps();
        let step = TimeDelta::minutes(minutes.into());
        (0..count as i32).rev().map(|back| Self::empty(until - step * back)).collect()
    }
}

/// Upper bounds of the histogram of run times, in milliseconds; beyond the last one there is one more bucket.
pub const RUN_MS_BOUNDS: [i64; 16] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/// The upper bound of the bucket in which `share` (0 to 1) of the attempts have ended; of the last bucket its lower one. None without attempts.
pub fn percentile(histogram: &[i64], share: f64) -> Option<i64> {
    let total: i64 = histogram.iter().sum();
    let wanted = ((total as f64 * share).ceil() as i64).max(1);
    let mut seen = 0;
    let bucket = histogram.iter().position(|count| {
        seen += count;
        seen >= wanted
    });
    bucket.filter(|_| total > 0).map(|bucket| RUN_MS_BOUNDS[bucket.min(RUN_MS_BOUNDS.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_bound_below_which_so_many_are() {
        let mut histogram = [0; 17];
        assert_eq!(percentile(&histogram, 0.5), None);
        histogram[3] = 98;
        histogram[5] = 1;
        histogram[16] = 1;
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(|share| percentile(&histogram, share)), [10, 10, 50, 100_000].map(Some));
    }

    #[test]
    fn the_steps_of_a_period_end_with_the_given_one() {
        let until = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        for (period, hours) in [(Period::Hour, 1), (Period::Day, 24), (Period::Week, 24 * 7)] {
            let steps = Figure::steps(until, period);
            let minutes = period.steps().0;
            assert_eq!(steps.last().map(|step| step.at), Some(until));
            assert_eq!(until - steps[0].at + TimeDelta::minutes(minutes.into()), TimeDelta::hours(hours));
        }
    }
}
