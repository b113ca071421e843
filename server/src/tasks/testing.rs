//! For tests of what is built on the queue: run one task, see what waits, let time pass. Nothing here sleeps or stands in for the engine:
//! it is the real one, on the database of the test. [`work_off`] runs all that is ready.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use model::tasks::{NewTask, TaskStatus};
//! use serde::Deserialize;
//! use serde_json::{Value, json};
//! use server::App;
//! use server::tasks::kinds::{Context, Stop, Work};
//! use server::tasks::{enqueue, testing};
//!
//! /// Reminds somebody, but not at the first look.
//! #[derive(Debug, PartialEq, Deserialize)]
//! struct Reminder {
//!     whom: String,
//! }
//!
//! impl Work for Reminder {
//!     const NAME: &'static str = "reminder";
//!     const DESCRIPTION: &'static str = "Reminds somebody.";
//!
//!     async fn run(self, context: &Context) -> Result<Value, Stop> {
//!         match context.attempt() {
//!             1 => Err(Stop::RetryAfter("not yet".into(), Duration::from_secs(3600))),
//!             _ => Ok(json!({"reminded": self.whom})),
//!         }
//!     }
//! }
//!
//! # async fn example(app: &App) -> server::Result<()> {
//! let new = NewTask { task_type: Reminder::NAME.into(), payload: json!({"whom": "Ada"}), ..NewTask::default() };
//! enqueue(app, None, new).await?;
//! testing::assert_enqueued(app, &Reminder { whom: "Ada".into() }).await;
//!
//! let ran = testing::run_one(app).await?.expect("a task is ready");
//! assert_eq!((ran.status, ran.error.as_deref()), (TaskStatus::Retrying, Some("not yet")));
//! assert!(testing::run_one(app).await?.is_none(), "it waits for an hour");
//!
//! testing::pass_time(app, Duration::from_secs(3600)).await?;
//! let ran = testing::run_one(app).await?.expect("its time has come");
//! assert_eq!(ran.result, Some(json!({"reminded": "Ada"})));
//! # Ok(())
//! # }
//! ```

use std::fmt::Debug;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use model::tasks::{DeadReason, Priority, TaskStatus};
use serde_json::Value;
use uuid::Uuid;

use super::kinds::{self, Work};
use super::queue::{self, time};
use super::worker;
pub use super::worker::work_off;
use crate::{App, Error, Result, db};

/// An attempt that was made, and where it left its task.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    pub id: Uuid,
    /// `Pending` or `Retrying` when it is looked at again, by the attempts that count.
    pub status: TaskStatus,
    /// What a completed task returned; none when its kind keeps nothing.
    pub result: Option<Value>,
    /// The words of its last failure.
    pub error: Option<String>,
    pub dead_reason: Option<DeadReason>,
}

/// Runs exactly one ready task, the one that a worker alone would take first, and says how it ended; none when nothing is ready. What has
/// become due is made ready before, as a worker does it. Schedules are fired by [`fire_due`](super::schedules::fire_due), and lapsed
/// leases are found by [`rescue`](super::queue::rescue).
///
/// # Errors
/// When the database does not answer.
pub async fn run_one(app: &App) -> Result<Option<Ran>> {
    let Some(id) = worker::run_up_to(app, 1).await?.pop() else { return Ok(None) };
    let task = queue::get(&app.db, id, None).await?;
    Ok(Some(task.map_or_else(
        // Of an ended task nothing is left only when it was completed.
        || Ran { id, status: TaskStatus::Completed, result: None, error: None, dead_reason: None },
        |task| Ran {
            id,
            status: task.status,
            result: task.result,
            error: task.last_error,
            dead_reason: task.dead_reason,
        },
    )))
}

/// A task that waits for a worker, for its time, or for other tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting<W> {
    pub id: Uuid,
    /// Of this program's version, whatever version it was written in.
    pub payload: W,
    pub priority: Priority,
    pub owner: Option<Uuid>,
    /// Attempts that were made already.
    pub attempts: i32,
    /// When it may run; none when it may at once, or when it waits for other tasks.
    pub run_at: Option<DateTime<Utc>>,
    /// Tasks that must end before.
    pub waits_for: i32,
}

/// The tasks of this kind that are queued and that no worker runs, in the order of the queue.
///
/// # Errors
/// When the database does not answer, or a payload cannot be read.
pub async fn waiting<W: Work>(app: &App) -> Result<Vec<Waiting<W>>> {
    let idle = time::idle(&app.db, W::NAME).await?;
    idle.into_iter().map(read).collect()
}

/// The task of this kind and with this payload that is queued and that no worker runs; of several the first one of the queue.
///
/// # Panics
/// When there is none, with those of the kind that wait; and when the database does not answer.
pub async fn assert_enqueued<W: Work + Debug + PartialEq>(app: &App, payload: &W) -> Waiting<W> {
    let mut waiting = waiting::<W>(app).await.unwrap_or_else(|error| panic!("the queue could not be read: {error:?}"));
    match waiting.iter().position(|one| one.payload == *payload) {
        Some(place) => waiting.swap_remove(place),
        None => panic!("{payload:?} is not among the tasks that wait: {waiting:?}"),
    }
}

fn read<W: Work>(idle: time::Idle) -> Result<Waiting<W>> {
    let payload = kinds::read(&idle.payload, idle.payload_version)
        .map_err(|stop| Error::Broken(anyhow!("task {} of {}: {stop:?}", idle.id, W::NAME)))?;
    Ok(Waiting {
        id: idle.id,
        payload,
        priority: idle.priority,
        owner: idle.owner,
        attempts: idle.attempts,
        run_at: idle.run_at,
        waits_for: idle.waits_for,
    })
}

/// Lets time pass for the queue: what would be due after this time is due now. No clock is changed, the rows are moved into the past.
///
/// It moves delays and retries, ages, leases, unique keys, tokens of rates, windows and cool-downs of breakers, schedules, and history with
/// its figures. It does not move sessions and the audit log, and a cron expression goes on by the real clock: after a schedule has fired,
/// its next time is counted from now. A worker that runs beside the test is taken for dead when more time passes than its lease has.
///
/// # Errors
/// When the database does not answer.
pub async fn pass_time(app: &App, time: Duration) -> Result<()> {
    let seconds = time.as_secs_f64();
    let mut tx = db::begin(&app.db).await?;
    time::move_moments(&mut tx, seconds).await?;
    time::move_totals(&mut tx).await?;
    time::move_figures(&mut tx, seconds).await?;
    tx.commit().await?;
    app.bell.later();
    Ok(())
}
