use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use model::tasks::TaskStatus;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::AGAIN;
use super::lanes::Lanes;
use super::settler::{self, Settler};
use crate::App;
use crate::tasks::queue::{self, Claimed, Lane, Watched};

/// The longest that an attempt may go on after it was told to stop; then it is dropped.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(5);

/// After an answer was lost, the table is compared so many times: the statement may still be on its way.
const UNSURE_LOOKS: u32 = 20;

/// Attempts that [`Member::work_off`] makes at once.
const OFF_AT_ONCE: usize = 100;

/// One membership in the team of workers: it ends when the others declare it dead, and the worker joins under a new id.
pub(super) struct Member {
    pub app: App,
    pub id: i64,
    pub lease: Duration,
    /// Triggered when the lease is lost: everything that runs under it must stop.
    pub lost: CancellationToken,
    pub settler: Settler,
    pub done: AtomicI64,
    pub fenced_out: AtomicI64,
    /// Looks during which the table may name tasks of this worker that it does not run: the answer to a claim was lost.
    pub unsure: AtomicU32,
    /// Held by a claim, from the statement until what it brought is held.
    pub claiming: tokio::sync::Mutex<()>,
    held: Mutex<HashMap<Uuid, Held>>,
    /// Claimed and not yet started. Filled together with `held`, so that a round of claims that is cut off loses nothing.
    taken: Mutex<Vec<Claimed>>,
    lanes: Mutex<Lanes>,
    /// Types whose breaker is not closed, and those of which something failed lately.
    watched: Mutex<Watched>,
}

/// A task from its claim to its settlement.
struct Held {
    lease_epoch: i32,
    task_type_id: i32,
    cancel: CancellationToken,
    why: Arc<OnceLock<Why>>,
}

/// Why an attempt was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A person asked for it.
    Asked,
    /// It took too long.
    TimeIsUp,
    /// The worker ends.
    Leaving,
}

impl Member {
    pub async fn join(app: &App) -> sqlx::Result<(Arc<Self>, settler::Incoming)> {
        let config = &app.config.worker;
        let lease = Duration::from_secs(config.lease_seconds.into());
        let known = queue::register(&app.db, app.kinds.iter()).await?;
        let member = queue::Member {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            task_types: known.iter().map(|known| known.name.clone()).collect(),
            concurrency: i32::try_from(config.concurrency).unwrap_or(i32::MAX),
        };
        if let Err(error) = queue::recount(&app.db).await {
            // Somebody else's lock; it is done again every half minute.
            tracing::debug!(error = %error, "could not recount the limited types");
        }
        let id = queue::join(&app.db, &member, lease).await?;
        tracing::info!(worker = id, "a worker joined");
        let (settler, incoming) = Settler::new();
        let this = Self {
            app: app.clone(),
            id,
            lease,
            lost: CancellationToken::new(),
            settler,
            done: AtomicI64::new(0),
            fenced_out: AtomicI64::new(0),
            unsure: AtomicU32::new(0),
            claiming: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            taken: Mutex::default(),
            lanes: Mutex::new(Lanes::new(known)),
            watched: Mutex::default(),
        };
        Ok((Arc::new(this), incoming))
    }

    /// Claims and runs until the process stops or the lease is lost.
    pub async fn work(self: Arc<Self>, incoming: settler::Incoming) {
        let settling = tokio::spawn(settler::run(self.clone(), incoming));
        let keeping = tokio::spawn(self.clone().keep_lease());
        let hearing = tokio::spawn(self.clone().hear_cancellations());
        let caring = tokio::spawn(self.clone().care());
        let mut attempts = JoinSet::new();
        while !self.app.stopping.is_cancelled() && !self.lost.is_cancelled() {
            let free = self.app.config.worker.concurrency.saturating_sub(attempts.len());
            let may_be_more = self.claim_and_start(free, &mut attempts).await;
            self.wait_for_work(&mut attempts, may_be_more).await;
        }
        if !self.lost.is_cancelled() {
            self.drain(&mut attempts).await;
        }
        // An attempt that does not heed its token is dropped here; its settlement would be refused anyway.
        attempts.shutdown().await;
        self.settler.close();
        // What cannot be settled because the lease is lost is dropped by the settler.
        drop(settling.await);
        keeping.abort();
        hearing.abort();
        caring.abort();
        self.leave().await;
    }

    /// Makes so many attempts at most, until nothing is ready; the answer is the task of each.
    pub async fn work_off(self: Arc<Self>, incoming: settler::Incoming, most: usize) -> sqlx::Result<Vec<Uuid>> {
        let settling = tokio::spawn(settler::run(self.clone(), incoming));
        let keeping = tokio::spawn(self.clone().keep_lease());
        let mut made = Vec::new();
        while made.len() < most {
            queue::promote(&self.app.db).await?;
            self.look_at_breakers().await;
            self.claim(OFF_AT_ONCE.min(most - made.len())).await?;
            let taken = self.take();
            if taken.is_empty() {
                break;
            }
            made.extend(taken.iter().map(|one| one.id));
            let mut attempts: JoinSet<_> = taken.into_iter().map(|one| self.clone().attempt(one)).collect();
            while attempts.join_next().await.is_some() {}
            self.settler.settled().await;
        }
        self.settler.close();
        drop(settling.await);
        keeping.abort();
        queue::leave(&self.app.db, self.id).await?;
        Ok(made)
    }

    /// Fills the free places; says whether it makes sense to look again at once.
    async fn claim_and_start(self: &Arc<Self>, free: usize, attempts: &mut JoinSet<()>) -> bool {
        if free == 0 {
            return false;
        }
        let claimed = tokio::select! {
            claimed = self.claim(free) => claimed,
            // Not heard of in time: the connection is of no use, and the lease goes on.
            () = tokio::time::sleep(self.lease / 3) => Err(sqlx::Error::PoolTimedOut),
            () = self.lost.cancelled() => return false,
        };
        // Also what a round that was cut off had taken by then.
        for one in self.take() {
            attempts.spawn(self.clone().attempt(one));
        }
        match claimed {
            Ok(may_be_more) => may_be_more,
            Err(error) => {
                self.be_unsure();
                tracing::warn!(worker = self.id, error = %error, "could not claim");
                tokio::time::sleep(AGAIN).await;
                false
            }
        }
    }

    /// A claim may have been done although nothing was heard of it.
    fn be_unsure(&self) {
        self.unsure.store(UNSURE_LOOKS, Ordering::Release);
    }

    /// One round of claims; says whether it makes sense to look again at once. Plain and counted types take turns in being asked first.
    async fn claim(&self, free: usize) -> sqlx::Result<bool> {
        let _claiming = self.claiming.lock().await;
        let broken = self.watched().broken.clone();
        let round = {
            let held = self.held();
            let running = |task_type_id| held.values().filter(|held| held.task_type_id == task_type_id).count();
            self.lanes().round(free, running, &broken)
        };
        let mut claimed = Vec::new();
        if !round.governed_first {
            claimed.extend(self.claim_plain(&round.plain, free).await?);
        }
        for lanes in &round.governed {
            claimed.extend(self.claim_governed(lanes, free - claimed.len()).await);
        }
        if round.governed_first {
            claimed.extend(self.claim_plain(&round.plain, free - claimed.len()).await?);
        }
        Ok(self.lanes().brought(&round, &claimed, free))
    }

    /// Claims of all types that need not be counted.
    async fn claim_plain(&self, lanes: &[Lane], free: usize) -> sqlx::Result<Vec<Claimed>> {
        if lanes.is_empty() || free == 0 {
            return Ok(Vec::new());
        }
        let claimed = queue::claim(&self.app.db, self.id, lanes, free as i64, queue::Breakers::Closed).await?;
        self.hold(&claimed);
        Ok(claimed)
    }

    /// Claims of one counted type. What fails here must not lose what other types have given already.
    async fn claim_governed(&self, lanes: &[Lane], free: usize) -> Vec<Claimed> {
        let quota = lanes.first().map_or(0, |lane| lane.quota).min(i32::try_from(free).unwrap_or(i32::MAX));
        if quota == 0 {
            return Vec::new();
        }
        match queue::claim_governed(&self.app.db, self.id, lanes, quota).await {
            Ok(claimed) => {
                self.hold(&claimed);
                claimed
            }
            Err(error) => {
                self.be_unsure();
                tracing::warn!(worker = self.id, error = %error, "could not claim a counted type");
                Vec::new()
            }
        }
    }

    /// Returns when looking again makes sense: a bell, a free place, or the poll that is the safety net for both.
    async fn wait_for_work(&self, attempts: &mut JoinSet<()>, may_be_more: bool) {
        while attempts.try_join_next().is_some() {}
        let is_full = attempts.len() >= self.app.config.worker.concurrency;
        if may_be_more && !is_full {
            return;
        }
        let poll = Duration::from_millis(self.app.config.worker.poll_interval_ms);
        tokio::select! {
            Some(_) = attempts.join_next() => {}
            () = self.app.live.ready(), if !is_full => {}
            () = tokio::time::sleep(poll) => {}
            () = self.app.stopping.cancelled() => {}
            () = self.lost.cancelled() => {}
        }
    }

    /// Gives running attempts their grace, then tells them to stop.
    async fn drain(&self, attempts: &mut JoinSet<()>) {
        let grace = Duration::from_secs(self.app.config.worker.grace_seconds);
        let ended = tokio::time::timeout(grace, async { while attempts.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::info!(worker = self.id, "the grace is over; handing back what still runs");
            self.stop_all(Why::Leaving);
            drop(tokio::time::timeout(LAST_GRACE, async { while attempts.join_next().await.is_some() {} }).await);
        }
    }

    async fn leave(&self) {
        match queue::leave(&self.app.db, self.id).await {
            Ok(back) => {
                self.app.bell.ended(&back);
                tracing::info!(worker = self.id, handed_back = back.len(), "a worker left");
            }
            // Its lease lapses, and another worker takes over.
            Err(error) => tracing::warn!(worker = self.id, error = %error, "could not sign off"),
        }
    }

    fn hold(&self, claimed: &[Claimed]) {
        let (mut held, mut taken) = (self.held(), self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        taken.extend_from_slice(claimed);
        for one in claimed {
            self.app.bell.changed(one.id, one.created_by, TaskStatus::Running);
            let cancel = self.lost.child_token();
            let (lease_epoch, task_type_id) = (one.lease_epoch, one.task_type_id);
            held.insert(one.id, Held { lease_epoch, task_type_id, cancel, why: Arc::default() });
        }
    }

    fn take(&self) -> Vec<Claimed> {
        std::mem::take(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The token of a held task, and why it was triggered.
    pub fn token_of(&self, id: Uuid) -> (CancellationToken, Arc<OnceLock<Why>>) {
        let held = self.held();
        held.get(&id)
            .map_or_else(|| (self.lost.child_token(), Arc::default()), |one| (one.cancel.clone(), one.why.clone()))
    }

    /// Ends the hold of these claims. A task that was settled for another attempt may be held again already, by its next claim.
    pub fn let_go<'a>(&self, claims: impl IntoIterator<Item = &'a Claimed>) {
        let mut held = self.held();
        for claimed in claims {
            if held.get(&claimed.id).is_some_and(|one| one.lease_epoch == claimed.lease_epoch) {
                held.remove(&claimed.id);
            }
        }
    }

    pub fn held_ids(&self) -> Vec<Uuid> {
        self.held().keys().copied().collect()
    }

    pub fn stop(&self, id: Uuid, why: Why) {
        if let Some(one) = self.held().get(&id) {
            // The first reason counts.
            let _ = one.why.set(why);
            one.cancel.cancel();
        }
    }

    fn stop_all(&self, why: Why) {
        for id in self.held_ids() {
            self.stop(id, why);
        }
    }

    pub fn name_of(&self, task_type_id: i32) -> Option<String> {
        self.lanes().name_of(task_type_id).map(str::to_owned)
    }

    pub fn is_governed(&self, task_type_id: i32) -> bool {
        self.lanes().is_governed(task_type_id)
    }

    pub fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
