//! Which tasks a list shows and a bulk action is for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Priority, TaskStatus};
use crate::{FieldProblem, Problem};

/// Most characters of a text that is looked for.
pub const TEXT_MAX: usize = 200;

/// Which tasks: all that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams, utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct TaskFilter {
    #[cfg_attr(feature = "openapi", param(max_length = 200), schema(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    #[cfg_attr(feature = "openapi", param(inline), schema(inline))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    #[cfg_attr(feature = "openapi", param(inline), schema(inline))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The username of whoever queued it; of use to those who see the tasks of others.
    #[cfg_attr(feature = "openapi", param(max_length = 200), schema(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Created at this time or later.
    #[cfg_attr(feature = "openapi", param(min_length = 20), schema(min_length = 20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Created before this time.
    #[cfg_attr(feature = "openapi", param(min_length = 20), schema(min_length = 20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// A text in the payload or in an error, 200 characters at most; upper and lower case are one. A list looks through 5000 tasks at a time.
    #[cfg_attr(feature = "openapi", param(max_length = 200), schema(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The group of the dead letter: the last error with `#` for each number and id.
    #[cfg_attr(feature = "openapi", param(max_length = 200), schema(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl TaskFilter {
    /// Checks the limits of texts. PostgreSQL stores no NUL, so nothing can be found by one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut fields = Vec::new();
        let texts =
            [("task_type", &self.task_type), ("owner", &self.owner), ("text", &self.text), ("error", &self.error)];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            if text.chars().count() > TEXT_MAX {
                fields.push(FieldProblem::new(name, format!("has {TEXT_MAX} characters at most")));
            }
            if text.contains('\0') {
                fields.push(FieldProblem::new(name, "must not contain a NUL character"));
            }
        }
        if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
    }
}
