use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use model::tasks::TaskStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Stop;
use crate::tasks::queue::{self, Claimed, Outcome, Settlement};
use crate::{App, db};

/// What people read when the database failed an attempt.
pub const NO_ANSWER: &str = "The database did not do it";

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
    causes: Arc<Mutex<Option<String>>>,
}

impl Context {
    pub(in crate::tasks) fn new(app: App, worker: i64, claimed: Arc<Claimed>, cancel: CancellationToken) -> Self {
        let (is_settled, causes) = Default::default();
        Self { app, cancel, claimed, worker, began: Instant::now(), is_settled, causes }
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

    /// A retry: the words are for everybody who sees the task, the error with all its causes for administrators only.
    pub fn again(&self, words: impl Into<String>, error: impl Into<anyhow::Error>) -> Stop {
        self.note_causes(error);
        Stop::Retry(words.into())
    }

    /// Keeps the error with all its causes, for administrators only, in case that the attempt fails.
    pub fn note_causes(&self, error: impl Into<anyhow::Error>) {
        let told = format!("{:?}", error.into());
        *self.causes.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }

    pub(in crate::tasks) fn take_causes(&self) -> Option<String> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A transaction for effects that must happen exactly once: end it with [`Context::complete_in`].
    ///
    /// # Errors
    /// A retry when the database is away.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Stop> {
        db::begin(&self.app.db).await.map_err(|error| self.again(NO_ANSWER, error))
    }

    /// Completes the task as the last statement of the transaction and commits: the effects and the completion are there together, or
    /// neither is. What it returns is what `run` has to return.
    ///
    /// # Errors
    /// A retry when the commit failed; nothing has happened then. When the task was taken from this worker, everything is rolled back,
    /// and the settlement that follows will find the same.
    pub async fn complete_in(&self, mut tx: Transaction<'static, Postgres>, result: Value) -> Result<Value, Stop> {
        let outcome = Outcome::Completed(result.clone());
        let one = Settlement { claimed: self.claimed.clone(), outcome, ran: self.began.elapsed(), trace: None };
        let again = |error: sqlx::Error| self.again(NO_ANSWER, error);
        let ended = queue::settle(&mut tx, self.worker, &[one]).await.map_err(again)?;
        if !ended.iter().any(|ended| ended.id == self.claimed.id) {
            return Err(Stop::Cancelled);
        }
        tx.commit().await.map_err(again)?;
        self.is_settled.store(true, Ordering::Release);
        self.app.bell.ended(&ended);
        Ok(result)
    }

    /// What an earlier attempt has kept of its work; none at the first.
    ///
    /// # Errors
    /// A retry when the database is away; undecodable when another program has kept something else.
    pub async fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, Stop> {
        let kept = queue::checkpoint(&self.app.db, &self.claimed).await;
        let kept = kept.map_err(|error| self.again(NO_ANSWER, error))?;
        let read = kept.map(serde_json::from_value).transpose();
        read.map_err(|error| Stop::Undecodable(format!("The checkpoint cannot be read: {error}")))
    }

    /// Commits a part of the work together with what another attempt has to know of it. A task that is cancelled leaves it as its result.
    ///
    /// # Errors
    /// A retry when the commit failed; nothing has happened then. [`Stop::Cancelled`] when the task was taken from this worker: everything is
    /// rolled back.
    pub async fn keep_in(
        &self,
        mut tx: Transaction<'static, Postgres>,
        checkpoint: &impl Serialize,
    ) -> Result<(), Stop> {
        let again = |error: sqlx::Error| self.again(NO_ANSWER, error);
        let checkpoint = serde_json::to_value(checkpoint).map_err(|error| Stop::Fatal(error.to_string()))?;
        if !queue::keep(&mut tx, self.worker, &self.claimed, &checkpoint).await.map_err(again)? {
            return Err(Stop::Cancelled);
        }
        tx.commit().await.map_err(again)
    }

    pub(in crate::tasks) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }
}
