//! What people change of their own account, and what moderators and administrators change of others'.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PasswordRule, Role, check_email, check_username};
use crate::Problem;
use crate::fields::all;

/// Most characters of a reason.
const REASON_MAX: usize = 500;

/// The word that confirms the deletion of the own account.
pub const DELETE_WORD: &str = "DELETE";

/// An empty input of a form is no wish.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn check_reason(reason: &Option<String>) -> (&'static str, Result<(), String>) {
    let is_long = reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_MAX);
    ("reason", if is_long { Err(format!("must have at most {REASON_MAX} characters")) } else { Ok(()) })
}

/// Refuses where a reason must be given and is blank or too long.
pub fn require_reason(reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "is required"));
    }
    all([check_reason(&Some(reason.to_owned()))])
}

/// Changes of a profile; what is absent stays. Only administrators may say that an email is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditProfile {
    /// Nothing in it is no wish, as an input of a form is sent.
    #[cfg_attr(feature = "openapi", schema(pattern = "^([A-Za-z0-9_-]{3,50})?$"))]
    pub username: Option<String>,
    /// An address, or nothing.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 254, pattern = r"^([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]+(\.[a-z0-9]+)+)?$")
    )]
    pub email: Option<String>,
    pub email_verified: Option<bool>,
}

impl EditProfile {
    pub fn username(&self) -> Option<&str> {
        given(&self.username)
    }

    pub fn email(&self) -> Option<&str> {
        given(&self.email)
    }

    /// Checks every field that is given.
    pub fn check(&self) -> Result<(), Problem> {
        all([
            ("username", self.username().map_or(Ok(()), check_username)),
            ("email", self.email().map_or(Ok(()), check_email)),
        ])
    }
}

/// Another password for the own account.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    pub current_password: String,
    /// Not the current one, neither common nor made of the own name or email.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 128))]
    pub new_password: String,
}

impl ChangePassword {
    /// Checks the new password against the rules, and that it is another one.
    pub fn check(&self, username: &str, email: &str, rule: PasswordRule) -> Result<(), Problem> {
        if self.new_password == self.current_password {
            return Err(Problem::field("new_password", "must not be the current one"));
        }
        all([("new_password", rule(&self.new_password, username, email))])
    }
}

/// The end of the own account.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteAccount {
    pub password: String,
    /// The word `DELETE`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^DELETE$"))]
    pub confirmation: String,
}

impl DeleteAccount {
    pub fn check(&self) -> Result<(), Problem> {
        if self.confirmation == DELETE_WORD {
            return Ok(());
        }
        Err(Problem::field("confirmation", format!("must be {DELETE_WORD}")))
    }
}

/// An account that an administrator makes.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]{3,50}$"))]
    pub username: String,
    #[cfg_attr(feature = "openapi", schema(format = "email", max_length = 254))]
    pub email: String,
    /// Neither common nor made of the account's name or email.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 128))]
    pub password: String,
    /// `user` when absent.
    pub role: Option<Role>,
}

/// Whether somebody may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetStatus {
    pub is_active: bool,
    /// Goes into the audit log.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reason: Option<String>,
}

impl SetStatus {
    pub fn check(&self) -> Result<(), Problem> {
        all([check_reason(&self.reason)])
    }
}

/// Another role for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetRole {
    pub role: Role,
    /// Goes into the audit log.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reason: Option<String>,
}

impl SetRole {
    pub fn check(&self) -> Result<(), Problem> {
        all([check_reason(&self.reason)])
    }
}

/// A password that somebody else sets.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SetPassword))]
pub struct ResetPassword {
    /// Neither common nor made of the account's name or email.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 128))]
    pub new_password: String,
    /// Whether its owner must choose another one at the next login; yes when absent.
    pub require_change: Option<bool>,
    /// Goes into the audit log.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reason: Option<String>,
}

impl ResetPassword {
    pub fn check(&self, username: &str, email: &str, rule: PasswordRule) -> Result<(), Problem> {
        all([("new_password", rule(&self.new_password, username, email)), check_reason(&self.reason)])
    }
}

/// The deletion of somebody's account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteUser {
    /// Goes into the audit log.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub reason: Option<String>,
    /// Removes the row at once, instead of keeping it for a while so that it can be restored.
    pub hard_delete: bool,
}

impl DeleteUser {
    pub fn check(&self) -> Result<(), Problem> {
        all([check_reason(&self.reason)])
    }
}

/// Why something is done to somebody's account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// Goes into the audit log.
    pub reason: Option<String>,
}

impl Reason {
    pub fn check(&self) -> Result<(), Problem> {
        all([check_reason(&self.reason)])
    }
}

/// The wish of an administrator to act as somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Impersonate {
    /// Goes into the audit log; must not be blank.
    #[cfg_attr(feature = "openapi", schema(pattern = r"\S", max_length = 500))]
    pub reason: String,
}

impl Impersonate {
    pub fn check(&self) -> Result<(), Problem> {
        require_reason(&self.reason)
    }
}

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UserStatus {
    Active,
    Inactive,
    Deleted,
}

impl UserStatus {
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Deleted];

    /// The word on the wire and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deleted => "deleted",
        }
    }
}

/// The order of a list of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UserSort {
    /// By creation, the newest first; the only order with a cursor.
    #[default]
    Newest,
    Username,
    /// By the last login, the latest first.
    LastLogin,
}

impl UserSort {
    pub const ALL: [Self; 3] = [Self::Newest, Self::Username, Self::LastLogin];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Username => "username",
            Self::LastLogin => "last_login",
        }
    }
}

/// Which users a list shows; without a status those that are not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct UserFilter {
    /// A part of the username or email, in any case.
    pub search: Option<String>,
    #[cfg_attr(feature = "openapi", param(inline))]
    pub role: Option<Role>,
    #[cfg_attr(feature = "openapi", param(inline))]
    pub status: Option<UserStatus>,
    #[cfg_attr(feature = "openapi", param(inline))]
    pub sort: Option<UserSort>,
}

// Passwords must not reach a log, so these say less than a derived Debug would.

impl fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}

impl fmt::Debug for DeleteAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteAccount").finish_non_exhaustive()
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("username", &self.username).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResetPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetPassword").finish_non_exhaustive()
    }
}
