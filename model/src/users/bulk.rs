//! One change for many people at once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Role;
use crate::Problem;
use crate::rbac::Action;

/// Most people of one request: each is a transaction, and the request waits for all of them.
pub const MOST: usize = 200;

/// What is done to each of them. Every one of these can be done to one person as well, by the same rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// The document has names without modules, and tasks have bulk actions as well.
#[cfg_attr(feature = "openapi", schema(as = UserBulkAction))]
pub enum BulkAction {
    Enable,
    Disable,
    EndSessions,
    /// Another password has to be chosen before anything else.
    RequirePasswordChange,
    /// Wants `role`, and a password that was given lately.
    SetRole,
    /// So that it can be restored.
    Delete,
    Restore,
}

impl BulkAction {
    pub const ALL: [Self; 7] = [
        Self::Enable,
        Self::Disable,
        Self::EndSessions,
        Self::RequirePasswordChange,
        Self::SetRole,
        Self::Delete,
        Self::Restore,
    ];

    /// The word on the wire and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::EndSessions => "end_sessions",
            Self::RequirePasswordChange => "require_password_change",
            Self::SetRole => "set_role",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }

    /// What the permission table has to allow, for each person.
    pub fn permission(self) -> Action {
        match self {
            Self::Enable | Self::Disable => Action::SetUserStatus,
            Self::EndSessions => Action::EndSessions,
            Self::RequirePasswordChange => Action::ResetPassword,
            Self::SetRole => Action::SetUserRole,
            Self::Delete => Action::DeleteUser,
            Self::Restore => Action::RestoreUser,
        }
    }
}

/// The wish to change many people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkUsers {
    /// 1 to 200; one that stands there twice counts once.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, min_items = 1, max_items = 200))]
    pub ids: Vec<Uuid>,
    pub action: BulkAction,
    /// The new role, for `set_role` only.
    #[serde(default)]
    pub role: Option<Role>,
    /// Goes into the audit log, with each of them.
    #[serde(default)]
    pub reason: Option<String>,
    /// Says what would happen, and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl BulkUsers {
    /// Checks how many there are.
    pub fn check(&self) -> Result<(), Problem> {
        if (1..=MOST).contains(&self.ids.len()) {
            return Ok(());
        }
        Err(Problem::field("ids", format!("must be 1 to {MOST} people")))
    }
}

/// What became of each, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkResult {
    pub dry_run: bool,
    /// How many were changed, or would be.
    pub done: usize,
    /// How many were not; nothing of them has changed.
    pub refused: usize,
    /// In the order of the request.
    pub people: Vec<BulkPerson>,
}

/// One of many people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkPerson {
    pub id: Uuid,
    /// None for somebody whom the caller may not read, or who is not there.
    pub username: Option<String>,
    /// Why they were not changed; none when they were.
    pub refused: Option<BulkRefusal>,
}

/// Why somebody was not changed; the same code and words as where it is done to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkRefusal {
    pub code: String,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_1_to_200_people_and_an_action_has_one_name_everywhere() {
        let of = |count: usize| BulkUsers {
            ids: vec![Uuid::nil(); count],
            action: BulkAction::Enable,
            role: None,
            reason: None,
            dry_run: false,
        };
        assert_eq!((of(1).check(), of(MOST).check()), (Ok(()), Ok(())));
        assert!(of(0).check().is_err() && of(MOST + 1).check().is_err());
        for action in BulkAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
    }
}
