//! What workers do: they join, claim, settle, and take over from one another.

use std::collections::BTreeMap;

use model::tasks::{DeadReason, TaskStatus};

use super::super::commands::{Does, End, FRAGILE, KINDS, LIMITED, MAX_RUNNING, PLAIN, RATED};
use super::{Answer, Claim, Ended, LEASE, Model, Place, Task, Worker, sorted};

impl Model {
    pub(super) fn join(&mut self) -> Answer {
        self.workers.push(Worker { is_member: true, lease_until: self.now + LEASE, cursors: BTreeMap::new() });
        Answer::Nothing
    }

    pub(super) fn renew(&mut self, worker: usize) -> Answer {
        let worker = &mut self.workers[worker];
        if worker.is_member {
            worker.lease_until = self.now + LEASE;
        }
        Answer::Yes(worker.is_member)
    }

    pub(super) fn leave(&mut self, worker: usize) -> Ended {
        self.workers[worker].is_member = false;
        let held = self.held_by(worker);
        sorted(self.put_back(&held, false))
    }

    pub fn running_of(&self, kind: usize) -> usize {
        self.tasks.iter().filter(|task| task.kind == kind && matches!(task.place, Place::Running(_))).count()
    }

    /// Whether its worker has claimed the task once more.
    pub fn is_stale(&self, claim: &Claim) -> bool {
        self.tasks[claim.task].place == Place::Running(claim.worker) && !self.holds(claim)
    }

    /// Whether nothing depends on whether a worker looks at the breaker.
    pub fn is_breaker_at_rest(&self) -> bool {
        let mut looked_at = self.breaker.clone();
        looked_at.look(self.now);
        looked_at == self.breaker
    }

    /// Whether the claim is still good.
    pub fn holds(&self, claim: &Claim) -> bool {
        let task = &self.tasks[claim.task];
        task.place == Place::Running(claim.worker) && task.epoch == claim.epoch
    }

    pub fn may_claim(&self, worker: usize) -> bool {
        self.workers[worker].is_member && self.workers[worker].lease_until > self.now
    }

    fn held_by(&self, worker: usize) -> Vec<usize> {
        (0..self.tasks.len()).filter(|at| self.tasks[*at].place == Place::Running(worker)).collect()
    }

    /// The types that need not be counted now.
    fn plain(&self) -> Vec<usize> {
        PLAIN.into_iter().filter(|kind| *kind != FRAGILE || self.breaker.is_closed()).collect()
    }

    pub(super) fn claim_plain(
        &mut self,
        worker: usize,
        limit: usize,
        quota: usize,
        turned: bool,
        after_cursor: bool,
    ) -> Answer {
        let mut kinds = self.plain();
        if turned {
            kinds.reverse();
        }
        self.claim(worker, &kinds, limit, quota, after_cursor)
    }

    pub(super) fn claim_counted(&mut self, worker: usize, kind: usize, limit: usize) -> Answer {
        if self.paused[kind] {
            return Answer::Claimed(Vec::new());
        }
        if kind == FRAGILE {
            self.breaker.look(self.now);
        }
        let free = self.free_of(kind).min(limit);
        self.claim(worker, &[kind], free, free, false)
    }

    /// How many of a counted type may start now.
    fn free_of(&self, kind: usize) -> usize {
        match kind {
            LIMITED => MAX_RUNNING.saturating_sub(self.running_of(LIMITED)),
            RATED => self.bucket.tokens(self.now),
            FRAGILE => self.breaker.free(),
            _ => usize::MAX,
        }
    }

    fn claim(&mut self, worker: usize, kinds: &[usize], limit: usize, quota: usize, after_cursor: bool) -> Answer {
        let me = &self.workers[worker];
        let mut chosen = Vec::new();
        if self.may_claim(worker) {
            for priority in (0..4).rev() {
                for kind in kinds.iter().filter(|kind| !self.paused[**kind]) {
                    let cursor = if after_cursor { me.cursors.get(&(*kind, priority)).copied() } else { None };
                    let in_lane =
                        |task: &Task| (task.kind, task.priority, task.place) == (*kind, priority, Place::Ready);
                    let mut lane: Vec<_> = (0..self.tasks.len())
                        .filter(|at| in_lane(&self.tasks[*at]) && Some(self.tasks[*at].seq) > cursor)
                        .collect();
                    lane.sort_by_key(|at| self.tasks[*at].seq);
                    chosen.extend(lane.into_iter().take(quota));
                }
            }
        }
        chosen.truncate(limit);
        chosen.sort_by_key(|at| (std::cmp::Reverse(self.tasks[*at].priority), self.tasks[*at].seq));
        Answer::Claimed(chosen.into_iter().map(|task| self.give(task, worker)).collect())
    }

    fn give(&mut self, id: usize, worker: usize) -> (usize, i32, i32) {
        let task = &mut self.tasks[id];
        task.place = Place::Running(worker);
        task.attempts += 1;
        task.epoch += 1;
        let (attempt, epoch, max_attempts) = (task.attempts, task.epoch, task.max_attempts);
        let cursor = self.workers[worker].cursors.entry((task.kind, task.priority)).or_default();
        *cursor = (*cursor).max(task.seq);
        match task.kind {
            RATED => self.bucket.take(self.now),
            FRAGILE => self.breaker.claimed(),
            _ => {}
        }
        self.claims.push(Claim { task: id, worker, attempt, max_attempts, epoch });
        (id, attempt, epoch)
    }

    /// One attempt of a worker that comes for this only: of the most urgent ones among the plain types, or of a counted type. Which of
    /// them is its own choice.
    pub(super) fn work(&mut self, said: &Answer) -> Answer {
        self.promote();
        self.turn += 1;
        let ready = self.heads();
        let chosen = match said {
            Answer::Ran(Some((id, _, _))) if ready.contains(id) => Some(*id),
            _ => ready.first().copied(),
        };
        let Some(id) = chosen else { return Answer::Ran(None) };
        self.join();
        let worker = self.workers.len() - 1;
        self.give(id, worker);
        let task = &self.tasks[id];
        let end = match task.does {
            Does::Succeed => End::Completed,
            Does::Snooze => End::Snooze(1),
            Does::Die => End::Dead(DeadReason::Fatal),
            Does::Fail if task.attempts < task.max_attempts => End::Retry(1),
            Does::Fail => End::Dead(DeadReason::Exhausted),
        };
        if task.kind == FRAGILE && matches!(task.does, Does::Succeed | Does::Fail) {
            let failed = i32::from(task.does == Does::Fail);
            self.breaker.count(1 - failed, failed, self.now);
        }
        self.settle(worker, &[(self.claims.len() - 1, end)]);
        // Nobody but the worker itself had this claim.
        self.claims.pop();
        self.workers.pop();
        let (_, status, _) = self.told(id);
        let reason = if let Place::Dead(reason) = self.tasks[id].place { Some(reason) } else { None };
        Answer::Ran(Some((id, status, reason)))
    }

    /// Those that stand first in the most urgent lanes.
    fn heads(&self) -> Vec<usize> {
        let plain = self.plain();
        let counted = (0..KINDS).filter(|kind| !plain.contains(kind)).map(|kind| vec![kind]);
        let mut heads = Vec::new();
        for kinds in counted.chain([plain.clone()]) {
            let is_free = |kind: usize| kinds.contains(&kind) && !self.paused[kind] && self.free_of(kind) > 0;
            let of_kinds = |task: &&Task| task.place == Place::Ready && is_free(task.kind);
            let Some(urgent) = self.tasks.iter().filter(of_kinds).map(|task| task.priority).max() else { continue };
            for kind in &kinds {
                let in_lane = |task: &&Task| of_kinds(task) && (task.kind, task.priority) == (*kind, urgent);
                let first = self.tasks.iter().filter(in_lane).map(|task| task.turn).min();
                let is_first = |at: &usize| in_lane(&&self.tasks[*at]) && Some(self.tasks[*at].turn) == first;
                heads.extend((0..self.tasks.len()).filter(is_first));
            }
        }
        heads
    }

    pub(super) fn strays(&mut self, worker: usize, held: usize) -> Answer {
        let held = self.claims[held].task;
        let lost = self.held_by(worker).into_iter().filter(|task| *task != held).collect::<Vec<_>>();
        Answer::Ended(sorted(self.put_back(&lost, false)))
    }

    pub(super) fn settle(&mut self, by: usize, batch: &[(usize, End)]) -> Ended {
        let mut told = Vec::new();
        let mut ended = Vec::new();
        for (claim, end) in batch {
            let claim = self.claims[*claim].clone();
            let task = &self.tasks[claim.task];
            if task.place != Place::Running(by) || task.epoch != claim.epoch {
                continue;
            }
            let goes_on = matches!(end, End::Retry(_) | End::Snooze(_) | End::HandBack);
            let end = if goes_on && task.told_to_stop { End::Cancelled } else { *end };
            let (place, figure) = match end {
                End::Completed => (Place::Completed, Some(0)),
                End::Dead(reason) => (Place::Dead(reason), Some(1)),
                End::Retry(delay) => (self.starting(self.now + delay), Some(2)),
                End::Cancelled => (Place::Cancelled, Some(3)),
                End::Snooze(delay) => (self.starting(self.now + delay), None),
                End::HandBack => (Place::Ready, None),
            };
            if let Some(figure) = figure {
                self.figures.entry((task.kind, self.now)).or_default()[figure] += 1;
            }
            let task = &mut self.tasks[claim.task];
            task.errors += usize::from(matches!(end, End::Dead(_) | End::Retry(_)));
            if place.has_ended() {
                ended.push(claim.task);
                self.end(claim.task, place);
            } else if matches!(end, End::HandBack) {
                self.where_it_stood(claim.task, place, 1);
            } else {
                self.again(claim.task, place, i32::from(!matches!(end, End::Retry(_))));
            }
            told.push(self.told(claim.task));
        }
        told.extend(self.free_those_behind(&ended));
        self.forget(&ended);
        // As the worker does it after a batch in which something was cancelled.
        if told.iter().any(|(_, status, _)| *status == TaskStatus::Cancelled) {
            told.extend(self.cancel_orphans());
        }
        sorted(told)
    }

    pub(super) fn rescue(&mut self) -> Answer {
        let is_dead = |worker: &Worker| worker.is_member && worker.lease_until <= self.now;
        let dead: Vec<_> = (0..self.workers.len()).filter(|at| is_dead(&self.workers[*at])).collect();
        dead.iter().for_each(|worker| self.workers[*worker].is_member = false);
        let lost: Vec<_> = dead.iter().flat_map(|worker| self.held_by(*worker)).collect();
        let told = self.put_back(&lost, true);
        Answer::Rescued(dead, sorted(told))
    }
}
