//! Attempts that block their thread: such code hears nothing, its own timeout as little as the wish that it stop, and cannot be dropped. For the
//! queue it ends all the same; its thread and its place are free when it returns.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::attempt::{outcome_of, stopped};
use super::held::{GivenUp, Why};
use super::member::{LAST_GRACE, Member};
use super::watchdog::Watchdog;
use crate::tasks::kinds::Stop;
use crate::tasks::queue::Settlement;

/// Between two looks at what runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What has not ended so long after it was told to stop blocks: anything else has been dropped by then, if the process was not standing still.
const GIVEN_UP_AFTER: Duration = LAST_GRACE.saturating_add(Duration::from_secs(1));
/// For an attempt to be dropped at the end of the membership.
const DROPPED_WITHIN: Duration = Duration::from_secs(1);

impl Member {
    /// Ends, for the queue, what goes on although its time is up or it was told to stop. Goes on for as long as the worker is a member.
    pub(super) async fn give_up_blocked(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let running = self.held().untold();
            for (claimed, ran) in running {
                if self.kind_of(&claimed).is_some_and(|kind| ran > kind.policy.timeout) {
                    self.stop(claimed.id, Why::TimeIsUp);
                }
            }
            let given_up = self.held().give_up(GIVEN_UP_AFTER);
            // One more of its type would take one more thread. Others may have some.
            self.hand_back_waiting(&given_up.iter().map(|one| one.claimed.task_type_id).collect::<Vec<_>>());
            given_up.into_iter().for_each(|one| self.settle_blocked(one));
        }
    }

    fn settle_blocked(&self, GivenUp { claimed, why, ran }: GivenUp) {
        let Some(kind) = self.kind_of(&claimed) else { return };
        tracing::warn!(
            worker = self.id,
            task = %claimed.id,
            task_type = kind.name,
            seconds = ran.as_secs_f32(),
            "an attempt blocks its thread and cannot be stopped; its task goes on without it"
        );
        let ended = stopped(Err(Stop::Cancelled), Some(why), kind.policy.timeout);
        let outcome = outcome_of(&claimed, &kind.policy.retry, ended);
        self.settler.take(Settlement { claimed, outcome, ran, trace: None }, false);
    }

    /// Returns when nothing runs that could be waited for.
    pub(super) async fn attempts_end(&self, attempts: &mut JoinSet<()>) {
        while !self.held().is_done() {
            tokio::select! {
                ended = attempts.join_next() => if ended.is_none() { return },
                // One may have been given up.
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Drops what does not heed its token; its settlement would be refused. What cannot be dropped is handed back like it.
    pub(super) async fn drop_attempts(&self, mut attempts: JoinSet<()>) {
        if tokio::time::timeout(DROPPED_WITHIN, attempts.shutdown()).await.is_err() {
            tracing::warn!(worker = self.id, attempts = attempts.len(), "attempts block their threads and go on");
        }
    }

    /// Tells in the log when handlers block the whole runtime for longer than a renewal of the lease may wait.
    pub(super) fn watchdog(self: &Arc<Self>) -> Option<Watchdog> {
        let member = Arc::downgrade(self);
        let stuck = move |silent: Duration| {
            if let Some(member) = member.upgrade() {
                let tasks = member.held_ids();
                let seconds = silent.as_secs_f32();
                tracing::warn!(
                    worker = member.id,
                    seconds,
                    ?tasks,
                    "nothing could run: a task blocks the runtime, or the machine is busy"
                );
            }
        };
        let watchdog = Watchdog::start(self.lease / 3, stuck);
        watchdog.inspect_err(|error| tracing::warn!(error = %error, "no watchdog could be started")).ok()
    }
}
