//! How many users there are, and what they do.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Role;

/// Figures of all accounts. Those that are deleted, and not removed yet, count where that is said only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserStats {
    pub total_users: i64,
    pub active_users: i64,
    pub inactive_users: i64,
    /// Those that can still be restored.
    pub deleted_users: i64,
    pub email_verified: i64,
    pub email_unverified: i64,
    /// Whoever has to choose another password before anything else.
    pub password_change_required: i64,
    pub by_role: ByRole,
    /// The same by role and state, the least powerful first.
    pub roles: Vec<RoleStats>,
    pub recent_registrations: Recent,
    /// People by their last login.
    pub last_logins: Recent,
    pub never_logged_in: i64,
    pub sessions: SessionStats,
    /// The last thirty days in UTC, today at the end.
    pub days: Vec<UserDay>,
    pub last_updated: DateTime<Utc>,
}

/// Users by role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ByRole {
    pub user: i64,
    pub moderator: i64,
    pub admin: i64,
}

/// Those of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleStats {
    pub role: Role,
    pub active: i64,
    pub inactive: i64,
    pub deleted: i64,
    /// Of the active ones: whose login asks for a code.
    pub two_factor: i64,
    /// Of the active ones: who has a passkey.
    pub passkeys: i64,
}

/// How many lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recent {
    pub last_24h: i64,
    pub last_7d: i64,
    pub last_30d: i64,
}

/// Sessions that are in force, without those in which an administrator acts as somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionStats {
    pub browser: i64,
    pub api: i64,
    /// Whose they are.
    pub people: i64,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserDay {
    /// When it begins, in UTC.
    pub at: DateTime<Utc>,
    /// Accounts that were made.
    pub registered: i64,
    /// People whose last login was on this day.
    pub last_login: i64,
}
