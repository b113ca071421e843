//! `notification`: something to be told in the program.

use serde::{Deserialize, Serialize};

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};

/// Most characters of what is told, and of a path.
const TEXT_MAX: usize = 500;

/// Payload of [`TaskKind::Notification`](crate::tasks::TaskKind::Notification). It is for whoever queues it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    pub text: String,
    /// The page of this program that it leads to; that of the task when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl Notify {
    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut fields = Vec::new();
        let fits = |text: &str| (1..=TEXT_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if self.text.trim().is_empty() || !fits(&self.text) {
            fields.push(FieldProblem::new("payload.text", "must have 1 to 500 characters in one line"));
        }
        // Two slashes, or a backslash, begin an address of somebody else.
        let is_own =
            |path: &String| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && fits(path);
        if !self.href.as_ref().is_none_or(is_own) {
            fields.push(FieldProblem::new("payload.href", "must be a path of this program, such as /notes"));
        }
        if fields.is_empty() { Ok(()) } else { Err(fields) }
    }
}

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
    FormField {
        name: "text",
        path: "payload.text",
        label: "Text",
        help: "You are told it in the program.",
        control: Control::Text("text"),
        required: true,
        limit: Some(TEXT_MAX),
        initial: "",
    },
    FormField {
        name: "href",
        path: "payload.href",
        label: "Page",
        help: "Optional. The page that it leads to, such as /notes.",
        control: Control::Text("text"),
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
    fn it_leads_to_a_page_of_this_program_only() {
        let refused = |href: &str| TaskKind::Notification.check(&json!({"text": "x", "href": href})).is_err();
        assert!(!refused("/notes?a=1"));
        for bad in ["https://example.com", "//example.com", "/\\example.com", "javascript:x()", "notes", ""] {
            assert!(refused(bad), "{bad}");
        }
        assert!(TaskKind::Notification.check(&json!({"text": " "})).is_err());
    }
}
