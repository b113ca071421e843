//! The circuit breaker of a type: one row in `task_type_state`, shared by all workers.
//!
//! Closed, it counts from the first failure on. Open, nothing of the type is claimed and no attempt is spent. Half-open, a few probes
//! are claimed; when they succeed it closes, when one fails it opens for longer. The steps are plain functions on [`Breaker`].

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::tasks::BreakerState;
use sqlx::PgConnection;

use super::governed::Counted;
use crate::Result;
use crate::tasks::kinds::BreakerPolicy;

/// The breaker's row. Times are the database's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    pub state: BreakerState,
    /// Set by a person; it stays until a person changes it.
    pub is_manual: bool,
    pub window_from: Option<DateTime<Utc>>,
    pub window_ok: i32,
    pub window_failed: i32,
    pub probe_at: Option<DateTime<Utc>>,
    pub times_opened: i32,
    pub probes_claimed: i32,
    pub probes_ok: i32,
}

/// The cool-down is doubled so many times at most.
const DOUBLED_AT_MOST: i32 = 4;

impl Breaker {
    /// Counts ended attempts. Those that began before it opened say nothing of how things stand now.
    pub fn count(&mut self, policy: &BreakerPolicy, ended: &Counted, now: DateTime<Utc>) {
        match self.state {
            BreakerState::Open => {}
            _ if self.is_manual => {}
            BreakerState::Closed => self.count_closed(policy, ended.ok, ended.failed, now),
            BreakerState::HalfOpen if ended.probe != self.probing() => {}
            BreakerState::HalfOpen if ended.failed > 0 => self.open(policy, now),
            BreakerState::HalfOpen => {
                self.probes_ok += ended.ok;
                if self.probes_ok >= policy.probes {
                    *self = Self::default();
                }
            }
        }
    }

    fn count_closed(&mut self, policy: &BreakerPolicy, ok: i32, failed: i32, now: DateTime<Utc>) {
        let is_over = self.window_from.is_some_and(|from| now - from > delta(policy.window));
        if is_over {
            (self.window_from, self.window_ok, self.window_failed) = (None, 0, 0);
        }
        if self.window_from.is_none() && failed == 0 {
            return;
        }
        self.window_from.get_or_insert(now);
        self.window_ok += ok;
        self.window_failed += failed;
        let share = f64::from(self.window_failed) / f64::from(self.window_ok + self.window_failed);
        if self.window_failed >= policy.failures && share >= policy.ratio {
            self.open(policy, now);
        }
    }

    fn open(&mut self, policy: &BreakerPolicy, now: DateTime<Utc>) {
        let cooldown = policy.cooldown * 2_u32.pow(self.times_opened.clamp(0, DOUBLED_AT_MOST) as u32);
        *self = Self {
            state: BreakerState::Open,
            probe_at: Some(now + delta(cooldown)),
            times_opened: self.times_opened + 1,
            ..Self::default()
        };
    }

    /// Which opening is being probed.
    pub fn probing(&self) -> Option<i32> {
        (self.state == BreakerState::HalfOpen).then_some(self.times_opened)
    }

    /// How many may be claimed now; none means that it does not limit.
    pub fn free(&mut self, policy: &BreakerPolicy, now: DateTime<Utc>) -> Option<i32> {
        if self.state == BreakerState::Open && !self.is_manual && self.probe_at.is_some_and(|at| at <= now) {
            self.state = BreakerState::HalfOpen;
            (self.probes_claimed, self.probes_ok, self.probe_at) = (0, 0, Some(now));
        }
        // Probes whose worker died are not heard of again, so after another cool-down there are new ones.
        if self.state == BreakerState::HalfOpen && self.probes_claimed >= policy.probes {
            let again = self.probe_at.map(|at| at + delta(policy.cooldown)).filter(|at| *at <= now);
            if again.is_some() {
                (self.probes_claimed, self.probe_at) = (self.probes_ok, Some(now));
            }
        }
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open => Some(0),
            BreakerState::HalfOpen => Some((policy.probes - self.probes_claimed).max(0)),
        }
    }

    /// When probes may start that may not start now; none when that is up to a person, or to nobody because it is closed.
    pub fn probes_at(&self, policy: &BreakerPolicy) -> Option<DateTime<Utc>> {
        match self.state {
            BreakerState::Open if !self.is_manual => self.probe_at,
            BreakerState::HalfOpen if self.probes_claimed >= policy.probes => {
                self.probe_at.map(|at| at + delta(policy.cooldown))
            }
            _ => None,
        }
    }

    /// Notes that so many were claimed.
    pub fn claimed(&mut self, count: i32) {
        if self.state == BreakerState::HalfOpen {
            self.probes_claimed += count;
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Opens or closes it by hand, or gives it back to the count. No when there is no such type.
pub async fn force(conn: &mut PgConnection, name: &str, state: Option<BreakerState>) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        update task_type_state
        set breaker = $2, is_manual = $3, window_from = null, window_ok = 0, window_failed = 0, probe_at = null, times_opened = 0,
            probes_claimed = 0, probes_ok = 0, changed_at = now()
        from task_types
        where task_types.id = task_type_state.task_type_id and task_types.name = $1
        "#,
        name,
        state.unwrap_or_default() as BreakerState,
        state.is_some(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 4,
        ratio: 0.5,
        window: Duration::from_secs(30),
        cooldown: Duration::from_secs(10),
        probes: 2,
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    fn ended(ok: i32, failed: i32) -> Counted {
        Counted { ok, failed, ..Counted::default() }
    }

    fn probed(opening: i32, ok: i32, failed: i32) -> Counted {
        Counted { probe: Some(opening), ..ended(ok, failed) }
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        breaker.count(&POLICY, &ended(0, 4), at(0));
        breaker
    }

    #[test]
    fn it_opens_when_enough_and_a_large_enough_share_have_failed() {
        let mut breaker = Breaker::default();
        breaker.count(&POLICY, &ended(100, 0), at(0));
        assert_eq!(breaker, Breaker::default(), "nothing is written while nothing fails");
        breaker.count(&POLICY, &ended(1, 3), at(1));
        assert_eq!(breaker.state, BreakerState::Closed, "too few");
        breaker.count(&POLICY, &ended(3, 0), at(2));
        breaker.count(&POLICY, &ended(1, 1), at(3));
        assert_eq!(breaker.state, BreakerState::Closed, "4 of 9 is less than half");
        breaker.count(&POLICY, &ended(0, 1), at(4));
        assert_eq!((breaker.state, breaker.free(&POLICY, at(4))), (BreakerState::Open, Some(0)));
    }

    #[test]
    fn failures_of_an_older_window_do_not_count() {
        let mut breaker = Breaker::default();
        breaker.count(&POLICY, &ended(0, 3), at(0));
        breaker.count(&POLICY, &ended(0, 1), at(31));
        assert_eq!((breaker.state, breaker.window_failed), (BreakerState::Closed, 1));
    }

    #[test]
    fn after_the_cooldown_a_few_probes_close_it() {
        let mut breaker = opened();
        assert_eq!(breaker.free(&POLICY, at(9)), Some(0));
        assert_eq!((breaker.free(&POLICY, at(10)), breaker.state), (Some(2), BreakerState::HalfOpen));
        breaker.claimed(2);
        assert_eq!(breaker.free(&POLICY, at(11)), Some(0));
        breaker.count(&POLICY, &probed(1, 1, 0), at(12));
        assert_eq!(breaker.state, BreakerState::HalfOpen);
        breaker.count(&POLICY, &probed(1, 1, 0), at(13));
        assert_eq!(breaker, Breaker::default());
        assert_eq!(breaker.free(&POLICY, at(13)), None);
    }

    #[test]
    fn a_failed_probe_opens_it_for_twice_as_long_up_to_sixteen_times() {
        let mut breaker = opened();
        let mut now = 0;
        for (opening, cooldown) in (1..).zip([10, 20, 40, 80, 160, 160]) {
            assert_eq!(breaker.free(&POLICY, at(now + cooldown - 1)), Some(0), "{cooldown}");
            now += cooldown;
            assert_eq!(breaker.free(&POLICY, at(now)), Some(2), "{cooldown}");
            breaker.count(&POLICY, &probed(opening, 0, 1), at(now));
        }
    }

    #[test]
    fn while_it_is_half_open_only_its_own_probes_count() {
        let mut breaker = opened();
        breaker.free(&POLICY, at(10));
        breaker.claimed(2);
        let before = breaker.clone();
        breaker.count(&POLICY, &ended(5, 5), at(11));
        breaker.count(&POLICY, &probed(0, 2, 2), at(11));
        assert_eq!(breaker, before, "claimed before it opened, or probes of an earlier opening");
        breaker.count(&POLICY, &probed(1, 2, 0), at(12));
        assert_eq!(breaker.state, BreakerState::Closed);
    }

    #[test]
    fn probes_that_are_not_heard_of_again_are_replaced() {
        let mut breaker = opened();
        breaker.free(&POLICY, at(10));
        breaker.claimed(2);
        assert_eq!(breaker.free(&POLICY, at(19)), Some(0));
        assert_eq!(breaker.free(&POLICY, at(20)), Some(2));
    }

    #[test]
    fn what_a_person_set_stays() {
        let mut open = Breaker { state: BreakerState::Open, is_manual: true, ..Breaker::default() };
        assert_eq!(open.free(&POLICY, at(100_000)), Some(0));
        let mut closed = Breaker { is_manual: true, ..Breaker::default() };
        closed.count(&POLICY, &ended(0, 100), at(0));
        assert_eq!(closed.free(&POLICY, at(0)), None);
    }
}
