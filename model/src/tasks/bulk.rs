//! One action on all tasks that a filter leaves.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{TaskFilter, TaskStatus};
use crate::rbac::Action;

/// What is done to many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BulkAction {
    /// Cancel what is alive.
    Cancel,
    /// Replay the dead letter.
    Retry,
    /// Let what waits for its next attempt make it at once.
    RunNow,
    /// Delete what has ended.
    Delete,
}

impl BulkAction {
    pub const ALL: [Self; 4] = [Self::Cancel, Self::Retry, Self::RunNow, Self::Delete];

    /// The word on the wire and in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::RunNow => "run_now",
            Self::Delete => "delete",
        }
    }

    /// What somebody must be allowed to who does it to one task.
    pub fn permission(self) -> Action {
        match self {
            Self::Cancel => Action::CancelTask,
            Self::Retry | Self::RunNow => Action::RetryTask,
            Self::Delete => Action::DeleteTask,
        }
    }

    /// Where tasks stand that it can be done to, if that is one place only.
    pub fn only(self) -> Option<TaskStatus> {
        match self {
            Self::Retry => Some(TaskStatus::Failed),
            Self::RunNow => Some(TaskStatus::Retrying),
            Self::Cancel | Self::Delete => None,
        }
    }

    /// Whether it can be done to tasks that stand here.
    pub fn is_for(self, status: TaskStatus) -> bool {
        match self {
            Self::Cancel => !status.has_ended(),
            Self::Retry | Self::RunNow => self.only() == Some(status),
            Self::Delete => status.has_ended(),
        }
    }
}

/// An action on every task that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bulk {
    pub action: BulkAction,
    /// Which tasks. Of those, the action is for what it can be done to; a status that it is not for is refused, except by those that are for
    /// one status only. What is queued, dies or ends after this was asked for is not meant.
    #[serde(flatten)]
    pub filter: TaskFilter,
    /// Count only.
    #[serde(default)]
    pub dry_run: bool,
    /// With `dry_run` and a text: go on counting behind this task, the `next` of the answer before.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 36))]
    pub after: Option<Uuid>,
}

/// What a bulk action would be for, or the task that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkAsked {
    pub dry_run: bool,
    /// With `dry_run`: how many match, 10 000 at most. A text is looked for in 5000 tasks at a time.
    pub tasks: Option<i64>,
    /// With `dry_run` and a text: the last task that was looked at, when there are older ones.
    pub next: Option<Uuid>,
    /// Else: the background task that does it, batch by batch. Its result says how many that were.
    pub task_id: Option<Uuid>,
}
