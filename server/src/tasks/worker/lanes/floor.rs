//! How far back a sweep goes. Dead entries stay in the index of claims until a vacuum, a minute's at times, and whoever reads a lane from its start
//! walks over all of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::tasks::queue::Horizon;

/// Between two looks at the horizon: a transaction takes a task's number a moment before it has a number itself. Where it takes longer, because it
/// waits for another one with its unique key, its task may be below a floor until that is forgotten.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this time a lane is read from its very start, whatever is known: a row that somebody had locked was skipped, or a call was not heard.
const FORGET_EVERY: Duration = Duration::from_secs(10);
/// Later where a sweep has taken long since the last time, by so many times as long: while a transaction stays open, dead entries only become more.
const FORGET_PART: u32 = 100;
/// But not later than this.
const FORGET_AT_LAST: Duration = Duration::from_secs(60);

/// Below which number nothing is ready in the lanes of each type.
pub struct Floors {
    of_types: HashMap<i32, i64>,
    forgot_at: Instant,
    /// The longest sweep since then.
    slowest: Duration,
    look_at: Instant,
    /// The last two looks.
    looks: (Option<Horizon>, Option<Horizon>),
    /// No transaction can bring a task with this number or a lower one any more.
    past: i64,
}

impl Floors {
    pub fn new(now: Instant) -> Self {
        Self {
            of_types: HashMap::new(),
            forgot_at: now,
            slowest: Duration::ZERO,
            look_at: now,
            looks: (None, None),
            past: 0,
        }
    }

    /// The number behind which a sweep of this type begins.
    pub fn of(&self, task_type_id: i32) -> i64 {
        self.of_types.get(&task_type_id).copied().unwrap_or(0)
    }

    /// What a sweep that begins now will have seen all of, when it comes to its end.
    pub fn past(&self) -> i64 {
        self.past
    }

    /// A sweep has taken all that was ready up to this number.
    pub fn raise(&mut self, task_type_id: i32, seq: i64) {
        self.of_types.insert(task_type_id, seq);
    }

    /// Tasks of this type may stand anywhere.
    pub fn forget(&mut self, task_type_id: i32) {
        self.of_types.remove(&task_type_id);
    }

    /// Tasks of all types may stand anywhere.
    pub fn forget_all(&mut self) {
        self.of_types.clear();
    }

    pub fn forget_from_time_to_time(&mut self, now: Instant) {
        if now >= self.forgot_at + (self.slowest * FORGET_PART).clamp(FORGET_EVERY, FORGET_AT_LAST) {
            self.forget_all();
            (self.forgot_at, self.slowest) = (now, Duration::ZERO);
        }
    }

    /// A sweep has taken so long.
    pub fn took(&mut self, time: Duration) {
        self.slowest = self.slowest.max(time);
    }

    /// Whether it is time for a look at the horizon.
    pub fn is_look_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.look_at;
        if is_due {
            self.look_at = now + LOOK_EVERY;
        }
        is_due
    }

    /// Whoever had taken a number at the look before the last was a transaction by the last one. When all of those have ended, their tasks are to
    /// be seen, or will never be.
    pub fn look(&mut self, now: Horizon) {
        if let (Some(before), Some(last)) = self.looks {
            if now.oldest <= last.newest {
                return;
            }
            self.past = before.last_seq;
        }
        self.looks = (self.looks.1, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_from_its_start_less_often_when_that_takes_long_but_at_least_once_a_minute() {
        let begin = Instant::now();
        let mut floors = Floors::new(begin);
        let mut after = |seconds, sweep_ms| {
            floors.raise(1, 5);
            floors.took(Duration::from_millis(sweep_ms));
            floors.forget_from_time_to_time(begin + Duration::from_secs(seconds));
            floors.of(1)
        };
        assert_eq!([after(9, 0), after(10, 0)], [5, 0]);
        assert_eq!([after(20, 300), after(39, 100), after(40, 0)], [5, 5, 0]);
        assert_eq!(after(50, 0), 0, "the next one was quick");
        assert_eq!([after(109, 9000), after(110, 0)], [5, 0]);
    }

    #[test]
    fn numbers_are_past_when_all_transactions_that_may_have_them_have_ended() {
        let mut floors = Floors::new(Instant::now());
        let mut look = |last_seq, oldest, newest| {
            floors.look(Horizon { last_seq, oldest, newest });
            floors.past()
        };
        assert_eq!(look(10, 100, 100), 0);
        assert_eq!(look(20, 101, 105), 0, "number 10 may be of transaction 104");
        assert_eq!(look(30, 104, 110), 0, "which goes on");
        assert_eq!(look(40, 106, 120), 10);
        assert_eq!(look(50, 120, 130), 10, "that look has not ended");
        assert_eq!(look(60, 121, 140), 20);
    }
}
