//! The typed form of each kind, described once: pages draw it, the server reads it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::kinds::DELAY_MAX_SECONDS;
use super::{NewTask, Priority, TaskKind};
use crate::{FieldProblem, Problem};

/// One input of a kind's form.
#[derive(Clone, Copy, Debug)]
pub struct FormField {
    /// The payload's key.
    pub name: &'static str,
    /// The name in a refusal: the key below `payload`.
    pub path: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub control: Control,
    pub required: bool,
    /// What stands there at first.
    pub initial: &'static str,
}

/// How an input is drawn, and what its text means.
#[derive(Clone, Copy, Debug)]
pub enum Control {
    Number {
        min: f64,
        max: f64,
    },
    /// Numbers in a text area, divided by commas, blanks or lines.
    Numbers,
    /// Value and words of each choice.
    Choice(&'static [(&'static str, &'static str)]),
    /// A moment, in UTC.
    Moment,
}

impl TaskKind {
    /// The inputs of this kind's form, in order.
    pub fn fields(self) -> &'static [FormField] {
        match self {
            Self::DelayTask => &[
                FormField {
                    name: "delay_seconds",
                    path: "payload.delay_seconds",
                    label: "Seconds to wait",
                    help: "0 to 86400; parts of a second are fine.",
                    control: Control::Number { min: 0.0, max: DELAY_MAX_SECONDS },
                    required: true,
                    initial: "5",
                },
                FormField {
                    name: "deadline",
                    path: "payload.deadline",
                    label: "Deadline (UTC)",
                    help: "Optional. The task is given up when the wait would end later than this.",
                    control: Control::Moment,
                    required: false,
                    initial: "",
                },
            ],
            Self::DataProcessing => &[
                FormField {
                    name: "operation",
                    path: "payload.operation",
                    label: "Operation",
                    help: "What to compute.",
                    control: Control::Choice(&[
                        ("process", "All figures"),
                        ("count", "Count"),
                        ("sum", "Sum"),
                        ("mean", "Mean"),
                        ("min", "Smallest"),
                        ("max", "Largest"),
                        ("percentiles", "Percentiles 50, 90, 95, 99"),
                    ]),
                    required: true,
                    initial: "process",
                },
                FormField {
                    name: "data",
                    path: "payload.data",
                    label: "Numbers",
                    help: "Divided by commas, blanks or new lines; at most 100000.",
                    control: Control::Numbers,
                    required: true,
                    initial: "",
                },
            ],
        }
    }
}

/// The new-task form as a browser sends it: every value is text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewTaskForm {
    pub task_type: String,
    pub priority: String,
    /// `datetime-local` text, UTC; empty means at once.
    pub scheduled_at: String,
    pub payload: BTreeMap<String, String>,
}

impl NewTaskForm {
    /// Reads the texts; the fields that cannot be read are named as the form names them.
    pub fn read(&self) -> Result<NewTask, Problem> {
        let mut fields = Vec::new();
        let mut payload = Map::new();
        let kind =
            TaskKind::by_name(&self.task_type).ok_or_else(|| Problem::field("task_type", "choose a kind of task"))?;
        for field in kind.fields() {
            let text = self.payload.get(field.name).map_or("", |text| text.trim());
            match field.control.read(text, field.required) {
                Ok(Some(value)) => drop(payload.insert(field.name.into(), value)),
                Ok(None) => {}
                Err(message) => fields.push(FieldProblem::new(field.path, message)),
            }
        }
        let priority = Priority::ALL.into_iter().find(|priority| priority.name() == self.priority);
        if priority.is_none() && !self.priority.is_empty() {
            fields.push(FieldProblem::new("priority", "choose one of the list"));
        }
        let scheduled_at = read_moment(self.scheduled_at.trim()).unwrap_or_else(|message| {
            fields.push(FieldProblem::new("scheduled_at", message));
            None
        });
        if !fields.is_empty() {
            return Err(Problem::Invalid { fields });
        }
        let payload = Value::Object(payload);
        Ok(NewTask { task_type: self.task_type.clone(), payload, priority, scheduled_at, ..Default::default() })
    }
}

impl Control {
    fn read(self, text: &str, required: bool) -> Result<Option<Value>, String> {
        if text.is_empty() {
            return if required { Err("is required".into()) } else { Ok(None) };
        }
        match self {
            Self::Number { min, max } => match text.parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(Some(json!(number))),
                _ => Err(format!("must be a number from {min} to {max}")),
            },
            Self::Numbers => read_numbers(text).map(|numbers| Some(json!(numbers))),
            Self::Choice(choices) => match choices.iter().find(|(value, _)| *value == text) {
                Some((value, _)) => Ok(Some(json!(value))),
                None => Err("choose one of the list".into()),
            },
            Self::Moment => Ok(read_moment(text)?.map(|moment| json!(moment))),
        }
    }
}

fn read_numbers(text: &str) -> Result<Vec<f64>, String> {
    let words = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|word| !word.is_empty());
    words
        .enumerate()
        .map(|(place, word)| match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(format!("the entry at place {} is not a number", place + 1)),
        })
        .collect()
}

/// A date and a time as `datetime-local` sends them, in UTC; none for an empty text.
///
/// # Errors
/// In words, for anything else.
pub fn read_moment(text: &str) -> Result<Option<DateTime<Utc>>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed =
        ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    parsed.map(|moment| Some(moment.and_utc())).ok_or_else(|| "must be a date and a time".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, payload: &[(&str, &str)]) -> NewTaskForm {
        let payload = payload.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        NewTaskForm { task_type: kind.into(), payload, ..Default::default() }
    }

    #[test]
    fn numbers_may_be_divided_in_any_usual_way() {
        let new = form("data_processing", &[("operation", "sum"), ("data", "1, 2\n3;4.5")]).read().unwrap();
        assert_eq!(new.payload["data"], json!([1.0, 2.0, 3.0, 4.5]));
    }

    #[test]
    fn each_unreadable_field_is_named_as_the_form_names_it() {
        let problem = form("data_processing", &[("operation", "guess"), ("data", "1, two")]).read().unwrap_err();
        let named: Vec<_> = problem.fields().into_iter().map(|field| field.field).collect();
        assert_eq!(named, ["payload.operation", "payload.data"]);
    }

    #[test]
    fn what_every_form_reads_with_its_initial_values_passes_its_own_check() {
        let filled = |field: &FormField| match field.control {
            Control::Numbers => (field.name.to_string(), "1 2 3".to_string()),
            _ => (field.name.to_string(), field.initial.to_string()),
        };
        for kind in TaskKind::ALL {
            let payload = kind.fields().iter().map(filled).collect();
            let new = NewTaskForm { task_type: kind.name().into(), payload, ..Default::default() }.read().unwrap();
            assert_eq!(kind.check(&new.payload), Ok(()), "{kind:?}");
        }
    }
}
