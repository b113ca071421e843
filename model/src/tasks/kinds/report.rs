//! `report_generation`: what was in a period, as a file.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};

/// Most days of a period, the last one included.
const DAYS_MAX: i64 = 366;

/// Payload of [`TaskKind::ReportGeneration`](crate::tasks::TaskKind::ReportGeneration).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportGeneration {
    pub report_type: ReportType,
    /// The first day, in UTC: `2026-11-01`, or a time of that day.
    pub start_date: String,
    /// The last day, included.
    pub end_date: String,
    #[serde(default)]
    pub format: ReportFormat,
}

/// What the report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportType {
    /// Tasks that were queued: own ones, or everybody's for moderators.
    Tasks,
    /// Accounts that were made; for moderators.
    Users,
    /// What the queue did in each hour; for moderators.
    Monitoring,
}

/// The form of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    #[default]
    Csv,
    Html,
    Xlsx,
}

impl ReportType {
    /// The word on the wire and in the file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Users => "users",
            Self::Monitoring => "monitoring",
        }
    }
}

impl ReportFormat {
    /// The word on the wire, which is also the end of the file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Xlsx => "xlsx",
        }
    }
}

impl ReportGeneration {
    /// The first and the last day; none when one of them is none.
    pub fn period(&self) -> Option<(NaiveDate, NaiveDate)> {
        Some((day(&self.start_date)?, day(&self.end_date)?))
    }

    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let is_day = |field: &str, text: &str| {
            day(text)
                .is_none()
                .then(|| FieldProblem::new(format!("payload.{field}"), "must be a day such as 2026-11-01"))
        };
        let mut fields: Vec<_> = [is_day("start_date", &self.start_date), is_day("end_date", &self.end_date)]
            .into_iter()
            .flatten()
            .collect();
        if let Some((first, last)) = self.period() {
            let days = (last - first).num_days() + 1;
            if !(1..=DAYS_MAX).contains(&days) {
                fields.push(FieldProblem::new("payload.end_date", "must not be before the start, nor a year after it"));
            }
        }
        if fields.is_empty() { Ok(()) } else { Err(fields) }
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    let rest = text.get(10..)?;
    let is_whole = rest.is_empty() || rest.starts_with('T');
    NaiveDate::parse_from_str(&text[..10], "%Y-%m-%d").ok().filter(|_| is_whole)
}

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
    FormField {
        name: "report_type",
        path: "payload.report_type",
        label: "About",
        help: "Users and the queue are for moderators.",
        control: Control::Choice(&[
            ("tasks", "Tasks that were queued"),
            ("users", "Accounts that were made"),
            ("monitoring", "What the queue did, by hour"),
        ]),
        required: true,
        limit: None,
        initial: "tasks",
    },
    FormField {
        name: "start_date",
        path: "payload.start_date",
        label: "First day (UTC)",
        help: "The report begins with it.",
        control: Control::Text("date"),
        required: true,
        limit: None,
        initial: "",
    },
    FormField {
        name: "end_date",
        path: "payload.end_date",
        label: "Last day",
        help: "Included; at most a year.",
        control: Control::Text("date"),
        required: true,
        limit: None,
        initial: "",
    },
    FormField {
        name: "format",
        path: "payload.format",
        label: "File",
        help: "What the report is saved as.",
        control: Control::Choice(&[("csv", "CSV"), ("html", "HTML"), ("xlsx", "Excel (XLSX)")]),
        required: true,
        limit: None,
        initial: "csv",
    },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tasks::TaskKind;

    #[test]
    fn a_period_has_two_days_in_order_and_is_a_year_at_most() {
        let refused = |start: &str, end: &str| {
            let payload = json!({"report_type": "tasks", "start_date": start, "end_date": end});
            let checked = TaskKind::ReportGeneration.check(&payload);
            checked.err().unwrap_or_default().into_iter().map(|field| field.field).collect::<Vec<_>>()
        };
        for (start, end) in [
            ("2026-01-01", "2026-01-01"),
            ("2026-01-01T10:00:00Z", "2026-02-01T00:00:00Z"),
            ("2024-01-01", "2024-12-31"),
        ] {
            assert!(refused(start, end).is_empty(), "{start} {end}");
        }
        assert_eq!(refused("2026-01-02", "2026-01-01"), ["payload.end_date"]);
        assert_eq!(refused("2026-01-01", "2027-01-03"), ["payload.end_date"]);
        assert_eq!(refused("yesterday", "2026-13-01"), ["payload.start_date", "payload.end_date"]);
        assert_eq!(refused("2026-01-01x", "ä2026-01-01"), ["payload.start_date", "payload.end_date"]);
        let pdf =
            json!({"report_type": "tasks", "start_date": "2026-01-01", "end_date": "2026-01-01", "format": "pdf"});
        assert!(TaskKind::ReportGeneration.check(&pdf).is_err());
    }
}
