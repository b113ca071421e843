//! The kinds of task, their payloads, and what each payload must keep to.

mod cleanup;
mod data;
mod email;
mod notification;
mod report;
mod webhook;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::FormField;
use crate::FieldProblem;
use crate::rbac::{Action, Relation, allowed};
use crate::users::Role;

pub use cleanup::FileCleanup;
pub use data::{DataProcessing, Numbers, Operation};
pub use email::Email;
pub use notification::Notify;
pub use report::{ReportFormat, ReportGeneration, ReportType};
pub use webhook::{Method, Webhook};

/// A kind of task that this program can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    DelayTask,
    DataProcessing,
    Email,
    FileCleanup,
    Notification,
    ReportGeneration,
    Webhook,
}

impl TaskKind {
    /// All kinds, by name.
    pub const ALL: [Self; 7] = [
        Self::DataProcessing,
        Self::DelayTask,
        Self::Email,
        Self::FileCleanup,
        Self::Notification,
        Self::ReportGeneration,
        Self::Webhook,
    ];

    /// The name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DelayTask => "delay_task",
            Self::DataProcessing => "data_processing",
            Self::Email => "email",
            Self::FileCleanup => "file_cleanup",
            Self::Notification => "notification",
            Self::ReportGeneration => "report_generation",
            Self::Webhook => "webhook",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::DelayTask => "Delay",
            Self::DataProcessing => "Data processing",
            Self::Email => "Email",
            Self::FileCleanup => "File cleanup",
            Self::Notification => "Notification",
            Self::ReportGeneration => "Report",
            Self::Webhook => "Webhook",
        }
    }

    /// What it does, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::DelayTask => {
                "Waits for a number of seconds; can be cancelled, and fails when its deadline passes first."
            }
            Self::DataProcessing => {
                "Computes count, sum, mean, extremes or percentiles of numbers, or of a column of CSV by group, and keeps the result."
            }
            Self::Email => {
                "Sends a letter to one address, as text and as HTML, and tries again while the mail server is away."
            }
            Self::FileCleanup => {
                "Deletes old files below the folder that the settings name, by age and name, or only counts them."
            }
            Self::Notification => "Tells you something in the program: with a start time, a reminder.",
            Self::ReportGeneration => "Writes what was in a period as CSV, HTML or Excel: a file for you to fetch.",
            Self::Webhook => {
                "Sends a signed request with JSON to a server elsewhere, tries again while that is down, and keeps the answer."
            }
        }
    }

    /// The kind of this name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What somebody must be allowed to who queues one, besides queueing tasks at all.
    pub fn needs(self) -> Option<Action> {
        (self == Self::FileCleanup).then_some(Action::CleanFiles)
    }

    /// The kinds that somebody of this role may queue.
    pub fn open_to(role: Role) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |kind| kind.needs().is_none_or(|action| allowed(role, action, Relation::Own)))
    }

    /// The inputs of this kind's form, in order.
    pub fn fields(self) -> &'static [FormField] {
        match self {
            Self::DelayTask => super::form::DELAY,
            Self::DataProcessing => data::FIELDS,
            Self::Email => email::FIELDS,
            Self::FileCleanup => cleanup::FIELDS,
            Self::Notification => notification::FIELDS,
            Self::ReportGeneration => report::FIELDS,
            Self::Webhook => webhook::FIELDS,
        }
    }

    /// Whether the payload is one that the kind can run; the fields that are wrong otherwise.
    pub fn check(self, payload: &Value) -> Result<(), Vec<FieldProblem>> {
        match self {
            Self::DelayTask => read::<DelayTask>(payload, "delay_seconds: number, deadline?: time")?.check(),
            Self::DataProcessing => {
                let shape = "operation: word, data: numbers, or csv: text, column?: text, group_by?: text";
                read::<DataProcessing>(payload, shape)?.check()
            }
            Self::Email => read::<Email>(payload, "to: address, subject: text, body: text, html?: text")?.check(),
            Self::FileCleanup => {
                let shape = "file_path: text, max_age_hours?: whole number, pattern?: text, dry_run?: true or false";
                read::<FileCleanup>(payload, shape)?.check()
            }
            Self::Notification => read::<Notify>(payload, "text: text, href?: path")?.check(),
            Self::ReportGeneration => {
                let shape = "report_type: word, start_date: day, end_date: day, format?: csv, html or xlsx";
                read::<ReportGeneration>(payload, shape)?.check()
            }
            Self::Webhook => {
                read::<Webhook>(payload, "url: text, method?: word, payload?: JSON, headers?: texts")?.check()
            }
        }
    }
}

fn read<T: DeserializeOwned>(payload: &Value, shape: &str) -> Result<T, Vec<FieldProblem>> {
    T::deserialize(payload).map_err(|_| vec![FieldProblem::new("payload", format!("must be an object of {shape}"))])
}

/// The longest wait of a delay task, in seconds: a day.
pub(super) const DELAY_MAX_SECONDS: f64 = 86_400.0;

/// Payload of [`TaskKind::DelayTask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayTask {
    pub delay_seconds: f64,
    /// A name that the caller gives it, for its own records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The scenario that a test runs it for, for the caller's own records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_scenario: Option<String>,
    /// The wait must end before this moment, or the task is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
}

impl DelayTask {
    fn check(&self) -> Result<(), Vec<FieldProblem>> {
        if (0.0..=DELAY_MAX_SECONDS).contains(&self.delay_seconds) {
            return Ok(());
        }
        Err(vec![FieldProblem::new("payload.delay_seconds", "must be 0 to 86400 seconds")])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in TaskKind::ALL {
            assert_eq!(TaskKind::by_name(kind.name()), Some(kind));
        }
    }

    #[test]
    fn a_payload_of_another_shape_is_refused_at_its_field() {
        let field = |kind: TaskKind, payload| kind.check(&payload).unwrap_err()[0].field.clone();
        assert_eq!(field(TaskKind::DelayTask, json!({"delay_seconds": -1})), "payload.delay_seconds");
        assert_eq!(field(TaskKind::DelayTask, json!({"delay_seconds": "long"})), "payload");
        assert_eq!(field(TaskKind::DataProcessing, json!({"operation": "mean", "data": []})), "payload.data");
        assert_eq!(field(TaskKind::DataProcessing, json!({"operation": "guess", "data": [1]})), "payload");
    }

    #[test]
    fn numbers_are_given_as_a_list_or_as_csv_and_never_both() {
        let field = |payload| TaskKind::DataProcessing.check(&payload).err().map(|fields| fields[0].field.clone());
        assert_eq!(field(json!({"operation": "sum", "csv": "a,b\n1,2", "column": "b", "group_by": "a"})), None);
        assert_eq!(field(json!({"operation": "count", "csv": "a\n1"})), None);
        assert_eq!(field(json!({"operation": "sum", "csv": "a\n1"})).as_deref(), Some("payload.column"));
        assert_eq!(
            field(json!({"operation": "sum", "csv": "a\n1", "column": "a", "data": [1]})).as_deref(),
            Some("payload.csv")
        );
        assert_eq!(
            field(json!({"operation": "sum", "data": [1], "group_by": "a"})).as_deref(),
            Some("payload.group_by")
        );
        assert_eq!(field(json!({"operation": "sum"})).as_deref(), Some("payload.data"));
    }

    #[test]
    fn numbers_may_have_names() {
        let payload = json!({"operation": "sum", "data": {"a": 1, "b": 2.5}});
        assert_eq!(TaskKind::DataProcessing.check(&payload), Ok(()));
    }
}
