//! The typed form of each kind, described once: pages draw it, the server reads it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::kinds::DELAY_MAX_SECONDS;
use super::{NewTask, Priority, TaskKind};
use crate::fields::moment;
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
    /// Most characters of a text.
    pub limit: Option<usize>,
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
    /// One line; the word is the `type` of the input.
    Text(&'static str),
    /// Several lines of text.
    Lines,
    /// Yes or no.
    Flag,
    /// JSON in a text area.
    Json,
    /// A text area with a `name: value` in each line.
    Headers,
}

/// The inputs of [`TaskKind::DelayTask`].
pub(super) const DELAY: &[FormField] = &[
    FormField {
        name: "delay_seconds",
        path: "payload.delay_seconds",
        label: "Seconds to wait",
        help: "0 to 86400; parts of a second are fine.",
        control: Control::Number { min: 0.0, max: DELAY_MAX_SECONDS },
        required: true,
        limit: None,
        initial: "5",
    },
    FormField {
        name: "deadline",
        path: "payload.deadline",
        label: "Deadline (UTC)",
        help: "Optional. The task is given up when the wait would end later than this.",
        control: Control::Moment,
        required: false,
        limit: None,
        initial: "",
    },
];

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
                // A whole number is one for types that have no parts.
                Ok(number) if (min..=max).contains(&number) && number.fract() == 0.0 => Ok(Some(json!(number as i64))),
                Ok(number) if (min..=max).contains(&number) => Ok(Some(json!(number))),
                _ => Err(format!("must be a number from {min} to {max}")),
            },
            Self::Numbers => read_numbers(text).map(|numbers| Some(json!(numbers))),
            Self::Choice(choices) => match choices.iter().find(|(value, _)| *value == text) {
                Some((value, _)) => Ok(Some(json!(value))),
                None => Err("choose one of the list".into()),
            },
            Self::Moment => Ok(read_moment(text)?.map(|moment| json!(moment))),
            Self::Text(_) | Self::Lines => Ok(Some(json!(text))),
            Self::Flag => Ok(Some(json!(text == "true"))),
            Self::Json => serde_json::from_str(text).map(Some).map_err(|error| format!("is no JSON: {error}")),
            Self::Headers => read_headers(text).map(Some),
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

fn read_headers(text: &str) -> Result<Value, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(place, line)| match line.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), json!(value.trim()))),
        None => Err(format!("line {} has no colon", place + 1)),
    });
    Ok(Value::Object(read.collect::<Result<_, _>>()?))
}

/// A date and a time as `datetime-local` sends them, in UTC; none for an empty text.
///
/// # Errors
/// In words, for anything else.
pub fn read_moment(text: &str) -> Result<Option<DateTime<Utc>>, String> {
    if text.is_empty() { Ok(None) } else { Ok(Some(moment(text)?)) }
}

#[cfg(test)]
mod tests {
    use serde::de::value::Error as Named;
    use serde::de::{self, Deserializer, Visitor};
    use serde::forward_to_deserialize_any;

    use super::*;
    use crate::tasks::{DataProcessing, DelayTask, Email, FileCleanup, Notify, ReportGeneration, Webhook};

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
    fn json_is_read_as_it_is_and_headers_line_by_line() {
        let typed = [
            ("url", "https://example.com"),
            ("method", "POST"),
            ("payload", "{\"a\": [1]}"),
            ("headers", "X-A: b: c\n\nX-D:e"),
        ];
        let new = form("webhook", &typed).read().unwrap();
        assert_eq!(
            (&new.payload["payload"], &new.payload["headers"]),
            (&json!({"a": [1]}), &json!({"X-A": "b: c", "X-D": "e"}))
        );
        let odd = [("url", "https://example.com"), ("method", "POST"), ("payload", "{"), ("headers", "X-A")];
        let refused = form("webhook", &odd).read().unwrap_err().fields();
        assert_eq!(
            refused.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(),
            ["payload.payload", "payload.headers"]
        );
    }

    #[test]
    fn each_unreadable_field_is_named_as_the_form_names_it() {
        let problem = form("data_processing", &[("operation", "guess"), ("data", "1, two")]).read().unwrap_err();
        let named: Vec<_> = problem.fields().into_iter().map(|field| field.field).collect();
        assert_eq!(named, ["payload.operation", "payload.data"]);
    }

    /// Notes which fields a type asks for, and gives it none.
    struct Asked<'a>(&'a mut Vec<&'static str>);

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = Named;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Named> {
            Err(de::Error::custom("a payload is a struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Named> {
            self.0.extend(fields);
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
            tuple_struct map enum identifier ignored_any
        }
    }

    fn asked<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
        let mut fields = Vec::new();
        assert!(T::deserialize(Asked(&mut fields)).is_err());
        fields
    }

    #[test]
    fn every_form_has_an_input_for_each_field_of_its_payload() {
        for kind in TaskKind::ALL {
            let mut fields = match kind {
                TaskKind::DelayTask => asked::<DelayTask>(),
                TaskKind::DataProcessing => asked::<DataProcessing>(),
                TaskKind::Email => asked::<Email>(),
                TaskKind::FileCleanup => asked::<FileCleanup>(),
                TaskKind::Notification => asked::<Notify>(),
                TaskKind::ReportGeneration => asked::<ReportGeneration>(),
                TaskKind::Webhook => asked::<Webhook>(),
            };
            // For the records of programs, and another name of a field.
            fields.retain(|field| !["task_id", "test_scenario", "directory"].contains(field));
            let inputs: Vec<_> = kind.fields().iter().map(|field| field.name).collect();
            assert_eq!(inputs, fields, "{kind:?}");
            for field in kind.fields() {
                assert_eq!(field.path, format!("payload.{}", field.name));
                assert!(!field.help.is_empty(), "{kind:?}: {}", field.name);
            }
        }
    }

    #[test]
    fn what_every_form_reads_with_its_initial_values_passes_its_own_check() {
        let filled = |field: &FormField| match field.control {
            Control::Numbers => (field.name.to_string(), "1 2 3".to_string()),
            Control::Text("email") => (field.name.to_string(), "ada@example.com".to_string()),
            Control::Text("text") | Control::Lines if field.initial.is_empty() && field.required => {
                (field.name.to_string(), "Hello".to_string())
            }
            Control::Text("date") => (field.name.to_string(), "2026-11-25".to_string()),
            Control::Text("url") => (field.name.to_string(), "https://example.com/hook".to_string()),
            _ => (field.name.to_string(), field.initial.to_string()),
        };
        for kind in TaskKind::ALL {
            let payload = kind.fields().iter().map(filled).collect();
            let new = NewTaskForm { task_type: kind.name().into(), payload, ..Default::default() }.read().unwrap();
            assert_eq!(kind.check(&new.payload), Ok(()), "{kind:?}");
        }
    }
}
