//! `email`: a letter that somebody writes.

use serde::{Deserialize, Serialize};

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};
use crate::users::check_email;

/// Most characters of a subject.
const SUBJECT_MAX: usize = 200;
/// Most characters of a text, and of the same as HTML.
const BODY_MAX: usize = 50_000;

/// Payload of [`TaskKind::Email`](crate::tasks::TaskKind::Email).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// One address.
    pub to: String,
    pub subject: String,
    /// The text.
    pub body: String,
    /// The same as HTML; made of the text when absent. Scripts, styles and pictures are taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

impl Email {
    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let length = |text: &str, most: usize| {
            let fits = (1..=most).contains(&text.chars().count()) && !text.trim().is_empty();
            if fits { Ok(()) } else { Err(format!("must have 1 to {most} characters")) }
        };
        // A line break in it would begin a header of its own.
        let subject = match self.subject.chars().any(char::is_control) {
            true => Err("must be one line".to_owned()),
            false => length(&self.subject, SUBJECT_MAX),
        };
        let checked = [
            ("to", check_email(&self.to)),
            ("subject", subject),
            ("body", length(&self.body, BODY_MAX)),
            ("html", self.html.as_deref().map_or(Ok(()), |html| length(html, BODY_MAX))),
        ];
        let refused = checked
            .into_iter()
            .filter_map(|(field, checked)| Some(FieldProblem::new(format!("payload.{field}"), checked.err()?)));
        let fields: Vec<_> = refused.collect();
        if fields.is_empty() { Ok(()) } else { Err(fields) }
    }
}

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
    FormField {
        name: "to",
        path: "payload.to",
        label: "To",
        help: "One email address.",
        control: Control::Text("email"),
        required: true,
        limit: None,
        initial: "",
    },
    FormField {
        name: "subject",
        path: "payload.subject",
        label: "Subject",
        help: "One line.",
        control: Control::Text("text"),
        required: true,
        limit: Some(SUBJECT_MAX),
        initial: "",
    },
    FormField {
        name: "body",
        path: "payload.body",
        label: "Text",
        help: "A line at the end says that you have written it.",
        control: Control::Lines,
        required: true,
        limit: Some(BODY_MAX),
        initial: "",
    },
    FormField {
        name: "html",
        path: "payload.html",
        label: "The same as HTML",
        help: "Optional. Made of the text when empty; scripts, styles and pictures are taken out.",
        control: Control::Lines,
        required: false,
        limit: Some(BODY_MAX),
        initial: "",
    },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tasks::TaskKind;

    #[test]
    fn neither_an_address_nor_a_subject_brings_a_header_of_its_own() {
        let refused = |to: &str, subject: &str| {
            let checked =
                TaskKind::Email.check(&json!({"to": to, "subject": subject, "body": "x", "html": "<p>x</p>"}));
            checked.err().unwrap_or_default().into_iter().map(|field| field.field).collect::<Vec<_>>()
        };
        assert!(refused("ada@example.com", "Hello, Ada").is_empty());
        for to in [
            "ada@example.com\r\nBcc: bob@example.com",
            "ada@example.com\nX: y",
            "ada@example.com,bob@example.com",
            "Ada <ada@example.com>",
            "ada@example.com bob@example.com",
            "ada@example.com\0",
            "ada",
            "@example.com",
            "",
        ] {
            assert_eq!(refused(to, "x"), ["payload.to"], "{to:?}");
        }
        for subject in ["a\r\nBcc: bob@example.com", "a\nb", "a\rb", "a\0b", "", "  ", &"x".repeat(201)] {
            assert_eq!(refused("ada@example.com", subject), ["payload.subject"], "{subject:?}");
        }
    }
}
