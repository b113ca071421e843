//! When a failed attempt is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::FieldProblem;

/// How long to wait between attempts; all delays are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RetryStrategy {
    /// `base_delay × multiplier^(attempt − 1)`, capped, then a random part of it (full jitter).
    Exponential { base_delay: f64, multiplier: f64, max_delay: f64, max_attempts: i32 },
    /// `base_delay + increment × (attempt − 1)`, capped.
    Linear { base_delay: f64, increment: f64, max_delay: f64, max_attempts: i32 },
    /// The same delay each time.
    Fixed { interval: f64, max_attempts: i32 },
    /// One attempt only.
    None,
}

impl Default for RetryStrategy {
    fn default() -> Self {
        Self::Exponential { base_delay: 1.0, multiplier: 2.0, max_delay: 300.0, max_attempts: 5 }
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::types::Json<Self>> for RetryStrategy {
    fn from(stored: sqlx::types::Json<Self>) -> Self {
        stored.0
    }
}

/// The longest delay that may be asked for, in seconds: a day.
const MAX_DELAY_SECONDS: f64 = 86_400.0;
/// The most attempts that may be asked for.
const MAX_ATTEMPTS: i32 = 100;

impl RetryStrategy {
    /// Attempts in all, the first one included.
    pub fn max_attempts(&self) -> i32 {
        match *self {
            Self::Exponential { max_attempts, .. }
            | Self::Linear { max_attempts, .. }
            | Self::Fixed { max_attempts, .. } => max_attempts,
            Self::None => 1,
        }
    }

    /// The wait after the failed attempt number `attempt` (from 1); `random` is from 0 up to 1.
    pub fn delay_after(&self, attempt: i32, random: f64) -> Duration {
        let before = (attempt - 1).max(0);
        let seconds = match *self {
            Self::Exponential { base_delay, multiplier, max_delay, .. } => {
                (base_delay * multiplier.powi(before)).min(max_delay) * random
            }
            Self::Linear { base_delay, increment, max_delay, .. } => {
                (base_delay + increment * f64::from(before)).min(max_delay)
            }
            Self::Fixed { interval, .. } => interval,
            Self::None => 0.0,
        };
        Duration::from_secs_f64(seconds.clamp(0.0, MAX_DELAY_SECONDS))
    }

    /// Refuses delays below zero, above a day or not finite, and attempts outside 1 to 100.
    pub fn check(&self) -> Result<(), FieldProblem> {
        let (delays, factor) = match *self {
            Self::Exponential { base_delay, multiplier, max_delay, .. } => (vec![base_delay, max_delay], multiplier),
            Self::Linear { base_delay, increment, max_delay, .. } => (vec![base_delay, increment, max_delay], 1.0),
            Self::Fixed { interval, .. } => (vec![interval], 1.0),
            Self::None => (vec![], 1.0),
        };
        let delays_fit = delays.iter().all(|delay| (0.0..=MAX_DELAY_SECONDS).contains(delay));
        if !delays_fit || !(1.0..=10.0).contains(&factor) || !(1..=MAX_ATTEMPTS).contains(&self.max_attempts()) {
            let message = "delays are 0 to 86400 seconds, the multiplier 1 to 10, attempts 1 to 100";
            return Err(FieldProblem::new("retry_strategy", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_delay_doubles_up_to_its_cap_and_is_jittered_in_full() {
        let strategy = RetryStrategy::default();
        let seconds: Vec<_> = [1, 2, 3, 20].map(|attempt| strategy.delay_after(attempt, 1.0).as_secs_f64()).into();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 300.0]);
        assert_eq!(strategy.delay_after(3, 0.0), Duration::ZERO);
        assert_eq!(strategy.delay_after(3, 0.5), Duration::from_secs(2));
    }

    #[test]
    fn the_wire_form_is_that_of_the_contract() {
        let wire = r#"{"linear":{"base_delay":1,"increment":2,"max_delay":9,"max_attempts":3}}"#;
        let strategy: RetryStrategy = serde_json::from_str(wire).unwrap();
        assert_eq!(strategy.delay_after(3, 0.0), Duration::from_secs(5));
        assert_eq!(strategy.delay_after(30, 0.0), Duration::from_secs(9));
        assert_eq!(serde_json::from_str::<RetryStrategy>(r#""none""#).unwrap(), RetryStrategy::None);
    }

    #[test]
    fn figures_that_make_no_sense_are_refused() {
        for attempts in [0, -1, 101] {
            assert!(RetryStrategy::Fixed { interval: 1.0, max_attempts: attempts }.check().is_err());
        }
        assert!(RetryStrategy::Fixed { interval: f64::NAN, max_attempts: 1 }.check().is_err());
        assert!(RetryStrategy::Fixed { interval: -1.0, max_attempts: 1 }.check().is_err());
        assert_eq!(RetryStrategy::default().check(), Ok(()));
    }
}
