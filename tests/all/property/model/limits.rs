//! What holds tasks back that are ready: a rate and a breaker, each of one type.

use super::super::commands::{BURST, COOLDOWN, FAILURES, PROBES, WINDOW};
use super::Answer;

/// One token comes with each unit of time.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// Of a bucket that never ran over; it is full at the start.
    taken: i64,
    at: i64,
}

impl Bucket {
    pub fn tokens(&self, now: i64) -> usize {
        let missing = (self.taken - (now - self.at)).max(0);
        usize::try_from(BURST - missing).expect("no more are taken than there are")
    }

    pub fn take(&mut self, now: i64) {
        (self.taken, self.at) = ((self.taken - (now - self.at)).max(0) + 1, now);
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
enum State {
    #[default]
    Closed,
    Open {
        until: i64,
    },
    Probing {
        since: i64,
        claimed: i32,
        ok: i32,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    state: State,
    /// By a person.
    is_forced: bool,
    /// Since when, and what went well and what failed in it.
    window: Option<(i64, i32, i32)>,
    times_opened: u32,
}

impl Breaker {
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    pub fn is_probed(&self) -> bool {
        matches!(self.state, State::Probing { .. })
    }

    pub fn force(&mut self, is_open: Option<bool>) -> Answer {
        // Open until somebody closes it.
        let state = if is_open == Some(true) { State::Open { until: i64::MAX } } else { State::Closed };
        *self = Self { state, is_forced: is_open.is_some(), ..Self::default() };
        Answer::Yes(true)
    }

    /// Says whether it opened or closed.
    pub fn count(&mut self, ok: i32, failed: i32, now: i64) -> bool {
        let fails = match &mut self.state {
            _ if self.is_forced => false,
            State::Open { .. } => false,
            State::Probing { ok: so_far, .. } => {
                *so_far += ok;
                failed > 0
            }
            State::Closed => {
                let window = self.window.filter(|(from, _, _)| now - from < WINDOW);
                // It begins with a failure.
                let begun = window.or((failed > 0).then_some((now, 0, 0)));
                self.window = begun.map(|(from, before, failed_before)| (from, before + ok, failed_before + failed));
                self.window.is_some_and(|(_, ok, failed)| failed >= FAILURES && failed >= ok)
            }
        };
        if fails {
            let until = now + COOLDOWN * 2_i64.pow(self.times_opened.min(4));
            let times_opened = self.times_opened + 1;
            *self = Self { state: State::Open { until }, times_opened, ..Self::default() };
            return true;
        }
        let is_well = matches!(self.state, State::Probing { ok, .. } if ok >= PROBES);
        if is_well {
            *self = Self::default();
        }
        is_well
    }

    /// Lets probes through when it is time, and others for those that were not heard of again.
    pub fn look(&mut self, now: i64) {
        match &mut self.state {
            State::Open { until } if *until <= now => {
                self.state = State::Probing { since: now, claimed: 0, ok: 0 };
            }
            State::Probing { since, claimed, ok } if *claimed >= PROBES && *since + COOLDOWN <= now => {
                (*since, *claimed) = (now, *ok);
            }
            _ => {}
        }
    }

    pub fn free(&self) -> usize {
        match self.state {
            State::Closed => usize::MAX,
            State::Open { .. } => 0,
            State::Probing { claimed, .. } => usize::try_from(PROBES - claimed).unwrap_or(0),
        }
    }

    pub fn claimed(&mut self) {
        if let State::Probing { claimed, .. } = &mut self.state {
            *claimed += 1;
        }
    }
}
