//! The tasks that a worker holds, from the claim to the settlement, and how much work they are.
//!
//! Of quick tasks a worker claims more than it has places for (prefetch), so that one claim pays for many: each place is worth [`PLACE`]
//! of work, and a task costs what those of its type took lately. 8 places take 8 tasks of a second, and hundreds of a millisecond.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::tasks::queue::Claimed;

/// The work that fills a place. A task that takes longer, or of a type that has not been seen yet, costs a whole place.
const PLACE: Duration = Duration::from_millis(200);
/// Only types whose tasks take less are claimed ahead: [`WAITING_AT_MOST`] of them are soon done, whatever they are.
const QUICK: f64 = 0.010;
/// Tasks that wait in the worker at most: so many are handed back, or rescued, when it stops.
const WAITING_AT_MOST: usize = 1000;
/// What has waited longer in the worker goes back to the queue: its places are blocked, and another worker may have some.
const WAITS_AT_LONGEST: Duration = Duration::from_secs(2);
/// Ended and not yet settled. Beyond this nothing is claimed until the settler has caught up.
const UNSETTLED_AT_MOST: usize = 2000;
/// Part of the measured time that the newest attempt gets.
const NEWEST: f64 = 0.1;

/// Why an attempt was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A person asked for it.
    Asked,
    /// It took too long.
    TimeIsUp,
    /// The worker ends.
    Leaving,
}

#[derive(Default)]
pub struct Held {
    tasks: HashMap<Uuid, One>,
    /// Claimed and not started, in the order in which they start.
    waiting: BTreeMap<Turn, Arc<Claimed>>,
    running: usize,
    /// Given up and still running: each is one of those, by task and lease epoch, with its type.
    blocked: HashMap<(Uuid, i32), i32>,
    /// Mean run time by type, in seconds; newer attempts weigh more.
    means: HashMap<i32, f64>,
}

/// The urgent first, then the oldest.
type Turn = (Reverse<i16>, i64);

struct One {
    claimed: Arc<Claimed>,
    turn: Turn,
    stage: Stage,
    cancel: CancellationToken,
    why: Arc<OnceLock<Why>>,
    /// When it was first told to stop.
    told_at: Option<Instant>,
    /// Was seen to go on for too long after that, once.
    is_doubted: bool,
}

#[derive(Clone, Copy)]
enum Stage {
    Waiting(Instant),
    Running(Instant),
    Ended,
}

/// An attempt that does not stop.
pub struct GivenUp {
    pub claimed: Arc<Claimed>,
    pub why: Why,
    pub ran: Duration,
}

/// What a worker may claim now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Tasks of any type.
    pub places: usize,
    /// Tasks of types that are quick, if nothing else is claimed.
    pub ahead: HashMap<i32, usize>,
    /// Types that block here: another one of them would take another thread.
    pub without: HashSet<i32>,
}

impl Held {
    pub fn add(&mut self, claimed: &[Arc<Claimed>], token: impl Fn() -> CancellationToken) {
        let now = Instant::now();
        for one in claimed {
            let turn = (Reverse(one.priority), one.seq);
            let held = One {
                claimed: one.clone(),
                turn,
                stage: Stage::Waiting(now),
                cancel: token(),
                why: Arc::default(),
                told_at: None,
                is_doubted: false,
            };
            self.tasks.insert(one.id, held);
            self.waiting.insert(turn, one.clone());
        }
    }

    /// The task that starts next.
    pub fn start(&mut self) -> Option<Arc<Claimed>> {
        let (_, next) = self.waiting.pop_first()?;
        if let Some(one) = self.tasks.get_mut(&next.id) {
            one.stage = Stage::Running(Instant::now());
        }
        self.running += 1;
        Some(next)
    }

    pub fn start_all(&mut self) -> Vec<Arc<Claimed>> {
        std::iter::from_fn(|| self.start()).collect()
    }

    /// An attempt has ended; it is held on until it is settled. Says whether it is still to be settled: one that was given up has been.
    pub fn ended(&mut self, claimed: &Claimed, ran: Duration) -> bool {
        self.running = self.running.saturating_sub(1);
        let ran = ran.as_secs_f64();
        self.means.entry(claimed.task_type_id).and_modify(|mean| *mean += NEWEST * (ran - *mean)).or_insert(ran);
        if let Some(one) = self.tasks.get_mut(&claimed.id).filter(|one| one.claimed.lease_epoch == claimed.lease_epoch)
        {
            one.stage = Stage::Ended;
        }
        self.blocked.remove(&(claimed.id, claimed.lease_epoch)).is_none()
    }

    /// Whether nothing runs that could be waited for.
    pub fn is_done(&self) -> bool {
        self.running == self.blocked.len()
    }

    /// What runs and has not been told to stop, each with how long it has run.
    pub fn untold(&self) -> Vec<(Arc<Claimed>, Duration)> {
        let of = |one: &One| match one.stage {
            Stage::Running(since) if one.told_at.is_none() => Some((one.claimed.clone(), since.elapsed())),
            _ => None,
        };
        self.tasks.values().filter_map(of).collect()
    }

    /// Ends the attempts, for the queue, that were told to stop so long ago and still run, when they are seen for the second time: after a standstill
    /// of the process anybody is late. Each keeps its place until it really ends.
    pub fn give_up(&mut self, patience: Duration) -> Vec<GivenUp> {
        let mut given_up = Vec::new();
        for one in self.tasks.values_mut() {
            let (Stage::Running(since), Some(why)) = (one.stage, one.why.get()) else { continue };
            if one.told_at.is_some_and(|at| at.elapsed() >= patience) && std::mem::replace(&mut one.is_doubted, true) {
                one.stage = Stage::Ended;
                self.blocked.insert((one.claimed.id, one.claimed.lease_epoch), one.claimed.task_type_id);
                given_up.push(GivenUp { claimed: one.claimed.clone(), why: *why, ran: since.elapsed() });
            }
        }
        given_up
    }

    /// Ends the hold of these claims. A task that was settled for another attempt may be held again already, by its next claim.
    pub fn let_go<'a>(&mut self, claims: impl IntoIterator<Item = &'a Claimed>) {
        for claimed in claims {
            if self.tasks.get(&claimed.id).is_some_and(|one| one.claimed.lease_epoch == claimed.lease_epoch) {
                self.tasks.remove(&claimed.id);
            }
        }
    }

    pub fn ids(&self) -> Vec<Uuid> {
        self.tasks.keys().copied().collect()
    }

    /// Those that have not started.
    pub fn waiting(&self) -> Vec<Uuid> {
        self.waiting.values().map(|one| one.id).collect()
    }

    /// How many have not started.
    pub fn waits(&self) -> usize {
        self.waiting.len()
    }

    /// Those of these types that have not started and are no probe of a breaker.
    pub fn waiting_of(&self, task_types: &[i32]) -> Vec<Uuid> {
        let is_meant = |one: &&Arc<Claimed>| task_types.contains(&one.task_type_id) && one.probe.is_none();
        self.waiting.values().filter(is_meant).map(|one| one.id).collect()
    }

    /// Those that should go back.
    pub fn stale(&self) -> Vec<Uuid> {
        let is_stale = |one: &One| matches!(one.stage, Stage::Waiting(since) if since.elapsed() > WAITS_AT_LONGEST);
        self.tasks.iter().filter(|(_, one)| is_stale(one)).map(|(id, _)| *id).collect()
    }

    /// Whether it is time to claim ahead again.
    pub fn is_running_low(&self) -> bool {
        self.waiting.len() == WAITING_AT_MOST / 2 || self.waiting.is_empty()
    }

    /// How many of a type there are.
    pub fn of_type(&self, task_type_id: i32) -> usize {
        self.tasks.values().filter(|one| one.claimed.task_type_id == task_type_id).count()
    }

    /// The token of a held task, and why it was triggered.
    pub fn token_of(&self, id: Uuid) -> Option<(CancellationToken, Arc<OnceLock<Why>>)> {
        self.tasks.get(&id).map(|one| (one.cancel.clone(), one.why.clone()))
    }

    /// Tells an attempt to stop. A task that has not started is given back, to be ended by the caller.
    pub fn stop(&mut self, id: Uuid, why: Why) -> Option<Arc<Claimed>> {
        let one = self.tasks.get_mut(&id)?;
        // The first reason counts.
        let _ = one.why.set(why);
        one.told_at.get_or_insert_with(Instant::now);
        one.cancel.cancel();
        let waited = self.waiting.remove(&one.turn)?;
        one.stage = Stage::Ended;
        Some(waited)
    }

    /// What `places` have room for, or none while it is not worth a claim.
    pub fn room(&self, places: usize) -> Option<Room> {
        let unsettled = self.tasks.len().saturating_sub(self.running + self.waiting.len());
        let usable = places.saturating_sub(self.blocked.len());
        let all = PLACE * u32::try_from(usable).unwrap_or(u32::MAX);
        let work = all.saturating_sub(self.tasks.values().map(|one| self.cost(one)).sum());
        // A place without a task must not stay so. Else a claim can wait until it brings many.
        let is_idle = self.waiting.is_empty() && self.running < places;
        let is_worth_it = is_idle || (self.waiting.len() <= WAITING_AT_MOST / 2 && work >= all / 2);
        if !is_worth_it || unsettled > UNSETTLED_AT_MOST {
            return None;
        }
        let fit = |cost: Duration| usize::try_from(work.as_nanos() / cost.as_nanos().max(1)).unwrap_or(usize::MAX);
        let quick = self.means.iter().filter(|(_, mean)| **mean < QUICK);
        let ahead = quick
            .map(|(id, mean)| (*id, fit(Duration::from_secs_f64(*mean)).min(WAITING_AT_MOST - self.waiting.len())))
            .collect();
        let room = Room { places: fit(PLACE), ahead, without: self.blocked.values().copied().collect() };
        (room.places > 0).then_some(room)
    }

    /// The work that is left of a task. One that runs longer than others of its type is not thought to end soon.
    fn cost(&self, one: &One) -> Duration {
        let usual = self.means.get(&one.claimed.task_type_id).map_or(PLACE, |mean| Duration::from_secs_f64(*mean));
        match one.stage {
            Stage::Waiting(_) => usual.min(PLACE),
            Stage::Running(since) => usual.max(since.elapsed()).min(PLACE),
            Stage::Ended => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn claimed(seq: i64, task_type_id: i32, priority: i16) -> Arc<Claimed> {
        Arc::new(Claimed { id: Uuid::now_v7(), seq, task_type_id, priority, ..Claimed::default() })
    }

    fn add(held: &mut Held, of: impl IntoIterator<Item = Arc<Claimed>>) {
        held.add(&of.into_iter().collect::<Vec<_>>(), CancellationToken::new);
    }

    fn run(held: &mut Held, task_type_id: i32, time: Duration) {
        add(held, [claimed(1, task_type_id, 1)]);
        let one = held.start().unwrap();
        held.ended(&one, time);
        held.let_go([&*one]);
    }

    fn experienced(task_type_id: i32, time: Duration) -> Held {
        let mut held = Held::default();
        run(&mut held, task_type_id, time);
        held
    }

    #[test]
    fn only_types_that_are_known_to_be_quick_are_claimed_ahead() {
        let mut held = experienced(1, MILLISECOND);
        assert_eq!(held.room(2).unwrap(), Room { places: 2, ahead: [(1, 400)].into(), ..Room::default() });
        assert_eq!(held.room(8).unwrap().ahead[&1], WAITING_AT_MOST);
        run(&mut held, 2, MILLISECOND * 11);
        assert!(!held.room(8).unwrap().ahead.contains_key(&2));
    }

    #[test]
    fn what_is_held_takes_room_until_it_has_ended() {
        let mut held = Held::default();
        add(&mut held, (0..3).map(|seq| claimed(seq, 2, 1)));
        let started = held.start_all();
        assert_eq!(held.room(8).unwrap().places, 5);
        held.ended(&started[0], Duration::from_secs(9));
        assert_eq!(held.room(8).unwrap().places, 6);
        assert_eq!(held.room(2), None, "all places are taken");
    }

    #[test]
    fn a_task_that_takes_longer_than_its_like_takes_a_place() {
        let mut held = experienced(1, MILLISECOND);
        add(&mut held, [claimed(1, 1, 1), claimed(2, 1, 1)]);
        held.start_all();
        let long_ago = Instant::now().checked_sub(PLACE).unwrap();
        held.tasks.values_mut().for_each(|one| one.stage = Stage::Running(long_ago));
        assert_eq!(held.room(2), None);
        assert_eq!(held.room(3).unwrap().places, 1);
    }

    #[test]
    fn a_claim_waits_until_it_brings_many_unless_a_place_has_nothing_to_do() {
        let mut held = experienced(1, MILLISECOND);
        add(&mut held, (0..600).map(|seq| claimed(seq, 1, 1)));
        assert_eq!(held.room(200), None, "enough waits");
        for _ in 0..100 {
            held.start();
        }
        assert_eq!(held.room(200).unwrap().ahead[&1], 500);
    }

    #[test]
    fn nothing_is_claimed_while_the_settler_is_behind() {
        let mut held = experienced(1, MILLISECOND);
        let many = UNSETTLED_AT_MOST as i64 + 1;
        add(&mut held, (0..many).map(|seq| claimed(seq, 1, 1)));
        let started = held.start_all();
        started.iter().for_each(|one| assert!(held.ended(one, MILLISECOND)));
        assert_eq!(held.room(8), None);
        held.let_go([&*started[0]]);
        assert!(held.room(8).is_some());
    }

    #[test]
    fn an_attempt_that_does_not_stop_is_given_up_once_and_keeps_its_place() {
        let mut held = Held::default();
        add(&mut held, [claimed(1, 1, 1)]);
        let one = held.start().unwrap();
        assert!(held.give_up(Duration::ZERO).is_empty(), "nobody told it to stop");
        assert_eq!(held.untold().len(), 1);
        held.stop(one.id, Why::TimeIsUp);
        held.stop(one.id, Why::Leaving);
        assert!(held.untold().is_empty() && held.give_up(PLACE * 100).is_empty(), "it has time to stop");
        assert!(held.give_up(Duration::ZERO).is_empty(), "it may be late because all are");
        let given_up = held.give_up(Duration::ZERO);
        assert_eq!((given_up.len(), given_up[0].why), (1, Why::TimeIsUp));
        assert!(held.give_up(Duration::ZERO).is_empty());
        held.let_go([&*one]);
        assert_eq!(held.room(1), None, "its place is still taken");
        assert_eq!(held.room(2).unwrap().without, [1].into());
        assert!(held.is_done() && !held.ended(&one, PLACE), "it is settled already");
        assert_eq!(held.room(1).unwrap().without, [].into());
    }

    #[test]
    fn the_urgent_start_first_and_then_the_oldest() {
        let mut held = Held::default();
        add(&mut held, [claimed(5, 1, 1), claimed(4, 1, 1), claimed(9, 1, 3)]);
        let order: Vec<_> = held.start_all().iter().map(|one| one.seq).collect();
        assert_eq!(order, [9, 4, 5]);
    }
}
