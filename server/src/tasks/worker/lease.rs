//! The worker's lease: renewed while it is well, given up before the others would take its tasks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clock;
use super::held::Why;
use super::member::Member;
use crate::tasks::live::Told;
use crate::tasks::queue::{self, Sign};

/// The lease is renewed this many times in its length.
const RENEWALS_IN_LEASE: u32 = 3;

impl Member {
    /// Renews the lease, and gives up by itself when four fifths of it have passed without.
    pub(super) async fn keep_lease(self: Arc<Self>) {
        let every = self.lease / RENEWALS_IN_LEASE;
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut renewed_at = clock::since_boot();
        loop {
            let asked_at = clock::since_boot();
            let renewal = tokio::time::timeout(self.patience(renewed_at), self.renew()).await;
            match renewal {
                Ok(Ok(true)) => renewed_at = asked_at,
                Ok(Ok(false)) => return self.lose("others declared this worker dead"),
                _ if self.patience(renewed_at).is_zero() => return self.lose("the lease could not be renewed"),
                Ok(Err(error)) => tracing::warn!(worker = self.id, error = %error, "could not renew the lease yet"),
                Err(_) => {}
            }
            tokio::select! {
                _ = ticks.tick() => {}
                // Whatever happens, it is noticed when the time has come.
                () = tokio::time::sleep(self.patience(renewed_at)) => {}
            }
        }
    }

    /// How long the lease may stay without a renewal from now on.
    fn patience(&self, renewed_at: Duration) -> Duration {
        (renewed_at + self.lease * 4 / 5).saturating_sub(clock::since_boot())
    }

    async fn renew(&self) -> sqlx::Result<bool> {
        let held = self.held_ids();
        let sign = Sign {
            is_draining: self.app.stopping.is_cancelled(),
            running: i32::try_from(held.len()).unwrap_or(i32::MAX),
            done: self.done.load(Ordering::Relaxed),
            fenced_out: self.fenced_out.load(Ordering::Relaxed),
        };
        let mut conn = self.app.queue_db.acquire().await?;
        let is_alive = queue::renew(&mut conn, self.id, self.lease, sign).await?;
        // The safety net for a bell that was not heard.
        for id in queue::told_to_stop(&mut conn, &held).await? {
            self.stop(id, Why::Asked);
        }
        Ok(is_alive)
    }

    fn lose(&self, why: &str) {
        tracing::warn!(worker = self.id, "{why}; stopping its tasks");
        self.lost.cancel();
    }

    pub(super) async fn hear_cancellations(self: Arc<Self>) {
        let mut changes = self.app.live.subscribe();
        loop {
            match changes.recv().await {
                Ok(numbered) => {
                    if let Told::Changed(changed) = numbered.told
                        && changed.cancel_requested
                    {
                        self.stop(changed.id, Why::Asked);
                    }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}
