//! `file_cleanup`: old files below the folder that the settings name.

use serde::{Deserialize, Serialize};

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};

/// Most characters of a path and of a pattern.
const PATH_MAX: usize = 1000;
/// The oldest that can be asked for: a hundred years, in hours.
const HOURS_MAX: u32 = 100 * 366 * 24;
/// When nothing is said: a week.
const HOURS_DEFAULT: u32 = 7 * 24;

/// Payload of [`TaskKind::FileCleanup`](crate::tasks::TaskKind::FileCleanup).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCleanup {
    /// A folder, with all below it, or one file: relative to the root of the settings. `.` is the root.
    #[serde(alias = "directory")]
    pub file_path: String,
    /// Only files that were last changed longer ago.
    #[serde(default = "week")]
    pub max_age_hours: u32,
    /// Only files of such a name: `*` is any text, `?` any letter, `[a-z]` one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Counts, and deletes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

fn week() -> u32 {
    HOURS_DEFAULT
}

impl FileCleanup {
    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut fields = Vec::new();
        let mut refuse =
            |field: &str, message: &str| fields.push(FieldProblem::new(format!("payload.{field}"), message));
        if let Err(message) = check_path(&self.file_path) {
            refuse("file_path", message);
        }
        if self.max_age_hours > HOURS_MAX {
            refuse("max_age_hours", "must be at most a hundred years");
        }
        let is_odd = |pattern: &String| {
            pattern.chars().count() > PATH_MAX || pattern.chars().any(|c| c == '/' || c.is_control())
        };
        if self.pattern.as_ref().is_some_and(is_odd) {
            refuse("pattern", "is of a file's name, without / and with at most 1000 characters");
        }
        if fields.is_empty() { Ok(()) } else { Err(fields) }
    }
}

/// The server does not rely on it: it opens what is below the root, whatever the text says.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.chars().count() > PATH_MAX || path.chars().any(|c| c.is_control() || c == '\\') {
        return Err("must have 1 to 1000 characters, without \\");
    }
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err("must lead downwards from the root: neither / at its start nor ..");
    }
    Ok(())
}

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
    FormField {
        name: "file_path",
        path: "payload.file_path",
        label: "Folder or file",
        help: "Below the folder that the settings name, which is itself a dot.",
        control: Control::Text("text"),
        required: true,
        limit: Some(PATH_MAX),
        initial: ".",
    },
    FormField {
        name: "max_age_hours",
        path: "payload.max_age_hours",
        label: "Older than (hours)",
        help: "Only files that were last changed longer ago.",
        control: Control::Number { min: 0.0, max: HOURS_MAX as f64 },
        required: true,
        limit: None,
        initial: "168",
    },
    FormField {
        name: "pattern",
        path: "payload.pattern",
        label: "Names",
        help: "Optional, such as *.log.",
        control: Control::Text("text"),
        required: false,
        limit: Some(PATH_MAX),
        initial: "",
    },
    FormField {
        name: "dry_run",
        path: "payload.dry_run",
        label: "Only count, delete nothing",
        help: "The result says how many files and bytes it would have been.",
        control: Control::Flag,
        required: false,
        limit: None,
        initial: "",
    },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tasks::TaskKind;

    #[test]
    fn a_path_leads_downwards_only() {
        let refused = |path: &str| TaskKind::FileCleanup.check(&json!({"file_path": path})).is_err();
        for good in [".", "logs", "logs/old", "logs/..old", "a b/ü", "..."] {
            assert!(!refused(good), "{good}");
        }
        for bad in ["", "/", "/etc", "..", "../x", "a/../../b", "a/..", "a\0b", "a\\b", "a\nb"] {
            assert!(refused(bad), "{bad:?}");
        }
        assert!(TaskKind::FileCleanup.check(&json!({"directory": "logs", "pattern": "../*"})).is_err());
        assert!(
            TaskKind::FileCleanup.check(&json!({"directory": "logs", "pattern": "*.log", "dry_run": true})).is_ok()
        );
    }
}
