//! What people do: they cancel, delete, replay, and hold types back.

use std::collections::BTreeSet;

use model::tasks::TaskStatus;

use super::super::commands::Which;
use super::{Answer, Ended, Model, Place};

impl Model {
    pub(super) fn cancel(&mut self, id: usize) -> Option<TaskStatus> {
        let is_alive = self.tasks[id].place.is_alive();
        self.tell_to_stop(&[id]);
        self.cancel_orphans();
        is_alive.then(|| self.told(id).1)
    }

    /// Ends those that wait; those that run are told. The answer is how many there are.
    fn tell_to_stop(&mut self, ids: &[usize]) -> usize {
        let told: Vec<_> = ids.iter().copied().filter(|id| self.tasks[*id].place.is_alive()).collect();
        told.iter().for_each(|id| self.tasks[*id].told_to_stop = true);
        let is_idle = |id: &usize| !matches!(self.tasks[*id].place, Place::Running(_));
        let idle: Vec<_> = told.iter().copied().filter(is_idle).collect();
        self.put_back(&idle, false);
        told.len()
    }

    /// All that match, and the steps behind them. Foretold are those that match, whether they have been told before or not.
    pub(super) fn cancel_all(&mut self, which: &Which) -> Answer {
        let foretold: Vec<_> = self.matching(which, Place::is_alive);
        let anew: Vec<_> = foretold.iter().copied().filter(|id| !self.tasks[*id].told_to_stop).collect();
        let told = self.tell_to_stop(&anew);
        let orphans = self.cancel_orphans().into_iter().filter(|(_, status, _)| *status == TaskStatus::Cancelled);
        Answer::Counts(foretold.len(), told + orphans.count())
    }

    pub(super) fn replay_all(&mut self, which: &Which) -> Answer {
        let dead = self.matching(which, |place| matches!(place, Place::Dead(_)));
        let replayed = dead.iter().filter(|id| self.replay(**id)).count();
        Answer::Counts(dead.len(), replayed)
    }

    fn matching(&self, which: &Which, is: fn(&Place) -> bool) -> Vec<usize> {
        let matches = |id: &usize| {
            let task = &self.tasks[*id];
            is(&task.place)
                && which.kind.is_none_or(|kind| kind == task.kind)
                && which.priority.is_none_or(|priority| priority == task.priority)
                && which.status.is_none_or(|status| status == self.told(*id).1)
        };
        (0..self.tasks.len()).filter(matches).collect()
    }

    /// Steps of chains whose step before can not succeed any more.
    pub(super) fn cancel_orphans(&mut self) -> Ended {
        let mut told = Vec::new();
        loop {
            let may_succeed = |place: &Place| place.is_alive() || matches!(place, Place::Dead(_));
            let is_orphan = |wait: &(usize, usize, bool)| wait.2 && !may_succeed(&self.tasks[wait.0].place);
            let (orphans, left): (BTreeSet<_>, BTreeSet<_>) = self.waits.iter().copied().partition(is_orphan);
            self.waits = left;
            let orphans: Vec<_> =
                orphans.into_iter().map(|wait| wait.1).filter(|id| self.tasks[*id].place.is_alive()).collect();
            if orphans.is_empty() {
                return told;
            }
            orphans.iter().for_each(|id| self.tasks[*id].told_to_stop = true);
            told.extend(self.put_back(&orphans, false));
        }
    }

    pub(super) fn delete(&mut self, id: usize) -> bool {
        if !self.tasks[id].place.has_ended() {
            return false;
        }
        self.tasks[id].place = Place::Gone;
        self.cancel_orphans();
        true
    }

    pub(super) fn replay(&mut self, id: usize) -> bool {
        let task = &mut self.tasks[id];
        if !matches!(task.place, Place::Dead(_)) {
            return false;
        }
        (task.attempts, task.rescues, task.told_to_stop, task.key) = (0, 0, false, None);
        self.again(id, Place::Ready, 0);
        true
    }

    pub(super) fn run_now(&mut self, id: usize) -> bool {
        let (task, turn) = (&mut self.tasks[id], self.turn);
        let is_waiting = matches!(task.place, Place::Waiting(_));
        if is_waiting {
            (task.place, task.turn) = (Place::Ready, turn);
        }
        is_waiting
    }

    /// Foretold are also those whose next attempt only waits for a worker.
    pub(super) fn run_all_now(&mut self, which: &Which) -> Answer {
        let retrying = self.matching(&Which { status: Some(TaskStatus::Retrying), ..which.clone() }, Place::is_alive);
        let hurried = retrying.iter().filter(|id| self.run_now(**id)).count();
        Answer::Counts(retrying.len(), hurried)
    }

    pub(super) fn pause(&mut self, kind: usize, is_paused: bool) -> Answer {
        self.paused[kind] = is_paused;
        Answer::Yes(true)
    }
}
