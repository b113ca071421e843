//! The queue as one would write it down for people: a list of tasks, a list of workers, and no database.

mod limits;
mod people;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use model::tasks::{DeadReason, TaskStatus};

use super::commands::{Command, Does, FORGETFUL, KEPT, KINDS, Key, New};
use limits::{Breaker, Bucket};

/// Units of time that a lease lasts.
pub const LEASE: i64 = 3;
/// At this rescue a task is poison.
const POISON: i32 = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Ready,
    Waiting(i64),
    /// By so many tasks.
    Blocked(usize),
    /// In the hands of this worker.
    Running(usize),
    Completed,
    Cancelled,
    Dead(DeadReason),
    /// Deleted, or completed and not kept.
    Gone,
}

impl Place {
    pub fn is_alive(&self) -> bool {
        matches!(self, Self::Ready | Self::Waiting(_) | Self::Blocked(_) | Self::Running(_))
    }

    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Dead(_))
    }
}

#[derive(Clone, Debug)]
pub struct Task {
    pub kind: usize,
    pub priority: usize,
    pub place: Place,
    pub attempts: i32,
    pub max_attempts: i32,
    pub rescues: i32,
    pub epoch: i32,
    pub told_to_stop: bool,
    pub errors: usize,
    does: Does,
    /// Which statement put it where it stands: those of a later one stand behind, those of the same in any order.
    turn: u64,
    /// Its number in the database; the order of `turn`, made exact.
    seq: i64,
    key: Option<u8>,
    scheduled_at: i64,
    ended_at: i64,
}

#[derive(Clone, Debug)]
pub struct Worker {
    pub is_member: bool,
    lease_until: i64,
    cursors: BTreeMap<(usize, usize), i64>,
}

/// What a worker was given once; whether it still holds the task is another question.
#[derive(Clone, Debug)]
pub struct Claim {
    pub task: usize,
    pub worker: usize,
    pub attempt: i32,
    pub max_attempts: i32,
    epoch: i32,
}

/// Completed, failed, retried, cancelled.
pub type Figures = [i64; 4];

/// A task, where it stands now, and whether it can be claimed.
pub type Ended = Vec<(usize, TaskStatus, bool)>;

/// What a command says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Nothing,
    New(Vec<usize>),
    Existing(usize),
    Claimed(Vec<(usize, i32, i32)>),
    Ended(Ended),
    Rescued(Vec<usize>, Ended),
    /// Where it stands now; none when it could not be done.
    Stands(Option<TaskStatus>),
    /// Which task was run, and how that ended.
    Ran(Option<(usize, TaskStatus, Option<DeadReason>)>),
    Yes(bool),
    Count(usize),
    /// As it was foretold, and as it was done.
    Counts(usize, usize),
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub now: i64,
    pub tasks: Vec<Task>,
    pub workers: Vec<Worker>,
    pub claims: Vec<Claim>,
    /// Prerequisite, dependent, and whether the first one must succeed.
    pub waits: BTreeSet<(usize, usize, bool)>,
    /// By type and time.
    pub figures: BTreeMap<(usize, i64), Figures>,
    paused: [bool; KINDS],
    bucket: Bucket,
    breaker: Breaker,
    /// Keys that count for a time: whose, and until when.
    keys: BTreeMap<(usize, u8), (usize, i64)>,
    turn: u64,
}

impl Model {
    /// What the command must say. What the engine has said counts only where it had a choice.
    pub fn apply(&mut self, command: &Command, said: &Answer) -> Answer {
        self.turn += 1;
        match command {
            Command::Enqueue(new, key) => self.enqueue(new, *key),
            Command::Batch { tasks, is_chain, callback } => self.batch(tasks, *is_chain, callback.as_ref()),
            Command::Join => self.join(),
            Command::Renew { worker } => self.renew(*worker),
            Command::Leave { worker } => Answer::Ended(self.leave(*worker)),
            Command::Claim { worker, limit, quota, turned, after_cursor } => {
                self.claim_plain(*worker, *limit, *quota, *turned, *after_cursor)
            }
            Command::ClaimCounted { worker, kind, limit } => self.claim_counted(*worker, *kind, *limit),
            Command::Settle { by, ended, .. } => Answer::Ended(self.settle(by.expect("a worker settles"), ended)),
            Command::Work => self.work(said),
            Command::Strays { worker, held } => self.strays(*worker, *held),
            Command::Rescue => self.rescue(),
            Command::Cancel { task, .. } => Answer::Stands(self.cancel(*task)),
            Command::CancelOrphans => Answer::Ended(sorted(self.cancel_orphans())),
            Command::CancelAll(which) => self.cancel_all(which),
            Command::Delete { task, .. } => Answer::Yes(self.delete(*task)),
            Command::Replay { task } => Answer::Yes(self.replay(*task)),
            Command::ReplayAll(which) => self.replay_all(which),
            Command::RunNow { task } => Answer::Yes(self.run_now(*task)),
            Command::RunAllNow(which) => self.run_all_now(which),
            Command::Pause { kind } => self.pause(*kind, true),
            Command::Resume { kind } => self.pause(*kind, false),
            Command::Force { is_open } => self.breaker.force(*is_open),
            Command::Count { ok, failed, is_late } => {
                let counts = !(*is_late && self.breaker.is_probed());
                Answer::Yes(counts && self.breaker.count(*ok, *failed, self.now))
            }
            Command::PassTime { units } => {
                self.now += units;
                Answer::Nothing
            }
            Command::Promote => Answer::Count(self.promote()),
            Command::Prune => self.prune(),
            Command::Recount => Answer::Nothing,
        }
    }

    fn enqueue(&mut self, new: &New, key: Option<Key>) -> Answer {
        let id = self.tasks.len();
        if let Some((key, period)) = key {
            let (at, now) = ((new.kind, key), self.now);
            if let Some(period) = period {
                if let Some((holder, _)) = self.keys.get(&at).filter(|(_, until)| *until > now) {
                    return Answer::Existing(*holder);
                }
                self.keys.insert(at, (id, now + period));
            }
            let has_key = |task: &Task| task.place.is_alive() && task.kind == new.kind && task.key == Some(key);
            if let Some(holder) = self.tasks.iter().position(has_key) {
                // The key's time is new, and the task of before has it.
                if period.is_some() {
                    self.keys.insert(at, (holder, now + period.unwrap_or_default()));
                }
                return Answer::Existing(holder);
            }
        }
        self.add(new, key.map(|(key, _)| key), 0);
        Answer::New(vec![id])
    }

    fn add(&mut self, new: &New, key: Option<u8>, waits_for: usize) -> usize {
        let scheduled_at = self.now + new.delay;
        self.turn += 1;
        self.tasks.push(Task {
            kind: new.kind,
            priority: new.priority,
            place: if waits_for > 0 { Place::Blocked(waits_for) } else { self.starting(scheduled_at) },
            attempts: 0,
            max_attempts: new.max_attempts,
            rescues: 0,
            epoch: 0,
            told_to_stop: false,
            errors: 0,
            does: new.does,
            turn: self.turn,
            seq: 0,
            key,
            scheduled_at,
            ended_at: 0,
        });
        self.tasks.len() - 1
    }

    fn starting(&self, at: i64) -> Place {
        if at > self.now { Place::Waiting(at) } else { Place::Ready }
    }

    fn batch(&mut self, tasks: &[New], is_chain: bool, callback: Option<&New>) -> Answer {
        let mut ids = Vec::new();
        for (step, new) in tasks.iter().enumerate() {
            ids.push(self.add(new, None, usize::from(is_chain && step > 0)));
        }
        if is_chain {
            self.waits.extend(ids.windows(2).map(|step| (step[0], step[1], true)));
        }
        if let Some(new) = callback {
            let callback = self.add(new, None, ids.len());
            self.waits.extend(ids.iter().map(|id| (*id, callback, false)));
            ids.push(callback);
        }
        Answer::New(ids)
    }

    /// Out of the queue.
    fn end(&mut self, id: usize, place: Place) {
        (self.tasks[id].place, self.tasks[id].ended_at) = (place, self.now);
    }

    /// Back into the queue, behind all that stands there, and out of reach of the claim that it was held by.
    fn again(&mut self, id: usize, place: Place, attempt_back: i32) {
        self.where_it_stood(id, place, attempt_back);
        self.tasks[id].turn = self.turn;
    }

    /// The same, but in the place that it had.
    fn where_it_stood(&mut self, id: usize, place: Place, attempt_back: i32) {
        let task = &mut self.tasks[id];
        task.place = place;
        task.attempts -= attempt_back;
        task.epoch += 1;
    }

    fn told(&self, id: usize) -> (usize, TaskStatus, bool) {
        let task = &self.tasks[id];
        let status = match task.place {
            Place::Running(_) => TaskStatus::Running,
            Place::Completed | Place::Gone => TaskStatus::Completed,
            Place::Cancelled => TaskStatus::Cancelled,
            Place::Dead(_) => TaskStatus::Failed,
            _ if task.attempts > 0 => TaskStatus::Retrying,
            _ => TaskStatus::Pending,
        };
        (id, status, task.place == Place::Ready)
    }

    /// Tasks behind those that have ended wait for one thing less; the answer is what can be claimed by that.
    fn free_those_behind(&mut self, ended: &[usize]) -> Ended {
        let completed = |id: usize| self.tasks[id].place == Place::Completed;
        let is_free = |(before, _, needs_success): &(usize, usize, bool)| {
            ended.contains(before) && (!needs_success || completed(*before))
        };
        let (free, left): (BTreeSet<_>, BTreeSet<_>) = self.waits.iter().copied().partition(is_free);
        self.waits = left;
        let mut told = Vec::new();
        for (_, id, _) in free {
            let scheduled = self.starting(self.tasks[id].scheduled_at);
            let task = &mut self.tasks[id];
            let Place::Blocked(by) = task.place else { continue };
            task.place = if by > 1 { Place::Blocked(by - 1) } else { scheduled };
            task.turn = self.turn;
            if task.place == Place::Ready {
                told.push((id, TaskStatus::Pending, true));
            }
        }
        told
    }

    fn forget(&mut self, ended: &[usize]) {
        for id in ended {
            let task = &mut self.tasks[*id];
            if task.kind == FORGETFUL && task.place == Place::Completed {
                task.place = Place::Gone;
            }
        }
    }

    /// Tasks that nobody runs, or runs any more.
    fn put_back(&mut self, ids: &[usize], worker_died: bool) -> Ended {
        self.turn += 1;
        let mut ended = Vec::new();
        for id in ids {
            let task = &mut self.tasks[*id];
            if task.told_to_stop {
                self.end(*id, Place::Cancelled);
                ended.push(*id);
                continue;
            }
            task.rescues += i32::from(worker_died);
            task.errors += usize::from(worker_died);
            if worker_died && task.rescues >= POISON {
                self.end(*id, Place::Dead(DeadReason::Poison));
                ended.push(*id);
            } else {
                self.where_it_stood(*id, Place::Ready, 1);
            }
        }
        let mut told: Ended = ids.iter().map(|id| self.told(*id)).collect();
        told.extend(self.free_those_behind(&ended));
        told
    }

    fn promote(&mut self) -> usize {
        let (now, turn) = (self.now, self.turn);
        let due = |task: &&mut Task| matches!(task.place, Place::Waiting(until) if until <= now);
        let promoted = self.tasks.iter_mut().filter(due).map(|task| (task.place, task.turn) = (Place::Ready, turn));
        promoted.count()
    }

    /// What ended longer ago than it is kept.
    fn prune(&mut self) -> Answer {
        let oldest = self.now - KEPT;
        for task in &mut self.tasks {
            if matches!(task.place, Place::Completed | Place::Cancelled) && task.ended_at < oldest {
                task.place = Place::Gone;
            }
        }
        self.figures.retain(|(_, at), _| *at >= oldest);
        Answer::Nothing
    }

    /// Takes the exact order from the database, or says which two tasks stand there in the wrong one.
    pub fn take_order(&mut self, numbers: &BTreeMap<usize, i64>) -> Result<(), String> {
        for (id, seq) in numbers {
            self.tasks[*id].seq = *seq;
        }
        let stands = |place: Place| matches!(place, Place::Ready | Place::Running(_));
        let mut line: Vec<_> = (0..self.tasks.len()).filter(|at| stands(self.tasks[*at].place)).collect();
        line.sort_by_key(|at| self.tasks[*at].seq);
        let wrong = line.windows(2).find(|two| self.tasks[two[0]].turn > self.tasks[two[1]].turn);
        wrong.map_or(Ok(()), |two| Err(format!("task {} stands before task {}", two[0], two[1])))
    }
}

fn sorted(mut ended: Ended) -> Ended {
    ended.sort_by_key(|(id, _, _)| *id);
    ended
}
