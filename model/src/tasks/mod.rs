//! Tasks: work that a worker does in the background.

mod bulk;
mod delivery;
mod figures;
mod filter;
mod form;
mod kinds;
mod queue;
mod results;
mod retry;
mod schedule;
mod seen;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use bulk::{Bulk, BulkAction, BulkAsked};
pub use delivery::{DELIVERIES_AT_MOST, Delivery};
pub use figures::{Figure, Period, percentile};
pub use filter::{TEXT_MAX, TaskFilter};
pub use form::{Control, FormField, NewTaskForm, read_moment};
pub use kinds::{
    DataProcessing, DelayTask, Email, FileCleanup, Method, Notify, Numbers, Operation, ReportFormat, ReportGeneration,
    ReportType, TaskKind, Webhook,
};
pub use queue::{
    BreakerState, DEAD_GROUPS_AT_MOST, DeadGroup, DeadOfType, HostSeen, LaneDepth, Minute, Operations, QueueAction,
    QueueCommand, QueueHealth, QueueSeen, RunningTask, TypeSeen, WorkerSeen,
};
pub use results::{BulkDone, EmailSent, Notified, ReportMade, Swept, Waited, WebhookAnswer};
pub use retry::RetryStrategy;
pub use schedule::{Missed, NewSchedule, Schedule, ScheduleTimes};
pub use seen::{AttemptError, Origin, Related, TaskListed, TaskNamed, TaskSeen};

use crate::{FieldProblem, Problem};

/// Most bytes of a payload as JSON: 1 MiB.
pub const PAYLOAD_MAX_BYTES: usize = 1024 * 1024;
/// Most bytes of all metadata as JSON: 64 KiB.
pub const METADATA_MAX_BYTES: usize = 64 * 1024;
/// Most characters of a metadata key.
pub const METADATA_KEY_MAX: usize = 128;
/// Most bytes of one metadata value as JSON: 4 KiB.
pub const METADATA_VALUE_MAX_BYTES: usize = 4 * 1024;
/// Most characters of a unique key.
pub const UNIQUE_KEY_MAX: usize = 200;
/// How far ahead a task may be scheduled, in days.
pub const SCHEDULE_AHEAD_DAYS: i64 = 365;

/// Which task goes first; a small number in PostgreSQL, the word on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type))]
#[repr(i16)]
pub enum Priority {
    Low = 0,
    #[default]
    Normal = 1,
    High = 2,
    Critical = 3,
}

impl Priority {
    /// All priorities, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The word on the wire and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "task_status", rename_all = "lowercase"))]
pub enum TaskStatus {
    /// Waits for its first attempt, now or at its scheduled time.
    Pending,
    /// A worker holds it under a lease.
    Running,
    /// Waits for its next attempt.
    Retrying,
    Completed,
    /// Dead letter: no attempt is left, or the kind gave it up.
    Failed,
    Cancelled,
}

impl TaskStatus {
    /// All states, in the order of a task's life.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Retrying, Self::Completed, Self::Failed, Self::Cancelled];

    /// The word on the wire, in forms and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will happen to the task by itself any more.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Why a task is in the dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "dead_reason", rename_all = "lowercase"))]
pub enum DeadReason {
    /// The last attempt failed.
    Exhausted,
    /// Its kind said that it will never work.
    Fatal,
    /// Workers died of it, again and again.
    Poison,
    /// Its payload cannot be read.
    Undecodable,
}

/// How far a running task says it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// 0 to 100.
    pub percent: f32,
    pub message: Option<String>,
}

/// A task as its owner sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    pub id: Uuid,
    pub task_type: String,
    pub status: TaskStatus,
    pub priority: Priority,
    pub payload: Value,
    pub metadata: Value,
    pub max_attempts: i32,
    pub current_attempt: i32,
    pub retry_strategy: RetryStrategy,
    pub result: Option<Value>,
    pub progress: Option<Progress>,
    pub last_error: Option<String>,
    /// Every attempt that failed, the oldest first.
    pub errors: Vec<AttemptError>,
    /// Set when the status is `failed`.
    pub dead_reason: Option<DeadReason>,
    /// A running task was told to stop and has not yet done so.
    pub cancel_requested: bool,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When it was asked to start; absent when at once.
    pub scheduled_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    /// Until when it waits, for its start or its next attempt; absent when it waits for no time.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// A replay from the dead letter, as a form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Another payload, as JSON; as it is when absent.
    #[serde(default)]
    pub payload: Option<String>,
}

impl Replay {
    /// The payload, if another one was given.
    pub fn read(&self) -> Result<Option<Value>, Problem> {
        let payload = self.payload.as_deref().map(serde_json::from_str).transpose();
        payload.map_err(|error| {
            Problem::field("payload", format!("is no JSON: line {}, column {}", error.line(), error.column()))
        })
    }
}

/// A kind of task that the workers of this installation know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskType {
    pub task_type: String,
    pub description: Option<String>,
    /// Whether new tasks of this type are taken.
    pub is_active: bool,
    /// Paused by a person: tasks are taken and wait.
    pub is_paused: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How many tasks stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskStats {
    pub total: i64,
    pub pending: i64,
    pub running: i64,
    pub completed: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub retrying: i64,
}

/// A task to be queued.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewTask {
    pub task_type: String,
    pub payload: Value,
    #[serde(default)]
    pub priority: Option<Priority>,
    /// When to start; at once when absent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 20))]
    pub scheduled_at: Option<DateTime<Utc>>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub metadata: Option<BTreeMap<String, Value>>,
    /// The type's own when absent.
    #[serde(default)]
    pub retry_strategy: Option<RetryStrategy>,
    /// A second task of the same type and key is not queued; the answer is the first one.
    #[serde(default)]
    pub unique_key: Option<String>,
    /// How long the key counts, in seconds, also after the task has ended; while the task is alive when absent.
    #[serde(default)]
    pub unique_for_seconds: Option<u32>,
}

impl NewTask {
    /// Checks everything that needs no database, and reports all of it at once. Whether a type that this program has no kind
    /// for is registered, the database knows.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        let mut fields = Vec::new();
        if json_bytes(&self.payload) > PAYLOAD_MAX_BYTES {
            fields.push(FieldProblem::new("payload", "must not be over 1MB as JSON"));
        } else if let Some(kind) = TaskKind::by_name(&self.task_type) {
            fields.extend(kind.check(&self.payload).err().unwrap_or_default());
        }
        if has_nul(&self.payload) {
            fields.push(FieldProblem::new("payload", "must not contain a NUL character"));
        }
        fields.extend(self.metadata.as_ref().map(check_metadata).unwrap_or_default());
        fields.extend(self.scheduled_at.and_then(|at| check_schedule(at, now)));
        fields.extend(self.retry_strategy.as_ref().and_then(|strategy| strategy.check().err()));
        fields.extend(self.unique_key.as_deref().and_then(check_unique_key));
        if self.unique_for_seconds.is_some() && self.unique_key.is_none() {
            fields.push(FieldProblem::new("unique_for_seconds", "needs a unique_key"));
        }
        if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
    }
}

fn check_unique_key(key: &str) -> Option<FieldProblem> {
    let fits = (1..=UNIQUE_KEY_MAX).contains(&key.chars().count()) && !key.contains('\0');
    (!fits).then(|| FieldProblem::new("unique_key", "has 1 to 200 characters"))
}

fn json_bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// Whether a text in it holds a NUL, which PostgreSQL cannot store.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn check_metadata(metadata: &BTreeMap<String, Value>) -> Vec<FieldProblem> {
    let mut fields = Vec::new();
    let total: usize = metadata.iter().map(|(key, value)| key.len() + json_bytes(value)).sum();
    if total > METADATA_MAX_BYTES {
        fields.push(FieldProblem::new("metadata", "must not be over 64KB as JSON"));
    }
    let good_key = |key: &str| {
        (1..=METADATA_KEY_MAX).contains(&key.len())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !metadata.keys().all(|key| good_key(key)) {
        fields.push(FieldProblem::new("metadata", "keys have 1 to 128 letters, digits, _ or -"));
    }
    if metadata.values().any(|value| json_bytes(value) > METADATA_VALUE_MAX_BYTES) {
        fields.push(FieldProblem::new("metadata", "a value must not be over 4KB as JSON"));
    }
    if metadata.values().any(has_nul) {
        fields.push(FieldProblem::new("metadata", "must not contain a NUL character"));
    }
    fields
}

fn check_schedule(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<FieldProblem> {
    if at > now + Duration::days(SCHEDULE_AHEAD_DAYS) {
        return Some(FieldProblem::new("scheduled_at", "must not be more than 365 days ahead"));
    }
    if at < now - Duration::hours(1) {
        return Some(FieldProblem::new("scheduled_at", "must not be more than 1 hour in the past"));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delay() -> NewTask {
        NewTask { task_type: "delay_task".into(), payload: json!({"delay_seconds": 1}), ..Default::default() }
    }

    fn refused(new: &NewTask) -> Vec<String> {
        let problem = new.check(Utc::now()).unwrap_err();
        problem.fields().into_iter().map(|field| field.field).collect()
    }

    #[test]
    fn a_good_task_passes() {
        assert_eq!(delay().check(Utc::now()), Ok(()));
    }

    #[test]
    fn a_unique_key_has_a_length_and_a_time_needs_a_key() {
        let key = |key: &str| NewTask { unique_key: Some(key.into()), ..delay() };
        assert_eq!(key("invoice 7").check(Utc::now()), Ok(()));
        assert_eq!(refused(&key("")), ["unique_key"]);
        assert_eq!(refused(&key(&"x".repeat(201))), ["unique_key"]);
        assert_eq!(refused(&NewTask { unique_for_seconds: Some(60), ..delay() }), ["unique_for_seconds"]);
    }

    #[test]
    fn limits_of_payload_metadata_and_schedule_hold() {
        let big =
            NewTask { payload: json!({"delay_seconds": 1, "test_scenario": "x".repeat(PAYLOAD_MAX_BYTES)}), ..delay() };
        assert_eq!(refused(&big), ["payload"]);
        let nul = NewTask { payload: json!({"delay_seconds": 1, "test_scenario": "a\0b"}), ..delay() };
        assert_eq!(refused(&nul), ["payload"]);
        let key = NewTask { metadata: Some(BTreeMap::from([("a b".into(), json!(1))])), ..delay() };
        assert_eq!(refused(&key), ["metadata"]);
        let value = NewTask { metadata: Some(BTreeMap::from([("a".into(), json!("x".repeat(4097)))])), ..delay() };
        assert_eq!(refused(&value), ["metadata"]);
        let late = NewTask { scheduled_at: Some(Utc::now() + Duration::days(366)), ..delay() };
        assert_eq!(refused(&late), ["scheduled_at"]);
        let past = NewTask { scheduled_at: Some(Utc::now() - Duration::minutes(61)), ..delay() };
        assert_eq!(refused(&past), ["scheduled_at"]);
    }
}
