//! The worker: claims what is due, runs it under a lease, settles it, and takes over from workers that died.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use model::tasks::TaskKind;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::kinds::{self, Context, Stop};
use super::live::Told;
use super::queue::{self, Claimed, Outcome};
use crate::App;

/// The lease is renewed this many times in its length.
const RENEWALS_IN_LEASE: u32 = 3;
/// Wait between two tries when the database is away.
const AGAIN: Duration = Duration::from_millis(500);

/// One membership in the team of workers: it ends when the others declare it dead, and the worker joins under a new id.
struct Member {
    app: App,
    id: Uuid,
    lease: Duration,
    /// Triggered when the lease is lost: everything that runs under it must stop.
    lost: CancellationToken,
    running: Mutex<HashMap<Uuid, CancellationToken>>,
}

/// Works until the process stops; then gives running tasks their grace and hands back the rest.
pub async fn run(app: App) {
    while !app.stopping.is_cancelled() {
        match Member::join(&app).await {
            Ok(member) => member.work().await,
            Err(error) => {
                tracing::warn!(error = %error, "the worker cannot join; trying again");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = app.stopping.cancelled() => {}
                }
            }
        }
    }
}

/// Runs what is due now and returns when nothing is; the answer is how many attempts were made. For tests and the command line.
pub async fn work_off(app: &App) -> sqlx::Result<usize> {
    let member = Member::join(app).await?;
    let mut attempts = 0;
    loop {
        let claimed = queue::claim(&app.db, member.id, &known_types(), 100).await?;
        if claimed.is_empty() {
            queue::leave(&app.db, member.id).await?;
            return Ok(attempts);
        }
        attempts += claimed.len();
        futures::future::join_all(claimed.into_iter().map(|claimed| member.clone().attempt(claimed))).await;
    }
}

fn known_types() -> Vec<String> {
    TaskKind::ALL.into_iter().map(|kind| kind.name().to_owned()).collect()
}

impl Member {
    async fn join(app: &App) -> sqlx::Result<Arc<Self>> {
        let lease = Duration::from_secs(app.config.worker.lease_seconds.into());
        let id = Uuid::now_v7();
        queue::register_types(&app.db).await?;
        queue::join(&app.db, id, lease).await?;
        tracing::info!(worker = %id, "a worker joined");
        Ok(Arc::new(Self { app: app.clone(), id, lease, lost: CancellationToken::new(), running: Mutex::default() }))
    }

    /// Claims and runs until the process stops or the lease is lost.
    async fn work(self: Arc<Self>) {
        let mut attempts = JoinSet::new();
        let keeping = tokio::spawn(self.clone().keep_lease());
        let hearing = tokio::spawn(self.clone().hear_cancellations());
        while !self.app.stopping.is_cancelled() && !self.lost.is_cancelled() {
            let free = self.app.config.worker.concurrency.saturating_sub(attempts.len());
            let claimed = self.claim(free).await;
            let may_be_more = claimed.len() == free;
            for claimed in claimed {
                attempts.spawn(self.clone().attempt(claimed));
            }
            self.wait_for_work(&mut attempts, may_be_more).await;
        }
        if !self.lost.is_cancelled() {
            self.drain(&mut attempts).await;
        }
        // An attempt that does not heed its token is dropped here; its settlement would be refused anyway.
        attempts.shutdown().await;
        keeping.abort();
        hearing.abort();
        self.leave().await;
    }

    async fn claim(&self, free: usize) -> Vec<Claimed> {
        if free == 0 {
            return Vec::new();
        }
        let claimed = queue::claim(&self.app.db, self.id, &known_types(), free as i64).await;
        claimed.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "could not claim");
            Vec::new()
        })
    }

    /// Returns when looking again makes sense: a bell, a free place, or the poll that is the safety net for both.
    async fn wait_for_work(&self, attempts: &mut JoinSet<()>, may_be_more: bool) {
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

    /// One attempt, from the claimed row to its settlement.
    async fn attempt(self: Arc<Self>, claimed: Claimed) {
        let cancel = self.lost.child_token();
        self.running().insert(claimed.id, cancel.clone());
        let context = Context { app: self.app.clone(), cancel };
        let ended = AssertUnwindSafe(kinds::run(&claimed, &context)).catch_unwind().await;
        let outcome = outcome_of(&claimed, ended.unwrap_or_else(|panic| Err(Stop::Retry(words_of(&*panic)))));
        self.settle(&claimed, &outcome).await;
        self.running().remove(&claimed.id);
    }

    /// Settles, trying again while the database is away; after the lease is lost the result is dropped, for another worker has the task.
    async fn settle(&self, claimed: &Claimed, outcome: &Outcome) {
        while !self.lost.is_cancelled() {
            match queue::settle(&self.app.db, self.id, claimed, outcome).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(task = %claimed.id, "the task was taken from this worker; its result is dropped");
                    return;
                }
                Err(error) => {
                    tracing::warn!(task = %claimed.id, error = %error, "could not settle; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Renews the lease, looks after the dead, and gives up by itself before the others would take its tasks.
    async fn keep_lease(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(self.lease / RENEWALS_IN_LEASE);
        let mut renewed_at = Instant::now();
        loop {
            ticks.tick().await;
            let asked_at = Instant::now();
            let renewal =
                tokio::time::timeout(self.lease / RENEWALS_IN_LEASE, queue::renew(&self.app.db, self.id, self.lease));
            match renewal.await {
                Ok(Ok(true)) => renewed_at = asked_at,
                Ok(Ok(false)) => return self.lose("others declared this worker dead"),
                _ if renewed_at.elapsed() >= self.lease * 4 / 5 => return self.lose("the lease could not be renewed"),
                _ => tracing::warn!(worker = %self.id, "could not renew the lease yet"),
            }
            self.look_after_others().await;
        }
    }

    fn lose(&self, why: &str) {
        tracing::warn!(worker = %self.id, "{why}; stopping its tasks");
        self.lost.cancel();
    }

    async fn look_after_others(&self) {
        match queue::rescue(&self.app.db).await {
            Ok(0) => {}
            Ok(tasks) => tracing::warn!(tasks, "took back the tasks of a worker that died"),
            Err(error) => tracing::warn!(error = %error, "could not look for dead workers"),
        }
        // The safety net for a bell that was not heard.
        if let Ok(ids) = queue::told_to_stop(&self.app.db, self.id).await {
            ids.into_iter().for_each(|id| self.stop_task(id));
        }
    }

    async fn hear_cancellations(self: Arc<Self>) {
        let mut changes = self.app.live.subscribe();
        loop {
            match changes.recv().await {
                Ok(numbered) => {
                    if let Told::Changed(changed) = numbered.told
                        && changed.cancel_requested
                    {
                        self.stop_task(changed.id);
                    }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn stop_task(&self, id: Uuid) {
        if let Some(cancel) = self.running().get(&id) {
            cancel.cancel();
        }
    }

    /// Gives running attempts their grace.
    async fn drain(&self, attempts: &mut JoinSet<()>) {
        let grace = Duration::from_secs(self.app.config.worker.grace_seconds);
        let all_ended = async { while attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            tracing::info!(worker = %self.id, "the grace is over; handing back what still runs");
        }
    }

    async fn leave(&self) {
        match queue::leave(&self.app.db, self.id).await {
            Ok(handed_back) => tracing::info!(worker = %self.id, handed_back, "a worker left"),
            // Its lease lapses, and another worker takes over.
            Err(error) => tracing::warn!(worker = %self.id, error = %error, "could not sign off"),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an ended attempt means for its task.
fn outcome_of(claimed: &Claimed, ended: Result<serde_json::Value, Stop>) -> Outcome {
    match ended {
        Ok(result) => Outcome::Completed(result),
        Err(Stop::Cancelled) => Outcome::Cancelled,
        Err(Stop::GiveUp(error)) => Outcome::GivenUp { error },
        Err(Stop::Retry(error)) if claimed.attempt >= claimed.max_attempts => Outcome::GivenUp { error },
        Err(Stop::Retry(error)) => {
            Outcome::RetryLater { error, delay: claimed.retry_strategy.0.delay_after(claimed.attempt, rand::random()) }
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("The task panicked: {}", words.unwrap_or_else(|| "without words".into()))
}

#[cfg(test)]
mod tests {
    use model::tasks::RetryStrategy;
    use serde_json::json;

    use super::*;

    fn claimed(attempt: i32) -> Claimed {
        let retry_strategy = sqlx::types::Json(RetryStrategy::Fixed { interval: 7.0, max_attempts: 3 });
        Claimed {
            id: Uuid::nil(),
            task_type: "x".into(),
            payload: json!({}),
            attempt,
            max_attempts: 3,
            retry_strategy,
            lease_epoch: 1,
        }
    }

    #[test]
    fn an_attempt_that_may_work_later_is_tried_again_until_the_last() {
        let later = |attempt| outcome_of(&claimed(attempt), Err(Stop::Retry("no".into())));
        assert_eq!(later(1), Outcome::RetryLater { error: "no".into(), delay: Duration::from_secs(7) });
        assert_eq!(later(3), Outcome::GivenUp { error: "no".into() });
        assert_eq!(
            outcome_of(&claimed(1), Err(Stop::GiveUp("never".into()))),
            Outcome::GivenUp { error: "never".into() }
        );
    }

    #[tokio::test]
    async fn a_panic_is_told_in_its_own_words() {
        let panic = AssertUnwindSafe(async { panic!("no {}", "luck") }).catch_unwind().await.unwrap_err();
        assert_eq!(words_of(&*panic), "The task panicked: no luck");
    }
}
