//! Registering, logging in, and who is there.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::users::{PasswordRule, Role, check_email, check_username};
use crate::{FieldProblem, Problem};

/// A new account, as its owner asks for it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Register {
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]{3,50}$"))]
    pub username: String,
    #[cfg_attr(feature = "openapi", schema(format = "email", max_length = 254))]
    pub email: String,
    /// Neither common nor made of the own name or email.
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 128))]
    pub password: String,
}

impl Register {
    /// Checks every field and reports all of them at once, in the order of the form.
    pub fn check(&self, rule: PasswordRule) -> Result<(), Problem> {
        let fields: Vec<_> = [
            ("username", check_username(&self.username)),
            ("email", check_email(&self.email)),
            ("password", rule(&self.password, &self.username, &self.email)),
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
    /// Whether a browser keeps the session when it is closed; of no meaning for programs.
    pub remember: bool,
    /// The code of the authenticator app or a recovery code, for an account that wants one.
    pub code: Option<String>,
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
    #[cfg_attr(feature = "openapi", schema(format = "email", max_length = 254))]
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
    #[cfg_attr(feature = "openapi", schema(min_length = 8, max_length = 128))]
    pub new_password: String,
}

/// A session that was made longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refreshed {
    pub expires_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
}

/// Which door a session belongs to; a token is good at its own door only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "session_kind", rename_all = "lowercase"))]
pub enum SessionKind {
    Browser,
    Api,
}

/// A login that is in force, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    pub id: Uuid,
    pub kind: SessionKind,
    /// The browser or program by its name, as far as its `User-Agent` tells.
    pub browser: Option<String>,
    /// The operating system, as far as the `User-Agent` tells.
    pub system: Option<String>,
    /// The address that the login came from.
    pub ip: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Written once a minute at most.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless it is used or refreshed.
    pub expires_at: DateTime<Utc>,
    /// Whether this request came by it.
    pub is_current: bool,
}

/// The password once more, before something delicate.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirm {
    pub password: String,
    /// For an account that wants one besides.
    #[serde(default)]
    pub code: Option<String>,
}

/// The path, if it leads to a page of this program wherever a browser reads it; none when it could lead to another site.
///
/// Browsers take `\` for `/` and drop tabs and line ends (WHATWG URL, 4.4), so neither may be in it.
pub fn local_path(path: &str) -> Option<&str> {
    let is_local = path.starts_with('/') && !path.starts_with("//");
    let is_plain = !path.chars().any(|letter| letter == '\\' || letter.is_control());
    (is_local && is_plain).then_some(path)
}

/// A session in which delicate things can be done for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmed {
    pub sudo_until: DateTime<Utc>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthUser {
    pub id: Uuid,
    pub username: String,
    pub email: String,
    pub role: Role,
    /// The name of the administrator who acts as this person in this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated_by: Option<String>,
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
// Passwords and tokens must not reach a log, so these say less than a derived Debug would.

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("username", &self.username).finish_non_exhaustive()
    }
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").finish_non_exhaustive()
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
        let problem = new.check(crate::users::check_password).unwrap_err();
        let named: Vec<_> = problem.fields().into_iter().map(|field| field.field).collect();
        assert_eq!(named, ["username", "email", "password"]);
    }

    #[test]
    fn only_paths_of_this_program_are_local() {
        for path in ["/", "/account/api-keys", "/tasks?status=failed#top", "/tasks//x"] {
            assert_eq!(local_path(path), Some(path));
        }
        for path in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/\n/evil.example",
        ] {
            assert_eq!(local_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_password_never_shows_in_debug_output() {
        let new = Register { username: "ada".into(), email: "ada@example.com".into(), password: "canary-7".into() };
        let log_in = LogIn { username: Some("ada".into()), password: "canary-7".into(), ..Default::default() };
        assert!(!format!("{new:?} {log_in:?}").contains("canary-7"));
    }
}
