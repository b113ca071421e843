use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use model::tasks::TaskStatus;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::AGAIN;
use super::held::{Held, Room, Why};
use super::lanes::{Lanes, Round};
use super::settler::{self, Settler};
use crate::App;
use crate::tasks::Call;
use crate::tasks::queue::{self, Claimed, Given, Lane, Outcome, Settlement, Watched};

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
    held: Mutex<Held>,
    /// There may be room for more tasks.
    room: Notify,
    lanes: Mutex<Lanes>,
    /// Types whose breaker is not closed, and those of which something failed lately.
    watched: Mutex<Watched>,
}

impl Member {
    pub async fn join(app: &App) -> sqlx::Result<(Arc<Self>, settler::Incoming)> {
        super::panics::keep_backtraces();
        let config = &app.config.worker;
        let lease = Duration::from_secs(config.lease_seconds.into());
        let known = queue::register(&app.queue_db, app.kinds.iter()).await?;
        let member = queue::Member {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            task_types: known.iter().map(|known| known.name.clone()).collect(),
            concurrency: i32::try_from(config.concurrency).unwrap_or(i32::MAX),
        };
        if let Err(error) = queue::recount(&app.queue_db).await {
            // Somebody else's lock; it is done again every half minute.
            tracing::debug!(error = %error, "could not recount the limited types");
        }
        let id = queue::join(&app.queue_db, &member, lease).await?;
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
            room: Notify::new(),
            lanes: Mutex::new(Lanes::new(known, Duration::from_millis(config.poll_interval_ms))),
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
        let giving_up = tokio::spawn(self.clone().give_up_blocked());
        let _watchdog = self.watchdog();
        let mut attempts = JoinSet::new();
        while !self.app.stopping.is_cancelled() && !self.lost.is_cancelled() {
            let room = self.held().room(self.app.config.worker.concurrency);
            let look_at = match &room {
                Some(room) => self.claim_in_time(room).await,
                None => Some(Instant::now()),
            };
            self.start(&mut attempts);
            let stale = self.held().stale();
            self.stop_all(stale, Why::Leaving);
            self.wait_for_work(&mut attempts, look_at).await;
        }
        if !self.lost.is_cancelled() {
            self.drain(&mut attempts).await;
        }
        self.drop_attempts(attempts).await;
        self.settler.close();
        // What cannot be settled because the lease is lost is dropped by the settler.
        drop(tokio::time::timeout(self.lease, settling).await);
        keeping.abort();
        hearing.abort();
        caring.abort();
        giving_up.abort();
        self.leave().await;
    }

    /// Makes so many attempts at most, until nothing is ready; the answer is the task of each.
    pub async fn work_off(self: Arc<Self>, incoming: settler::Incoming, most: usize) -> sqlx::Result<Vec<Uuid>> {
        let settling = tokio::spawn(settler::run(self.clone(), incoming));
        let keeping = tokio::spawn(self.clone().keep_lease());
        let mut made = Vec::new();
        while made.len() < most {
            queue::promote(&self.app.queue_db).await?;
            self.look_at_breakers().await;
            self.lanes().sweep();
            self.claim(&Room { places: OFF_AT_ONCE.min(most - made.len()), ..Room::default() }).await?;
            let started = self.held().start_all();
            if started.is_empty() {
                break;
            }
            made.extend(started.iter().map(|one| one.id));
            let mut attempts: JoinSet<_> = started.into_iter().map(|one| self.clone().attempt(one)).collect();
            while attempts.join_next().await.is_some() {}
            self.settler.settled().await;
        }
        self.settler.close();
        drop(settling.await);
        keeping.abort();
        queue::leave(&self.app.queue_db, self.id).await?;
        Ok(made)
    }

    /// Claims what there is room for; says from when there may be more.
    async fn claim_in_time(&self, room: &Room) -> Option<Instant> {
        let claimed = tokio::select! {
            claimed = self.claim(room) => claimed,
            // Not heard of in time: the connection is of no use, and the lease goes on.
            () = tokio::time::sleep(self.lease / 3) => Err(sqlx::Error::PoolTimedOut),
            () = self.lost.cancelled() => return None,
        };
        match claimed {
            Ok(look_at) => look_at,
            Err(error) => {
                self.be_unsure();
                tracing::warn!(worker = self.id, error = %error, "could not claim");
                tokio::time::sleep(AGAIN).await;
                Some(Instant::now())
            }
        }
    }

    /// Gives each free place something to do. A place goes on with the next task by itself, until none waits.
    fn start(self: &Arc<Self>, attempts: &mut JoinSet<()>) {
        // A place whose attempts have ended is free.
        while attempts.try_join_next().is_some() {}
        let free = self.app.config.worker.concurrency.saturating_sub(attempts.len());
        for _ in 0..free.min(self.held().waits()) {
            attempts.spawn(self.clone().work_on());
        }
    }

    async fn work_on(self: Arc<Self>) {
        while let Some(next) = self.next() {
            // Whom this thread has woken it runs next, and nobody else does: should the attempt block, that would be the settler, or who claims. And quick
            // tasks wait for nothing; as long as they went on, nobody would hear what the database answers to a settlement.
            tokio::task::yield_now().await;
            self.clone().attempt(next).await;
        }
    }

    fn next(&self) -> Option<Arc<Claimed>> {
        if self.lost.is_cancelled() {
            return None;
        }
        let mut held = self.held();
        let next = held.start();
        if held.is_running_low() {
            self.room.notify_one();
        }
        next
    }

    /// A claim may have been done although nothing was heard of it.
    fn be_unsure(&self) {
        self.unsure.store(UNSURE_LOOKS, Ordering::Release);
    }

    /// One round of claims; says from when there may be more. Plain and counted types take turns in being asked first.
    async fn claim(&self, room: &Room) -> sqlx::Result<Option<Instant>> {
        let _claiming = self.claiming.lock().await;
        self.look_at_horizon().await;
        self.lanes().called(&self.app.live.take_call());
        let round = {
            let held = self.held();
            self.lanes().round(room, |task_type_id| held.of_type(task_type_id), &self.watched())
        };
        let mut claimed = Vec::new();
        if !round.governed_first {
            claimed.extend(self.claim_plain(&round, round.limit).await?);
        }
        for lanes in &round.governed {
            claimed.extend(self.claim_governed(lanes, round.limit.saturating_sub(claimed.len())).await);
        }
        if round.governed_first {
            claimed.extend(self.claim_plain(&round, round.limit.saturating_sub(claimed.len())).await?);
        }
        Ok(self.lanes().brought(&round, &claimed))
    }

    /// Claims of all types that need not be counted.
    async fn claim_plain(&self, round: &Round, limit: usize) -> sqlx::Result<Vec<Arc<Claimed>>> {
        if round.plain.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let claimed = queue::claim(&self.app.queue_db, self.id, &round.plain, limit as i64, round.purpose).await?;
        Ok(self.hold(claimed))
    }

    /// Claims of one counted type. What fails here must not lose what other types have given already.
    async fn claim_governed(&self, lanes: &[Lane], limit: usize) -> Vec<Arc<Claimed>> {
        let quota = lanes.first().map_or(0, |lane| lane.quota).min(i32::try_from(limit).unwrap_or(i32::MAX));
        if quota == 0 {
            return Vec::new();
        }
        match queue::claim_governed(&self.app.queue_db, self.id, lanes, quota).await {
            Ok(Given { claimed, more_in }) => {
                if let Some((at, lane)) = more_in.and_then(|wait| Instant::now().checked_add(wait)).zip(lanes.first()) {
                    self.lanes().look_again(lane.task_type_id, at);
                }
                self.hold(claimed)
            }
            Err(error) => {
                self.be_unsure();
                tracing::warn!(worker = self.id, error = %error, "could not claim a counted type");
                if let Some(lane) = lanes.first() {
                    self.lanes().look_again(lane.task_type_id, Instant::now() + AGAIN);
                }
                Vec::new()
            }
        }
    }

    /// Returns when looking again makes sense: room for what may be there, a bell, or the poll that is the safety net for both.
    async fn wait_for_work(&self, attempts: &mut JoinSet<()>, look_at: Option<Instant>) {
        let poll = Duration::from_millis(self.app.config.worker.poll_interval_ms);
        let may_be_more = look_at.is_some_and(|at| at <= Instant::now());
        if may_be_more && self.held().room(self.app.config.worker.concurrency).is_some() {
            return;
        }
        let wait =
            look_at.filter(|_| !may_be_more).map_or(poll, |at| at.saturating_duration_since(Instant::now()).min(poll));
        // What waits here is started as soon as a place is free.
        let has_waiting = self.held().waits() > 0;
        tokio::select! {
            Some(_) = attempts.join_next(), if may_be_more || has_waiting => {}
            () = self.room.notified(), if may_be_more => {}
            () = self.app.live.ready() => {}
            () = tokio::time::sleep(wait) => if wait >= poll { self.lanes().poll() },
            () = self.app.stopping.cancelled() => {}
            () = self.lost.cancelled() => {}
        }
    }

    /// Hands back what has not started, gives running attempts their grace, then tells them to stop.
    async fn drain(self: &Arc<Self>, attempts: &mut JoinSet<()>) {
        let waiting = self.held().waiting();
        self.stop_all(waiting, Why::Leaving);
        let grace = Duration::from_secs(self.app.config.worker.grace_seconds);
        let ended = tokio::time::timeout(grace, self.attempts_end(attempts)).await;
        if ended.is_err() {
            tracing::info!(worker = self.id, "the grace is over; handing back what still runs");
            self.stop_all(self.held_ids(), Why::Leaving);
            drop(tokio::time::timeout(LAST_GRACE, self.attempts_end(attempts)).await);
        }
    }

    async fn leave(&self) {
        match queue::leave(&self.app.queue_db, self.id).await {
            Ok(back) => {
                self.app.bell.taken_back(&back);
                tracing::info!(worker = self.id, handed_back = back.len(), "a worker left");
            }
            // Its lease lapses, and another worker takes over.
            Err(error) => tracing::warn!(worker = self.id, error = %error, "could not sign off"),
        }
    }

    fn hold(&self, claimed: Vec<Claimed>) -> Vec<Arc<Claimed>> {
        let claimed: Vec<_> = claimed.into_iter().map(Arc::new).collect();
        for one in &claimed {
            self.app.bell.changed(one.id, one.created_by, TaskStatus::Running);
        }
        self.held().add(&claimed, || self.lost.child_token());
        claimed
    }

    /// The token of a held task, and why it was triggered.
    pub fn token_of(&self, id: Uuid) -> (CancellationToken, Arc<OnceLock<Why>>) {
        self.held().token_of(id).unwrap_or_else(|| (self.lost.child_token(), Arc::default()))
    }

    /// Gives an attempt that has ended to the settler.
    pub fn end(&self, settlement: Settlement, is_settled: bool) {
        let is_due = self.held().ended(&settlement.claimed, settlement.ran);
        if is_due {
            self.settler.take(settlement, is_settled);
        } else {
            // It blocked, and its type was left out meanwhile.
            self.lanes().poll();
        }
    }

    /// Ends the hold of tasks that are settled.
    pub fn let_go<'a>(&self, claims: impl IntoIterator<Item = &'a Claimed>) {
        self.held().let_go(claims);
        self.room.notify_one();
    }

    pub fn held_ids(&self) -> Vec<Uuid> {
        self.held().ids()
    }

    /// Tells an attempt to stop; a task that has not started ends here.
    pub fn stop(&self, id: Uuid, why: Why) {
        let waited = self.held().stop(id, why);
        if let Some(claimed) = waited {
            let outcome = if why == Why::Asked { Outcome::Cancelled } else { Outcome::HandedBack };
            self.settler.take(Settlement { claimed, outcome, ran: Duration::ZERO, trace: None }, false);
        }
    }

    /// What has not started of these types, but for probes, goes back to the queue.
    pub fn hand_back_waiting(&self, task_types: &[i32]) {
        if !task_types.is_empty() {
            let waiting = self.held().waiting_of(task_types);
            self.stop_all(waiting, Why::Leaving);
        }
    }

    fn stop_all(&self, ids: Vec<Uuid>, why: Why) {
        ids.into_iter().for_each(|id| self.stop(id, why));
    }

    pub fn name_of(&self, task_type_id: i32) -> Option<String> {
        self.lanes().name_of(task_type_id).map(str::to_owned)
    }

    /// A call for the types of these of which a place that gets free lets another task run.
    pub fn governed_of(&self, batch: &[Settlement]) -> Option<Call> {
        let lanes = self.lanes();
        let ids: HashSet<_> = batch.iter().map(|one| one.claimed.task_type_id).collect();
        let names: Vec<_> = ids.into_iter().filter_map(|id| lanes.governed_name(id)).collect();
        (!names.is_empty()).then(|| Call::types(names))
    }

    pub fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
