//! The kinds of task, their payloads, and what each payload must keep to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FieldProblem;

/// A kind of task that this program can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    DelayTask,
    DataProcessing,
}

impl TaskKind {
    /// All kinds, by name.
    pub const ALL: [Self; 2] = [Self::DataProcessing, Self::DelayTask];

    /// The name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DelayTask => "delay_task",
            Self::DataProcessing => "data_processing",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::DelayTask => "Delay",
            Self::DataProcessing => "Data processing",
        }
    }

    /// What it does, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::DelayTask => {
                "Waits for a number of seconds; can be cancelled, and fails when its deadline passes first."
            }
            Self::DataProcessing => {
                "Computes count, sum, mean, extremes or percentiles of a list of numbers and keeps the result."
            }
        }
    }

    /// The kind of this name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the payload is one that the kind can run; the fields that are wrong otherwise.
    pub fn check(self, payload: &Value) -> Result<(), Vec<FieldProblem>> {
        match self {
            Self::DelayTask => read::<DelayTask>(payload, "delay_seconds: number, deadline?: time")?.check(),
            Self::DataProcessing => read::<DataProcessing>(payload, "operation: word, data: numbers")?.check(),
        }
    }
}

fn read<T: DeserializeOwned>(payload: &Value, shape: &str) -> Result<T, Vec<FieldProblem>> {
    T::deserialize(payload).map_err(|_| vec![FieldProblem::new("payload", format!("must be an object of {shape}"))])
}

/// The longest wait of a delay task, in seconds: a day.
pub(super) const DELAY_MAX_SECONDS: f64 = 86_400.0;
/// The most numbers that one data-processing task takes.
const NUMBERS_MAX: usize = 100_000;

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

/// Payload of [`TaskKind::DataProcessing`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataProcessing {
    pub operation: Operation,
    pub data: Numbers,
}

impl DataProcessing {
    fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let count = self.data.values().count();
        if count > NUMBERS_MAX {
            return Err(vec![FieldProblem::new("payload.data", "must have at most 100000 numbers")]);
        }
        let needs_some = !matches!(self.operation, Operation::Count | Operation::Sum);
        if count == 0 && needs_some {
            return Err(vec![FieldProblem::new("payload.data", "must have at least one number")]);
        }
        Ok(())
    }
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// All of the others.
    Process,
    Count,
    Sum,
    Mean,
    Min,
    Max,
    /// The 50th, 90th, 95th and 99th percentile, by linear interpolation.
    Percentiles,
}

/// Numbers as a list, or each under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    List(Vec<f64>),
    Named(BTreeMap<String, f64>),
}

impl Numbers {
    /// The numbers without their names.
    pub fn values(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::List(list) => Box::new(list.iter().copied()),
            Self::Named(named) => Box::new(named.values().copied()),
        }
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
    fn numbers_may_have_names() {
        let payload = json!({"operation": "sum", "data": {"a": 1, "b": 2.5}});
        assert_eq!(TaskKind::DataProcessing.check(&payload), Ok(()));
    }
}
