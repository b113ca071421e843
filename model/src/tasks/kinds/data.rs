//! `data_processing`: figures of numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};

/// The most numbers that one task takes as a list.
const NUMBERS_MAX: usize = 100_000;

/// Payload of [`TaskKind::DataProcessing`](crate::tasks::TaskKind::DataProcessing).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataProcessing {
    pub operation: Operation,
    /// The numbers themselves; absent where they come as CSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Numbers>,
    /// CSV whose first line names the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<String>,
    /// The column of the numbers; not needed to count rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The figures of each value of this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
}

impl DataProcessing {
    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let refuse = |field: &str, message: &str| Err(vec![FieldProblem::new(format!("payload.{field}"), message)]);
        match (&self.data, &self.csv) {
            (None, None) => refuse("data", "give numbers, or CSV"),
            (Some(_), Some(_)) => refuse("csv", "give numbers or CSV, not both"),
            (Some(_), None) if self.column.is_some() => refuse("column", "is of CSV only"),
            (Some(_), None) if self.group_by.is_some() => refuse("group_by", "is of CSV only"),
            (Some(data), None) => self.check_numbers(data.values().count()),
            (None, Some(_)) if self.column.is_none() && self.operation != Operation::Count => {
                refuse("column", "names the column of the numbers")
            }
            (None, Some(_)) => Ok(()),
        }
    }

    fn check_numbers(&self, count: usize) -> Result<(), Vec<FieldProblem>> {
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

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
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
        limit: None,
        initial: "process",
    },
    FormField {
        name: "data",
        path: "payload.data",
        label: "Numbers",
        help: "Divided by commas, blanks or new lines; at most 100000.",
        control: Control::Numbers,
        required: false,
        limit: None,
        initial: "",
    },
    FormField {
        name: "csv",
        path: "payload.csv",
        label: "CSV",
        help: "In the place of numbers: the first line names the columns.",
        control: Control::Lines,
        required: false,
        limit: None,
        initial: "",
    },
    FormField {
        name: "column",
        path: "payload.column",
        label: "Column",
        help: "Which column of the CSV holds the numbers; not needed to count.",
        control: Control::Text("text"),
        required: false,
        limit: None,
        initial: "",
    },
    FormField {
        name: "group_by",
        path: "payload.group_by",
        label: "Group by",
        help: "Optional. Figures for each of its values.",
        control: Control::Text("text"),
        required: false,
        limit: None,
        initial: "",
    },
];
