//! What each kind of task does.

mod data;
mod delay;

use model::tasks::TaskKind;
use model::tasks::{DataProcessing, DelayTask};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::queue::Claimed;
use crate::App;

/// What a running task may use.
pub struct Context {
    pub app: App,
    /// Triggered when somebody asks the task to stop; what heeds it ends with [`Stop::Cancelled`].
    pub cancel: CancellationToken,
}

/// Why a task ended without a result. Retry or give up is decided by the kind, never guessed from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// May work later.
    Retry(String),
    /// Will never work.
    GiveUp(String),
    /// Stopped because it was asked to.
    Cancelled,
}

/// A kind of task: its payload is `self`. It may run twice, so that must not matter.
pub trait Work: DeserializeOwned {
    /// Does the work; the result is stored and shown.
    fn run(self, context: &Context) -> impl Future<Output = Result<Value, Stop>> + Send;
}

/// Runs a claimed task by its kind. A payload that cannot be read is given up: it will not get better.
pub async fn run(claimed: &Claimed, context: &Context) -> Result<Value, Stop> {
    match TaskKind::by_name(&claimed.task_type) {
        Some(TaskKind::DelayTask) => read::<DelayTask>(claimed)?.run(context).await,
        Some(TaskKind::DataProcessing) => read::<DataProcessing>(claimed)?.run(context).await,
        None => Err(Stop::GiveUp(format!("This program knows no task type {}", claimed.task_type))),
    }
}

fn read<W: Work>(claimed: &Claimed) -> Result<W, Stop> {
    W::deserialize(&claimed.payload).map_err(|error| Stop::GiveUp(format!("The payload cannot be read: {error}")))
}
