//! What a worker asks the queue for: its lanes, how far it has read each, and when to read one again from its start.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::tasks::Priority;

use super::held::Room;
use crate::tasks::Call;
use crate::tasks::queue::{Claimed, Known, Lane, Purpose};

/// Under load a lane is read from its start this often: a task whose transaction committed late lies behind the cursor.
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
    /// Types to be read from their start.
    to_sweep: HashSet<i32>,
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
    /// Types that are read from their start.
    swept: HashSet<i32>,
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
    }

    /// Nobody has called for the time of a poll: lets the next round ask for all types, from their start if it is time for a sweep.
    pub fn poll(&mut self) {
        let now = Instant::now();
        (self.ask_all_at, self.sweep_all_at) = (now, now);
    }

    /// Lets the next round read all types from their start.
    pub fn sweep(&mut self) {
        self.poll();
        self.sweep_from = self.sweep_all_at;
    }

    /// The next round. `running` tells how many of a type this worker runs; `broken` are types whose breaker counts probes.
    pub fn round(&mut self, room: &Room, running: impl Fn(i32) -> usize, broken: &[i32]) -> Round {
        let began = Instant::now();
        if began >= self.ask_all_at {
            self.called(&Call::All);
            self.ask_all_at = began + self.ask_all_every;
        }
        if began >= self.sweep_all_at {
            self.to_sweep.extend(self.known.iter().map(|known| known.id));
        }
        self.open.extend(self.due.extract_if(|_, at| *at <= began).map(|(id, _)| id));
        let counts = |known: &Known| known.is_governed || broken.contains(&known.id);
        let ahead = |known: &Known| if counts(known) { 0 } else { room.ahead.get(&known.id).copied().unwrap_or(0) };
        let is_open = |known: &Known| self.open.contains(&known.id);
        let mut open = self.known.iter().filter(|known| is_open(known));
        let looks_ahead = if self.looks_ahead {
            open.any(|known| ahead(known) > 0)
        } else {
            // Where all are quick there is nobody else whose turn it could be.
            !self.open.is_empty() && self.ahead_in_a_row < AHEAD_IN_A_ROW && open.all(|known| ahead(known) > 0)
        };
        self.ahead_in_a_row = if looks_ahead { self.ahead_in_a_row + 1 } else { 0 };
        // Between two rounds for the places there may be one ahead, always: it does not count, or the same would be first each time.
        self.turn = self.turn.wrapping_add(usize::from(!looks_ahead));
        let sweeps = !looks_ahead && began >= self.sweep_from;
        let swept = if sweeps { self.to_sweep.clone() } else { HashSet::new() };
        let quota = |known: &Known| match known.max_per_worker {
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
            let after_seq = if swept.contains(&known.id) { 0 } else { cursor };
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
            swept,
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
            } else if self.open.remove(&id) && !round.swept.contains(&id) {
                // A lane that looks empty is looked at once more from its start, before the worker waits.
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
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn known(id: i32) -> Known {
        Known { id, name: format!("type {id}"), is_governed: id == 9, max_per_worker: (id == 2).then_some(3) }
    }

    fn lanes_of(ids: &[i32]) -> Lanes {
        Lanes::new(ids.iter().map(|id| known(*id)).collect(), SWEEP_EVERY)
    }

    fn claimed(task_type_id: i32, seq: i64) -> Arc<Claimed> {
        Arc::new(Claimed { task_type_id, seq, priority: 1, ..Claimed::default() })
    }

    fn places(places: usize) -> Room {
        Room { places, ..Room::default() }
    }

    fn order(round: &Round) -> Vec<(i32, i16)> {
        round.plain.iter().map(|lane| (lane.task_type_id, lane.priority)).collect()
    }

    #[test]
    fn urgent_lanes_come_first_and_types_take_turns() {
        let mut lanes = lanes_of(&[1, 3]);
        let (first, second) =
            (order(&lanes.round(&places(5), |_| 0, &[])), order(&lanes.round(&places(5), |_| 0, &[])));
        assert_eq!(first[..3], [(3, 3), (1, 3), (3, 2)]);
        assert_eq!(second[..3], [(1, 3), (3, 3), (1, 2)]);
    }

    #[test]
    fn a_type_has_its_own_limit_in_this_worker() {
        let mut lanes = lanes_of(&[2]);
        let round = lanes.round(&places(5), |_| 1, &[]);
        assert!(round.plain.iter().all(|lane| lane.quota == 2));
        assert!(lanes.round(&places(5), |_| 3, &[]).plain.is_empty());
    }

    #[test]
    fn counted_types_and_types_with_a_broken_breaker_are_claimed_apart() {
        let mut lanes = lanes_of(&[1, 3, 9]);
        let round = lanes.round(&places(5), |_| 0, &[3]);
        assert!(round.plain.iter().all(|lane| lane.task_type_id == 1));
        let mut apart: Vec<_> = round.governed.iter().map(|lanes| lanes[0].task_type_id).collect();
        apart.sort_unstable();
        assert_eq!(apart, [3, 9]);
    }

    #[test]
    fn a_claim_goes_on_behind_the_last_one_and_an_empty_lane_is_swept_before_waiting() {
        let mut lanes = lanes_of(&[1]);
        let first = lanes.round(&places(1), |_| 0, &[]);
        assert_eq!(first.plain[0].after_seq, 0, "the start is a sweep");
        assert!(lanes.brought(&first, &[claimed(1, 7)]).is_some(), "full, so there may be more");
        let second = lanes.round(&places(1), |_| 0, &[]);
        let after: Vec<_> = second.plain.iter().map(|lane| lane.after_seq).collect();
        assert_eq!(after, [0, 0, 7, 0], "the cursor of its lane");
        assert_eq!(
            lanes.brought(&second, &[]),
            Some(lanes.sweep_from),
            "nothing behind the cursor: a sweep comes first"
        );
        lanes.sweep_from = second.began;
        let third = lanes.round(&places(1), |_| 0, &[]);
        assert_eq!(third.plain[2].after_seq, 0);
        assert_eq!(lanes.brought(&third, &[]), None, "nothing at all: wait");
    }

    #[test]
    fn only_types_that_are_called_for_are_asked_and_all_of_them_from_time_to_time() {
        let mut lanes = lanes_of(&[1, 3, 9]);
        let asked = |round: &Round| -> BTreeSet<_> {
            round.plain.iter().chain(round.governed.iter().flatten()).map(|lane| lane.task_type_id).collect()
        };
        let start = lanes.round(&places(5), |_| 0, &[]);
        assert_eq!(asked(&start), [1, 3, 9].into());
        assert_eq!(lanes.brought(&start, &[]), None);
        lanes.called(&Call::types(["type 3", "type 9", "type 77"]));
        let called = lanes.round(&places(5), |_| 0, &[]);
        assert_eq!(asked(&called), [3, 9].into());
        assert_eq!(lanes.brought(&called, &[claimed(3, 1)]), Some(lanes.sweep_from));
        lanes.sweep_from = called.began;
        let again = lanes.round(&places(5), |_| 0, &[]);
        assert_eq!(asked(&again), [3].into(), "what looked empty, once more from its start");
        assert_eq!(lanes.brought(&again, &[]), None);
        assert!(asked(&lanes.round(&places(5), |_| 0, &[])).is_empty());

        lanes.sweep_from = again.began + SWEEP_EVERY;
        lanes.poll();
        let polled = lanes.round(&places(5), |_| 0, &[]);
        assert_eq!(asked(&polled), [1, 3, 9].into());
        assert!(polled.swept.is_empty(), "sweeps have had their part of the time");
        assert!(lanes.brought(&polled, &[]).is_some_and(|at| at == lanes.sweep_from));
        lanes.sweep();
        assert_eq!(lanes.round(&places(5), |_| 0, &[]).swept, [1, 3, 9].into());
    }

    #[test]
    fn beside_quick_tasks_the_others_take_turns_in_being_first() {
        let mut lanes = lanes_of(&[1, 3, 9]);
        let room = Room { places: 1, ahead: [(1, 500)].into() };
        let mut first = BTreeSet::new();
        for number in 0..8 {
            let round = lanes.round(&room, |_| 0, &[]);
            if round.purpose == Purpose::Places {
                first.insert((round.governed_first, round.plain[0].task_type_id));
            }
            lanes.brought(&round, &vec![claimed(1, number); round.limit]);
        }
        let (governed_first, plain): (BTreeSet<_>, BTreeSet<_>) = first.into_iter().unzip();
        assert_eq!((governed_first, plain), ([false, true].into(), [1, 3].into()));
    }

    #[test]
    fn a_type_with_a_rate_is_asked_again_when_the_next_may_start() {
        let mut lanes = lanes_of(&[9]);
        let start = lanes.round(&places(5), |_| 0, &[]);
        let at = start.began;
        lanes.look_again(9, at);
        assert_eq!(lanes.brought(&start, &[claimed(9, 1)]), Some(at));
        assert_eq!(lanes.round(&places(5), |_| 0, &[]).governed.len(), 1);
        assert!(lanes.due.is_empty());
    }

    #[test]
    fn a_claim_goes_on_where_a_sweep_found_something() {
        let mut lanes = lanes_of(&[1]);
        let first = lanes.round(&places(1), |_| 0, &[]);
        lanes.brought(&first, &[claimed(1, 700)]);
        lanes.sweep();
        let sweep = lanes.round(&places(1), |_| 0, &[]);
        assert_eq!(sweep.plain[2].after_seq, 0);
        lanes.brought(&sweep, &[claimed(1, 7)]);
        assert_eq!(lanes.round(&places(1), |_| 0, &[]).plain[2].after_seq, 7, "not 700: there may be more like it");
    }

    #[test]
    fn when_the_places_got_full_quick_types_are_claimed_ahead_and_only_they() {
        let mut lanes = lanes_of(&[1, 3, 9]);
        let room = Room { places: 1, ahead: [(1, 500), (9, 500)].into() };
        let first = lanes.round(&room, |_| 0, &[]);
        assert_eq!((first.limit, first.purpose), (1, Purpose::Places));
        lanes.brought(&first, &[claimed(3, 7)]);
        let second = lanes.round(&room, |_| 0, &[]);
        assert_eq!((second.limit, second.purpose), (500, Purpose::Ahead));
        assert!(second.governed.is_empty() && second.plain.iter().all(|lane| lane.task_type_id == 1));
        assert!(lanes.brought(&second, &[]).is_some(), "nothing of them: the places are looked after again");
        assert_eq!(lanes.round(&room, |_| 0, &[]).purpose, Purpose::Places);
    }
}
