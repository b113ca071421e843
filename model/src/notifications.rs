//! What somebody is told in the program.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rbac::{Action, NOBODY, Rule, USER};

/// The row of notifications in the permission table. They are their owner's, in person.
pub const RULES: &[Rule] = &[Rule::thing(Action::ReadNotifications, USER, NOBODY)];

/// A sentence for one person, and the page that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notification {
    pub id: Uuid,
    pub text: String,
    /// A path of this program.
    pub href: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}
