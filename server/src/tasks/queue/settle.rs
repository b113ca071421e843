//! From running to whatever comes next, in batches. A settlement names task, worker and lease epoch; what does not match is not touched.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use model::tasks::{DeadReason, TaskStatus};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::claim::Claimed;

/// What a finished attempt leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Completed(Value),
    Cancelled,
    /// Dead letter.
    Dead {
        reason: DeadReason,
        error: String,
    },
    /// Tried again after the delay.
    RetryLater {
        error: String,
        delay: Duration,
    },
    /// Looked at again after the delay; costs no attempt.
    Snoozed(Duration),
    /// Not run to its end for reasons of the worker; ready again at once, costs no attempt.
    HandedBack,
}

impl Outcome {
    fn code(&self) -> i16 {
        match self {
            Self::Completed(_) => 0,
            Self::Cancelled => 1,
            Self::Dead { .. } => 2,
            Self::RetryLater { .. } => 3,
            Self::Snoozed(_) => 4,
            Self::HandedBack => 5,
        }
    }

    fn error(&self) -> Option<&str> {
        match self {
            Self::Dead { error, .. } | Self::RetryLater { error, .. } => Some(error),
            _ => None,
        }
    }

    fn delay(&self) -> Duration {
        match self {
            Self::RetryLater { delay, .. } | Self::Snoozed(delay) => *delay,
            _ => Duration::ZERO,
        }
    }
}

/// One attempt that has ended.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub claimed: Arc<Claimed>,
    pub outcome: Outcome,
    pub ran: Duration,
    /// Where in the program it failed, and the causes; for administrators.
    pub trace: Option<String>,
}

/// A task that was settled, and where it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub id: Uuid,
    pub owner: Option<Uuid>,
    pub status: TaskStatus,
    /// Tasks of the queue that became ready by it, the task itself included.
    pub is_ready: bool,
}

/// Settles attempts of one worker; the answer is those that were its own to settle.
///
/// A task that was told to stop while its attempt failed is cancelled, not tried again. A request to stop may come between the two
/// looks that the statement takes, so what was not matched is tried once more.
pub async fn settle(conn: &mut PgConnection, worker: i64, batch: &[Settlement]) -> sqlx::Result<Vec<Ended>> {
    let mut ended = settle_once(&mut *conn, worker, batch.iter().collect()).await?;
    // The answer names what became ready by it as well, so that its length says nothing.
    let done: HashSet<_> = ended.iter().map(|ended| ended.id).collect();
    let left: Vec<_> = batch.iter().filter(|one| !done.contains(&one.claimed.id)).collect();
    if !left.is_empty() {
        ended.extend(settle_once(conn, worker, left).await?);
    }
    Ok(ended)
}

async fn settle_once(conn: &mut PgConnection, worker: i64, mut batch: Vec<&Settlement>) -> sqlx::Result<Vec<Ended>> {
    // In the order of the ids: that is how the statement finds what is said of a task. Of two claims of one task the later comes last, and counts.
    batch.sort_unstable_by_key(|one| (one.claimed.id, one.claimed.lease_epoch));
    let ids: Vec<_> = batch.iter().map(|one| one.claimed.id).collect();
    let epochs: Vec<_> = batch.iter().map(|one| one.claimed.lease_epoch).collect();
    let codes: Vec<_> = batch.iter().map(|one| one.outcome.code()).collect();
    let reasons: Vec<_> = batch.iter().map(|one| reason_of(&one.outcome)).collect();
    let results: Vec<_> = batch.iter().map(|one| result_of(&one.outcome)).collect();
    let errors: Vec<_> = batch.iter().map(|one| one.outcome.error().map(str::to_owned)).collect();
    let delays: Vec<_> = batch.iter().map(|one| one.outcome.delay().as_secs_f64()).collect();
    let ran: Vec<_> = batch.iter().map(|one| i64::try_from(one.ran.as_millis()).unwrap_or(i64::MAX)).collect();
    let waited: Vec<_> = batch.iter().map(|one| one.claimed.waited_ms).collect();
    sqlx::query_file_as!(
        Ended,
        "src/tasks/queue/settle.sql",
        worker,
        &ids,
        &epochs,
        &codes,
        &reasons as &[Option<DeadReason>],
        &results as &[Option<Value>],
        &errors as &[Option<String>],
        &delays,
        &ran,
        &waited,
    )
    .fetch_all(conn)
    .await
}

fn reason_of(outcome: &Outcome) -> Option<DeadReason> {
    match outcome {
        Outcome::Dead { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn result_of(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Completed(result) => Some(result.clone()),
        _ => None,
    }
}
