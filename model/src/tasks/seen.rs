//! What else people see of a task: its failures, and others that it has to do with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Task, TaskStatus};

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptError {
    pub attempt: i32,
    /// Absent where it was not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it failed.
    pub at: DateTime<Utc>,
    pub error: String,
    /// Where in the program it failed, and the causes; for administrators, and only where one task is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// A task that another one names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskNamed {
    pub id: Uuid,
    pub task_type: String,
    pub status: TaskStatus,
}

/// What a task has to do with others of its chain or batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    pub comes_after: Vec<TaskNamed>,
    pub followed_by: Vec<TaskNamed>,
}

/// A task as its page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSeen {
    #[serde(flatten)]
    pub task: Task,
    pub related: Related,
}
