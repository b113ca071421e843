//! What a worker asks the queue for: its lanes, how far it has read each, and when to sweep one: to read it again from its start, or its floor.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::tasks::Priority;

use super::held::Room;
use crate::tasks::Call;
use crate::tasks::queue::{Claimed, Horizon, Known, Lane, Purpose, Watched};

use floor::Floors;

mod floor;

/// Under load a lane is read from its floor this often: a task whose transaction committed late lies behind the cursor.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Rounds ahead of the places before one that is not: what has been rescued is for free places only, and so is a sweep.
const AHEAD_IN_A_ROW: usize = 3;
/// A sweep must not take more than this part of the time.
const SWEEP_PART: u32 = 10;

/// The cursors of one worker, and what it has to ask for.
pub struct Lanes {
    known: Vec<Known>,
    /// The number claimed last in each lane. Beginning there, a claim never walks over what was claimed before, also when a transaction
    /// that stays open keeps vacuum from taking it away. Where a sweep found something, the next claim goes on from there: a worker that
    /// died or left may have left more than there are places.
    cursors: HashMap<(i32, i16), i64>,
    /// Types of which more may be ready: called for, or not at their end when they were last asked. Each type in a claim costs it
    /// something, and most have nothing ready.
    open: HashSet<i32>,
    /// Types to be read from their floor.
    to_sweep: HashSet<i32>,
    floors: Floors,
    /// No sweep before this.
    sweep_from: Instant,
    sweep_all_at: Instant,
    /// When all types are asked for again, called for or not: a call may have been lost, or nobody sends any.
    ask_all_at: Instant,
    ask_all_every: Duration,
    /// When more of a type may start, because of its rate or its breaker.
    due: HashMap<i32, Instant>,
    /// Turns the order of types within a priority, so that none is always first.
    turn: usize,
    /// The places got full: the next round claims quick tasks ahead of them.
    looks_ahead: bool,
    ahead_in_a_row: usize,
}

/// What one round of claims asks for: all plain types at once, and each counted type for itself.
pub struct Round {
    pub plain: Vec<Lane>,
    pub governed: Vec<Vec<Lane>>,
    pub governed_first: bool,
    /// Tasks of all lanes together.
    pub limit: usize,
    pub purpose: Purpose,
    /// Types that are read from their floor.
    swept: HashSet<i32>,
    /// Those of them that get a floor when they turn out to be read to their end, and which.
    raised: HashSet<i32>,
    past: i64,
    began: Instant,
}

impl Lanes {
    /// `poll` is the longest that a task shall wait for which nobody has called.
    pub fn new(known: Vec<Known>, poll: Duration) -> Self {
        let now = Instant::now();
        // The start is a sweep.
        Self {
            known,
            cursors: HashMap::new(),
            open: HashSet::new(),
            to_sweep: HashSet::new(),
            floors: Floors::new(now),
            sweep_from: now,
            sweep_all_at: now,
            ask_all_at: now,
            ask_all_every: poll.min(SWEEP_EVERY),
            due: HashMap::new(),
            turn: 0,
            looks_ahead: false,
            ahead_in_a_row: 0,
        }
    }

    /// Tasks of these types may be ready.
    pub fn called(&mut self, call: &Call) {
        self.open.extend(self.known.iter().filter(|known| call.is_for(&known.name)).map(|known| known.id));
        if *call == Call::Again {
            self.floors.forget_all();
            self.to_sweep.extend(&self.open);
        }
    }

    /// Whether a look at the horizon is wanted before the next round.
    pub fn wants_horizon(&mut self) -> bool {
        self.floors.is_look_due()
    }

    pub fn saw_horizon(&mut self, horizon: Horizon) {
        self.floors.look(horizon);
    }

    /// Nobody has called for the time of a poll: lets the next round ask for all types, from their floor if it is time for a sweep.
    pub fn poll(&mut self) {
        let now = Instant::now();
        (self.ask_all_at, self.sweep_all_at) = (now, now);
    }

    /// Lets the next round read all types from their start.
    pub fn sweep(&mut self) {
        self.poll();
        self.sweep_from = self.sweep_all_at;
        self.floors.forget_all();
    }

    /// The next round. `running` tells how many of a type this worker runs.
    pub fn round(&mut self, room: &Room, running: impl Fn(i32) -> usize, watched: &Watched) -> Round {
        let began = Instant::now();
        if began >= self.ask_all_at {
            self.called(&Call::All);
            self.ask_all_at = began + self.ask_all_every;
        }
        self.floors.forget_from_time_to_time(began);
        // They give nothing now, so that a sweep finds nothing does not mean that there is nothing.
        watched.held_back.iter().for_each(|id| self.floors.forget(*id));
        if began >= self.sweep_all_at {
            self.to_sweep.extend(self.known.iter().map(|known| known.id));
        }
        self.open.extend(self.due.extract_if(|_, at| *at <= began).map(|(id, _)| id));
        let counts = |known: &Known| known.is_governed || watched.broken.contains(&known.id);
        let ahead = |known: &Known| if counts(known) { 0 } else { room.ahead.get(&known.id).copied().unwrap_or(0) };
        let is_open = |known: &Known| self.open.contains(&known.id) && !room.without.contains(&known.id);
        let mut open = self.known.iter().filter(|known| is_open(known)).peekable();
        let looks_ahead = if self.looks_ahead {
            open.any(|known| ahead(known) > 0)
        } else {
            // Where all are quick there is nobody else whose turn it could be.
            open.peek().is_some() && self.ahead_in_a_row < AHEAD_IN_A_ROW && open.all(|known| ahead(known) > 0)
        };
        self.ahead_in_a_row = if looks_ahead { self.ahead_in_a_row + 1 } else { 0 };
        // Between two rounds for the places there may be one ahead, always: it does not count, or the same would be first each time.
        self.turn = self.turn.wrapping_add(usize::from(!looks_ahead));
        let sweeps = !looks_ahead && began >= self.sweep_from;
        let swept = if sweeps { self.to_sweep.clone() } else { HashSet::new() };
        let quota = |known: &Known| match known.max_per_worker {
            _ if room.without.contains(&known.id) => 0,
            _ if !is_open(known) && !swept.contains(&known.id) => 0,
            _ if looks_ahead => ahead(known),
            Some(most) => room.places.min(most.saturating_sub(running(known.id))),
            None => room.places,
        };
        let turned = |of: &dyn Fn(&Known) -> bool| -> Vec<&Known> {
            let mut chosen: Vec<_> =
                self.known.iter().filter(|known| of(known)).filter(|known| quota(known) > 0).collect();
            if !chosen.is_empty() {
                let by = self.turn % chosen.len();
                chosen.rotate_left(by);
            }
            chosen
        };
        let lane = |known: &Known, priority: Priority| {
            let priority = priority as i16;
            let cursor = self.cursors.get(&(known.id, priority)).copied().unwrap_or(0);
            let after_seq = if swept.contains(&known.id) { self.floors.of(known.id) } else { cursor };
            let quota = i32::try_from(quota(known)).unwrap_or(i32::MAX);
            Lane { task_type_id: known.id, priority, after_seq, quota }
        };
        let urgent_first = || Priority::ALL.into_iter().rev();
        let plain = turned(&|known| !counts(known));
        Round {
            limit: if looks_ahead { plain.iter().map(|known| ahead(known)).max().unwrap_or(0) } else { room.places },
            plain: urgent_first().flat_map(|priority| plain.iter().map(move |known| lane(known, priority))).collect(),
            governed: turned(&counts)
                .into_iter()
                .map(|known| urgent_first().map(|one| lane(known, one)).collect())
                .collect(),
            governed_first: self.turn.is_multiple_of(2),
            purpose: if looks_ahead { Purpose::Ahead } else { Purpose::Places },
            raised: swept.iter().copied().filter(|id| !watched.held_back.contains(id)).collect(),
            swept,
            past: self.floors.past(),
            began,
        }
    }

    /// Notes what a round brought; says from when it makes sense to look again without being called.
    pub fn brought(&mut self, round: &Round, claimed: &[Arc<Claimed>]) -> Option<Instant> {
        let mut last: HashMap<_, i64> = HashMap::new();
        let mut counts: HashMap<_, usize> = HashMap::new();
        for one in claimed {
            let lane = (one.task_type_id, one.priority);
            let seq = last.entry(lane).or_default();
            *seq = (*seq).max(one.seq);
            *counts.entry(lane).or_default() += 1;
        }
        self.cursors.extend(last);
        let now = Instant::now();
        if !round.swept.is_empty() {
            self.floors.took(now - round.began);
            self.sweep_from = now + (now - round.began) * (SWEEP_PART - 1);
            self.to_sweep.retain(|id| !round.swept.contains(id));
            if round.began >= self.sweep_all_at {
                self.sweep_all_at = now + SWEEP_EVERY;
            }
        }
        let is_limited = claimed.len() >= round.limit;
        let brought = |lane: &Lane| counts.get(&(lane.task_type_id, lane.priority)).copied().unwrap_or(0);
        let full = round.plain.iter().filter(|lane| is_limited || brought(lane) >= lane.quota as usize);
        let full: HashSet<_> = full.map(|lane| lane.task_type_id).collect();
        for id in round.plain.iter().map(|lane| lane.task_type_id).collect::<HashSet<_>>() {
            if full.contains(&id) {
                self.open.insert(id);
                continue;
            }
            if round.raised.contains(&id) {
                self.floors.raise(id, round.past);
            }
            if self.open.remove(&id) && !round.swept.contains(&id) {
                // A lane that looks empty is looked at once more from its floor, before the worker waits.
                self.to_sweep.insert(id);
            }
        }
        // These are read from their start always. Whoever makes room for one calls for it.
        for id in round.governed.iter().flatten().map(|lane| lane.task_type_id) {
            if is_limited {
                self.open.insert(id)
            } else {
                self.open.remove(&id)
            };
        }
        let is_full = is_limited || !full.is_empty();
        // Where there are more than places, there may be many.
        self.looks_ahead = is_full && round.purpose == Purpose::Places;
        if is_full || (round.purpose == Purpose::Ahead && !self.open.is_empty()) {
            return Some(now);
        }
        let sweep = (!self.to_sweep.is_empty()).then_some(self.sweep_from);
        self.due.values().copied().chain(sweep).min()
    }

    /// The next task of this type may start then, without anybody's call.
    pub fn look_again(&mut self, task_type_id: i32, at: Instant) {
        self.due.insert(task_type_id, at);
    }

    /// The name of a type if a place that gets free of it lets another task run.
    pub fn governed_name(&self, task_type_id: i32) -> Option<&str> {
        self.known.iter().find(|known| known.id == task_type_id && known.is_governed).map(|known| known.name.as_str())
    }

    pub fn name_of(&self, task_type_id: i32) -> Option<&str> {
        self.known.iter().find(|known| known.id == task_type_id).map(|known| known.name.as_str())
    }
}

#[cfg(test)]
mod tests;
