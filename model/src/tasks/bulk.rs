//! One action on all tasks that a filter leaves.

use serde::{Deserialize, Serialize};

use super::{TaskFilter, TaskStatus};

/// What is done to many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BulkAction {
    /// Cancel what is alive.
    Cancel,
    /// Replay the dead letter.
    Retry,
    /// Delete what has ended.
    Delete,
}

impl BulkAction {
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Retry, Self::Delete];

    /// The word on the wire and in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Delete => "delete",
        }
    }

    /// Whether it can be done to tasks that stand here.
    pub fn is_for(self, status: TaskStatus) -> bool {
        match self {
            Self::Cancel => !status.has_ended(),
            Self::Retry => status == TaskStatus::Failed,
            Self::Delete => status.has_ended(),
        }
    }
}

/// An action on every task that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bulk {
    pub action: BulkAction,
    /// Which tasks. Of those, the action is for what it can be done to; a status that it is not for is refused, except by a replay.
    #[serde(flatten)]
    pub filter: TaskFilter,
    /// Count only.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many tasks a bulk action was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkDone {
    /// With `dry_run` 10 000 at most.
    pub tasks: i64,
    pub dry_run: bool,
}
