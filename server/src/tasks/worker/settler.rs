//! Gathers ended attempts and settles them together. It clocks itself: while one batch is on its way the next one gathers, so a lone
//! task is settled at once and a busy worker pays one round trip for many; when many have gathered, a second batch does not wait for the first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use model::tasks::{DeadReason, TaskStatus};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::AGAIN;
use super::member::Member;
use crate::db;
use crate::tasks::Call;
use crate::tasks::queue::{self, Claimed, Counted, Ended, Outcome, Settlement};

/// Settlements of one statement.
const AT_ONCE: usize = 500;
/// Statements that are under way at once: while one waits for the disk, the next is worked on.
const UNDER_WAY: usize = 2;
/// A second one is sent when so many have gathered; fewer go together with those that end meanwhile.
const WORTH_IT: usize = AT_ONCE / 2;

/// The end that attempts give their outcome to.
pub(super) struct Settler {
    sender: std::sync::Mutex<Option<UnboundedSender<Job>>>,
    unsettled: AtomicUsize,
    all_settled: Notify,
}

/// An attempt that has ended.
pub(super) struct Job {
    settlement: Settlement,
    /// It has completed itself in its own transaction: only to be counted and let go.
    is_settled: bool,
}

/// The end that settles.
pub(super) type Incoming = UnboundedReceiver<Job>;

impl Settler {
    /// Bounded by what a worker may hold.
    pub fn new() -> (Self, Incoming) {
        let (sender, incoming) = unbounded_channel();
        let sender = std::sync::Mutex::new(Some(sender));
        (Self { sender, unsettled: AtomicUsize::new(0), all_settled: Notify::new() }, incoming)
    }

    pub fn take(&self, settlement: Settlement, is_settled: bool) {
        self.unsettled.fetch_add(1, Ordering::AcqRel);
        let sender = self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // After the end nobody listens; the lease lapses, and another worker runs it again.
        if let Some(sender) = &*sender {
            drop(sender.send(Job { settlement, is_settled }));
        }
    }

    /// No more will come; what is gathered is still settled.
    pub fn close(&self) {
        self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    /// Returns when all that was given so far is settled.
    pub async fn settled(&self) {
        loop {
            let all_settled = self.all_settled.notified();
            if self.unsettled.load(Ordering::Acquire) == 0 {
                return;
            }
            all_settled.await;
        }
    }

    fn done(&self, count: usize) {
        self.unsettled.fetch_sub(count, Ordering::AcqRel);
        self.all_settled.notify_waiters();
    }
}

/// Settles until the settler is closed and nothing is left, or the lease is lost.
pub(super) async fn run(member: Arc<Member>, mut incoming: Incoming) {
    let mut jobs = Vec::with_capacity(AT_ONCE);
    let mut under_way = FuturesUnordered::new();
    loop {
        let room = AT_ONCE - jobs.len();
        let is_open = tokio::select! {
            received = incoming.recv_many(&mut jobs, room), if room > 0 => received > 0,
            Some(()) = under_way.next() => true,
        };
        let is_worth_it = under_way.is_empty() || (under_way.len() < UNDER_WAY && jobs.len() >= WORTH_IT) || !is_open;
        if !jobs.is_empty() && is_worth_it {
            under_way.push(member.settle_jobs(std::mem::replace(&mut jobs, Vec::with_capacity(AT_ONCE))));
        }
        if !is_open {
            break;
        }
    }
    while under_way.next().await.is_some() {}
}

impl Member {
    async fn settle_jobs(&self, jobs: Vec<Job>) {
        let (settled, batch): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.is_settled);
        let mut batch: Vec<_> = batch.into_iter().map(|job| job.settlement).collect();
        self.flush(&mut batch).await;
        self.done.fetch_add(settled.len() as i64, Ordering::Relaxed);
        batch.extend(settled.into_iter().map(|job| job.settlement));
        self.let_go(batch.iter().map(|one| &*one.claimed));
        // A place of a limited type is free only now, and whoever looked for it before saw none.
        if let Some(call) = self.governed_of(&batch) {
            self.app.bell.ready(call);
        }
        self.count(&batch).await;
        self.settler.done(batch.len());
    }

    /// Tries until it is done; after the lease is lost the results are dropped, for other workers have the tasks.
    async fn flush(&self, batch: &mut [Settlement]) {
        while !batch.is_empty() && !self.lost.is_cancelled() {
            let settled = tokio::select! {
                settled = self.settle(batch) => settled,
                () = tokio::time::sleep(self.lease / 3) => Err(sqlx::Error::PoolTimedOut),
                () = self.lost.cancelled() => return,
            };
            match settled {
                Ok(()) => return,
                // PostgreSQL is there and does not take it, and it would not the next time either.
                Err(error) if is_refused(&error) => return self.flush_one_by_one(batch).await,
                Err(error) => {
                    tracing::warn!(worker = self.id, tasks = batch.len(), error = %error, "could not settle; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// One outcome that PostgreSQL refuses must not keep the others. Its task is dead: run again it would come to the same.
    async fn flush_one_by_one(&self, batch: &mut [Settlement]) {
        for one in batch {
            while let Err(error) = self.settle(std::slice::from_ref(one)).await {
                if self.lost.is_cancelled() {
                    return;
                }
                tracing::warn!(worker = self.id, task = %one.claimed.id, error = %error, "could not settle a task");
                if is_refused(&error) {
                    let error = "Its outcome could not be stored".to_owned();
                    one.outcome = Outcome::Dead { reason: DeadReason::Fatal, error };
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn settle(&self, batch: &[Settlement]) -> sqlx::Result<()> {
        let ended = if batch.iter().any(|one| one.trace.is_some()) {
            let mut tx = db::begin_short(&self.app.queue_db).await?;
            queue::keep_traces(&mut tx, self.id, batch).await?;
            let ended = queue::settle(&mut tx, self.id, batch).await?;
            tx.commit().await?;
            ended
        } else {
            queue::settle(&mut *self.app.queue_db.acquire().await?, self.id, batch).await?
        };
        self.tell(batch, &ended);
        if ended.iter().any(|one| one.status == TaskStatus::Cancelled)
            && let Err(error) = self.cancel_orphans().await
        {
            // Done again from time to time.
            tracing::warn!(worker = self.id, error = %error, "could not cancel the rest of a chain yet");
        }
        Ok(())
    }

    fn tell(&self, batch: &[Settlement], ended: &[Ended]) {
        let given: HashSet<_> = batch.iter().map(|given| given.claimed.id).collect();
        let own = ended.iter().filter(|one| given.contains(&one.id)).count();
        self.done.fetch_add(own as i64, Ordering::Relaxed);
        let fenced_out = batch.len().saturating_sub(own);
        if fenced_out > 0 {
            self.fenced_out.fetch_add(fenced_out as i64, Ordering::Relaxed);
            tracing::warn!(
                worker = self.id,
                tasks = fenced_out,
                "tasks were taken from this worker; the results are dropped"
            );
        }
        self.app.bell.ended(ended);
        if batch.iter().any(|one| matches!(one.outcome, Outcome::HandedBack)) {
            self.app.bell.ready(Call::Again);
        }
        if batch.iter().any(|one| matches!(one.outcome, Outcome::RetryLater { .. } | Outcome::Snoozed(_))) {
            self.app.bell.later();
        }
    }

    /// Tells the breakers; types of which nothing failed lately are left alone.
    async fn count(&self, batch: &[Settlement]) {
        for counted in self.counted(batch) {
            match queue::count_for_breaker(&self.app.queue_db, counted).await {
                Ok(false) => {}
                Ok(true) => {
                    let name = self.name_of(counted.task_type_id).unwrap_or_default();
                    tracing::warn!(task_type = %name, "the circuit breaker changed its state");
                    self.look_at_breakers().await;
                    self.app.bell.ready(Call::types([name]));
                }
                Err(error) => tracing::warn!(worker = self.id, error = %error, "could not tell a circuit breaker"),
            }
        }
    }

    fn counted(&self, batch: &[Settlement]) -> Vec<Counted> {
        let mut by_type: HashMap<_, Counted> = HashMap::new();
        for one in batch {
            let Claimed { task_type_id, probe, .. } = *one.claimed;
            let counted =
                by_type.entry((task_type_id, probe)).or_insert(Counted { task_type_id, probe, ..Counted::default() });
            match &one.outcome {
                Outcome::Completed(_) => counted.ok += 1,
                Outcome::RetryLater { .. } | Outcome::Dead { reason: DeadReason::Exhausted, .. } => counted.failed += 1,
                // A payload that cannot work says nothing of what the task depends on.
                _ => {}
            }
        }
        let mut watched = self.watched();
        for failed in by_type.values().filter(|counted| counted.failed > 0) {
            if !watched.failing.contains(&failed.task_type_id) {
                watched.failing.push(failed.task_type_id);
            }
        }
        let is_watched = |id: &i32| watched.failing.contains(id) || watched.broken.contains(id);
        by_type
            .into_values()
            .filter(|counted| is_watched(&counted.task_type_id) && counted.ok + counted.failed > 0)
            .collect()
    }
}

/// Whether PostgreSQL has looked at it and said no, as opposed to being away or busy.
fn is_refused(error: &sqlx::Error) -> bool {
    // Class 22: data that it cannot hold; 23: a constraint.
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23")) || matches!(error, sqlx::Error::Encode(_))
}
