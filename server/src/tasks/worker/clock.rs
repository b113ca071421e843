//! A clock that goes on while the machine sleeps: a lease lapses in the database meanwhile, and `Instant` would not notice.

use std::time::Duration;

use rustix::time::{ClockId, DynamicClockId, clock_gettime, clock_gettime_dynamic};

/// Time since some moment of this boot, time asleep included where the system can tell.
pub fn since_boot() -> Duration {
    let time = clock_gettime_dynamic(DynamicClockId::Boottime).unwrap_or_else(|_| clock_gettime(ClockId::Monotonic));
    Duration::try_from(time).unwrap_or_default()
}
