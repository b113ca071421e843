use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use model::tasks::TaskStatus;
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Stop;
use crate::tasks::queue::{self, Claimed, Outcome, Settlement};
use crate::{App, db};

/// What a running task may use.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    /// Triggered when somebody asks the task to stop, when its time is up, and when its worker must let go of it. What heeds it ends
    /// with [`Stop::Cancelled`].
    pub cancel: CancellationToken,
    claimed: Arc<Claimed>,
    worker: i64,
    began: Instant,
    is_settled: Arc<AtomicBool>,
}

impl Context {
    pub(in crate::tasks) fn new(app: App, worker: i64, claimed: Arc<Claimed>, cancel: CancellationToken) -> Self {
        Self { app, cancel, claimed, worker, began: Instant::now(), is_settled: Arc::default() }
    }

    pub fn task_id(&self) -> Uuid {
        self.claimed.id
    }

    /// Whose task it is; none when the program itself has queued it.
    pub fn owner(&self) -> Option<Uuid> {
        self.claimed.created_by
    }

    /// The payload, and the version that it was written in.
    pub(super) fn payload(&self) -> (&Value, i16) {
        (&self.claimed.payload, self.claimed.payload_version)
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> i32 {
        self.claimed.attempt
    }

    /// The fencing number of this claim: higher at each one, so that other systems can refuse an older one as well.
    pub fn lease_epoch(&self) -> i32 {
        self.claimed.lease_epoch
    }

    pub fn worker(&self) -> i64 {
        self.worker
    }

    /// Tells those who watch how far the task is: 0 to 100 percent, and a few words. A database that is away is no reason to fail.
    pub async fn progress(&self, percent: f32, message: Option<&str>) {
        let told = queue::note_progress(&self.app.db, &self.claimed, percent.clamp(0.0, 100.0), message).await;
        match told {
            Ok(()) => self.app.bell.changed(self.claimed.id, self.claimed.created_by, TaskStatus::Running),
            Err(error) => tracing::debug!(task = %self.claimed.id, error = %error, "progress was not noted"),
        }
    }

    /// A transaction for effects that must happen exactly once: end it with [`Context::complete_in`].
    ///
    /// # Errors
    /// A retry when the database is away.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Stop> {
        db::begin(&self.app.db).await.map_err(|error| Stop::Retry(error.to_string()))
    }

    /// Completes the task as the last statement of the transaction and commits: the effects and the completion are there together, or
    /// neither is. What it returns is what `run` has to return.
    ///
    /// # Errors
    /// A retry when the commit failed; nothing has happened then. When the task was taken from this worker, everything is rolled back,
    /// and the settlement that follows will find the same.
    pub async fn complete_in(&self, mut tx: Transaction<'static, Postgres>, result: Value) -> Result<Value, Stop> {
        let outcome = Outcome::Completed(result.clone());
        let one = Settlement { claimed: self.claimed.clone(), outcome, ran: self.began.elapsed() };
        let ended =
            queue::settle(&mut tx, self.worker, &[one]).await.map_err(|error| Stop::Retry(error.to_string()))?;
        if !ended.iter().any(|ended| ended.id == self.claimed.id) {
            return Err(Stop::Cancelled);
        }
        tx.commit().await.map_err(|error| Stop::Retry(error.to_string()))?;
        self.is_settled.store(true, Ordering::Release);
        self.app.bell.ended(&ended);
        Ok(result)
    }

    pub(in crate::tasks) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }
}
