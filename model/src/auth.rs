//! Registering, logging in, and who is there.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::users::{Role, check_email, check_password, check_username};
use crate::{FieldProblem, Problem};

/// A new account, as its owner asks for it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Register {
    pub username: String,
    pub email: String,
    pub password: String,
}

impl Register {
    /// Checks every field and reports all of them at once, in the order of the form.
    pub fn check(&self) -> Result<(), Problem> {
        let fields: Vec<_> = [
            ("username", check_username(&self.username)),
            ("email", check_email(&self.email)),
            ("password", check_password(&self.password, &self.username, &self.email)),
        ]
        .into_iter()
        .filter_map(|(field, checked)| checked.err().map(|message| FieldProblem::new(field, message)))
        .collect();
        if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
    }
}

/// A login by exactly one of username and email; a person's form sends either in `username`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogIn {
    pub username: Option<String>,
    pub email: Option<String>,
    #[cfg_attr(feature = "openapi", schema(required))]
    pub password: String,
    pub user_agent: Option<String>,
}

/// A login that worked. The token is shown this once; the database holds only its hash.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoggedIn {
    pub session_token: String,
    pub expires_at: DateTime<Utc>,
    pub user: AuthUser,
}

/// The link of a letter to a new address, followed.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyEmail {
    pub token: String,
}

/// Somebody who wants a new password and cannot log in.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForgotPassword {
    pub email: String,
}

impl ForgotPassword {
    /// Checks the address by its form only: whether it is anybody's is not said.
    pub fn check(&self) -> Result<(), Problem> {
        check_email(self.email.trim()).map_err(|message| Problem::field("email", message))
    }
}

/// The link to a new password, followed.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResetPassword {
    pub token: String,
    pub new_password: String,
}

/// A session that was made longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refreshed {
    pub expires_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthUser {
    pub id: Uuid,
    pub username: String,
    pub email: String,
    pub role: Role,
}

// Passwords, tokens and addresses must not reach a log, so these say less than a derived Debug would.

impl fmt::Debug for VerifyEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyEmail").finish_non_exhaustive()
    }
}

impl fmt::Debug for ForgotPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgotPassword").finish_non_exhaustive()
    }
}

impl fmt::Debug for ResetPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetPassword").finish_non_exhaustive()
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("username", &self.username).finish_non_exhaustive()
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn").finish_non_exhaustive()
    }
}

impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_field_errors_are_reported_together_in_the_order_of_the_fields() {
        let new = Register { username: "a".into(), email: "b".into(), password: "c".into() };
        let problem = new.check().unwrap_err();
        let named: Vec<_> = problem.fields().into_iter().map(|field| field.field).collect();
        assert_eq!(named, ["username", "email", "password"]);
    }

    #[test]
    fn a_password_never_shows_in_debug_output() {
        let new = Register { username: "ada".into(), email: "ada@example.com".into(), password: "canary-7".into() };
        let log_in = LogIn { username: Some("ada".into()), password: "canary-7".into(), ..Default::default() };
        assert!(!format!("{new:?} {log_in:?}").contains("canary-7"));
    }
}
