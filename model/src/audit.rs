//! The audit log as administrators read it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Who did what to whom or what, when, and which rule of the permission table allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Uuid,
    /// The name that the actor has now; none when the account is gone.
    pub actor_name: Option<String>,
    /// The administrator who acted as the actor, and the name that they have now.
    pub impersonator_id: Option<Uuid>,
    pub impersonator_name: Option<String>,
    /// The address that the request came from; none for the command line, and in rows of before addresses were noted.
    pub ip: Option<String>,
    /// A word such as `user.set_role`.
    pub action: String,
    pub subject_kind: String,
    /// Id or name of what it was done to.
    pub subject: String,
    /// The name that a person has now to whom it was done.
    pub subject_name: Option<String>,
    pub details: Value,
    /// Action, relation and role, such as `SetUserRole Below admin`; none in rows of before rules were noted.
    pub rule: Option<String>,
}

/// Which entries a list shows; the newest come first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AuditFilter {
    /// The whole word, or its beginning up to a dot: `user` finds `user.edit`.
    pub action: Option<String>,
    /// Who did it, also as somebody else: id or username, in any case; `command line` as well.
    pub actor: Option<String>,
    /// To whom or what: id or name; for people the username, in any case.
    pub subject: Option<String>,
    /// The first day (UTC).
    pub from: Option<NaiveDate>,
    /// The last day (UTC).
    pub to: Option<NaiveDate>,
}
