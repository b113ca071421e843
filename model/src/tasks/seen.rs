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

/// A task as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskListed {
    #[serde(flatten)]
    pub task: Task,
    /// The username of whoever queued it, where the reader sees the tasks of others and may see that person.
    pub owner: Option<String>,
}

/// What made a task, when nobody queued it by hand: words, and where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// As in "made by …", 1 to 200 characters.
    pub title: String,
    /// A path of this program.
    pub address: String,
}

impl Origin {
    /// Another task.
    pub fn task(id: Uuid) -> Self {
        Self { title: "another task".into(), address: format!("/tasks/{id}") }
    }

    /// A schedule, by its name.
    pub fn schedule(id: Uuid, name: &str) -> Self {
        Self { title: format!("the schedule “{name}”"), address: format!("/tasks/schedules/{id}") }
    }
}

/// A task as its page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSeen {
    #[serde(flatten)]
    pub task: Task,
    /// The name of its owner, for those who see other people's tasks.
    pub owner: Option<String>,
    pub related: Related,
    pub origin: Option<Origin>,
}
