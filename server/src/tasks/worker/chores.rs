//! What each worker does beside its tasks, for all: promoting what is due, firing schedules, looking after the dead and the breakers, recounting,
//! making days of the history ahead. No task could do this, because tasks depend on it: one that waits for its time would never become ready, and
//! without a table for the day nothing could be settled well. What else is done again and again is a task with a schedule
//! ([`Maintenance`](crate::tasks::kinds::Maintenance)).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::member::Member;
use crate::db;
use crate::tasks::{Call, queue, schedules};

/// The longest between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The shortest between two looks: what is due may be locked by somebody for a while.
const LOOK_AFTER: Duration = Duration::from_millis(10);
/// Between two looks at whether the history has tables for the next days and the program its schedules.
const KEEP_EVERY: Duration = Duration::from_secs(3600);
/// Between two counts of limited types, and two tries to note how the queue stands in this minute.
const RECOUNT_EVERY: Duration = Duration::from_secs(30);

impl Member {
    /// Goes on for as long as the worker is a member.
    pub(super) async fn care(self: Arc<Self>) {
        let (mut kept_at, mut counted_at) = (None::<Instant>, Instant::now());
        loop {
            let wait = self.in_time("look after the queue", self.look()).await.unwrap_or(LOOK_EVERY);
            if kept_at.is_none_or(|at| at.elapsed() >= KEEP_EVERY) {
                let made =
                    self.in_time("make the task history's next days", queue::make_history(&self.app.queue_db)).await;
                let entered = self.in_time("enter the schedules of the program", schedules::enter(&self.app)).await;
                kept_at = made.and(entered).map(|()| Instant::now());
            }
            if counted_at.elapsed() >= RECOUNT_EVERY {
                self.in_time("recount the limited types", queue::recount(&self.app.queue_db)).await;
                self.in_time("note how the queue stands", queue::sample(&self.app.queue_db)).await;
                // Chains whose step was cancelled by a worker that then lost its connection.
                self.in_time("cancel the rest of chains", self.cancel_orphans()).await;
                counted_at = Instant::now();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Something was told to wait for less than a second, perhaps.
                () = self.app.bell.heard_later() => {}
            }
        }
    }

    /// A chore must not keep the others from being done.
    async fn in_time<T>(&self, what: &str, chore: impl Future<Output = sqlx::Result<T>>) -> Option<T> {
        let done = tokio::time::timeout(self.lease, chore).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        done.inspect_err(|error| tracing::warn!(worker = self.id, error = %error, "could not {what}")).ok()
    }

    /// Cancels steps of chains that wait for what will never succeed.
    pub(super) async fn cancel_orphans(&self) -> sqlx::Result<()> {
        let mut tx = db::begin_short(&self.app.queue_db).await?;
        let orphans = queue::cancel_orphans(&mut tx).await?;
        tx.commit().await?;
        self.app.bell.ended(&orphans);
        Ok(())
    }

    /// One look at everything; the answer is how long until the next one.
    async fn look(&self) -> sqlx::Result<Duration> {
        let db = &self.app.queue_db;
        while queue::promote(db).await? > 0 {
            self.app.bell.ready(Call::All);
        }
        let rescued = queue::rescue(db).await?;
        if !rescued.workers.is_empty() {
            tracing::warn!(workers = ?rescued.workers, tasks = rescued.tasks.len(), "took back the tasks of a worker that died");
            self.app.bell.taken_back(&rescued.tasks);
        }
        let unsure = self.unsure.load(Ordering::Acquire);
        if unsure > 0 {
            self.hand_back_strays().await?;
            // Set anew by a claim that failed meanwhile: then it stays.
            let _ = self.unsure.compare_exchange(unsure, unsure - 1, Ordering::AcqRel, Ordering::Relaxed);
        }
        if schedules::fire_due(&self.app).await? > 0 {
            self.app.bell.ready(Call::All);
        }
        self.look_at_breakers().await;
        Ok(queue::next_due(db).await?.map_or(LOOK_EVERY, |due| due.clamp(LOOK_AFTER, LOOK_EVERY)))
    }

    /// The answer to a claim was lost, so the table may name tasks of this worker that it does not run.
    async fn hand_back_strays(&self) -> sqlx::Result<()> {
        let _no_claim_meanwhile = self.claiming.lock().await;
        let back = queue::strays(&self.app.queue_db, self.id, &self.held_ids()).await?;
        if !back.is_empty() {
            tracing::warn!(worker = self.id, tasks = back.len(), "handed back tasks whose claim was not heard of");
            self.app.bell.taken_back(&back);
        }
        Ok(())
    }

    /// Reads which breakers are not closed and which types are paused, and hands back what was claimed ahead of those: it has cost no attempt.
    pub(super) async fn look_at_breakers(&self) {
        match queue::watched(&self.app.queue_db).await {
            Ok(types) => {
                self.hand_back_waiting(&types.held_back);
                *self.watched() = types;
            }
            Err(error) => tracing::debug!(error = %error, "could not look at the breakers"),
        }
    }

    /// Looks how far numbers and transactions have come, if it is time: sweeps need not go back behind that. Where calls are not sent, nobody says
    /// that something was put back there, so floors stay at 0.
    pub(super) async fn look_at_horizon(&self) {
        if self.app.config.database.notifications && self.lanes().wants_horizon() {
            match queue::horizon(&self.app.queue_db).await {
                Ok(horizon) => self.lanes().saw_horizon(horizon),
                Err(error) => tracing::debug!(error = %error, "could not look at the horizon"),
            }
        }
    }
}
