//! All that a caller may learn when something is refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refusal, as data: the doors turn it into a status, an envelope or a line beside a form field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// Nobody is signed in, or the session has ended.
    NotSignedIn,
    /// Name, email or password is wrong; which one is not said.
    WrongCredentials,
    /// The passkey is of no account that is open here; why is not said.
    UnknownPasskey,
    /// Name and password are right, and the account wants a code besides.
    TwoFactorRequired,
    /// Signed in, but not allowed.
    Forbidden,
    /// Somebody else has set the password; its owner has to choose another one first.
    PasswordChangeRequired,
    /// Allowed, but only shortly after the password was given.
    ReauthenticationRequired,
    /// Allowed to the person themselves only, not to an administrator who acts as them.
    NotAsSomebodyElse,
    /// The thing does not exist, or is not the caller's to know of.
    NotFound { what: Thing },
    /// Field errors, all of them at once.
    Invalid { fields: Vec<FieldProblem> },
    /// The request could not be read: malformed JSON, a bad id, a bad query value.
    Unreadable { message: String },
    /// JSON of the wrong shape: a missing field, a wrong type, an unknown enum value.
    WrongShape { message: String },
    /// The address does not know this method.
    MethodNotAllowed,
    /// The request, its body included, took too long.
    TooSlow,
    /// The body is over the limit.
    TooLarge,
    /// The body is of a type that the endpoint does not read.
    UnsupportedMediaType,
    /// Somebody else has this username or email.
    Taken { field: UniqueField },
    /// Somebody else has changed the thing since the caller read it.
    ChangedMeanwhile,
    /// The state of the thing does not allow it now.
    Conflict { message: String },
    /// A mailed link that is unknown, used, too old, or of an address that is not the user's any more; which one is not said.
    DeadLink,
    /// Tried too often: again after this many seconds.
    TooManyTries { retry_after_seconds: u32 },
    /// Too busy, or the database is away: try again after this many seconds.
    Unavailable { retry_after_seconds: u32 },
    /// A health check failed; the message names it in our own words.
    Unhealthy { message: String },
    /// A fault of ours; the id finds it in the log.
    Internal { request_id: String },
}

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Page,
    User,
    Task,
    TaskType,
    Schedule,
    Session,
    ApiKey,
    Passkey,
    Note,
    Share,
    Notification,
}

/// A field whose value is unique among all users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UniqueField {
    Username,
    Email,
}

impl UniqueField {
    /// The name of the field on the wire and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// One field and what is wrong with it, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    pub field: String,
    pub message: String,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Problem {
    /// A single field that is refused.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { fields: vec![FieldProblem::new(field, message)] }
    }

    /// The same, with the fields below `field` as one: for a form that has one input for all of them.
    #[must_use]
    pub fn gathered(self, field: &str) -> Self {
        let Self::Invalid { fields } = self else { return self };
        let (mut below, mut others): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for one in fields {
            match one.field.strip_prefix(field).and_then(|rest| rest.strip_prefix('.')) {
                Some(rest) => below.push(format!("{rest}: {}", one.message)),
                None if one.field == field => below.push(one.message),
                None => others.push(one),
            }
        }
        if !below.is_empty() {
            others.push(FieldProblem::new(field, below.join("; ")));
        }
        Self::Invalid { fields: others }
    }

    /// Seconds after which it is worth another try; none when time alone changes nothing.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::TooManyTries { retry_after_seconds } | Self::Unavailable { retry_after_seconds } => {
                Some(*retry_after_seconds)
            }
            _ => None,
        }
    }

    /// The messages that stand beside form fields; empty when the problem is of no single field.
    pub fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Invalid { fields } => fields.clone(),
            Self::Taken { field } => vec![FieldProblem::new(field.name(), self.to_string())],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => write!(f, "Please log in first"),
            Self::WrongCredentials => write!(f, "Wrong username, email or password"),
            Self::UnknownPasskey => write!(f, "This passkey does not open an account here"),
            Self::Forbidden => write!(f, "You are not allowed to do this"),
            Self::PasswordChangeRequired => write!(f, "Please choose a new password first"),
            Self::TwoFactorRequired => write!(f, "Please give the code of your authenticator app, or a recovery code"),
            Self::ReauthenticationRequired => write!(f, "Please confirm your password first"),
            Self::NotAsSomebodyElse => write!(f, "Nobody may do this as somebody else; end the impersonation first"),
            Self::NotFound { what: Thing::Page } => write!(f, "Not found"),
            Self::NotFound { what: Thing::User } => write!(f, "User not found"),
            Self::NotFound { what: Thing::Task } => write!(f, "Task not found"),
            Self::NotFound { what: Thing::TaskType } => write!(f, "Task type not found"),
            Self::NotFound { what: Thing::Schedule } => write!(f, "Schedule not found"),
            Self::NotFound { what: Thing::Session } => write!(f, "Session not found"),
            Self::NotFound { what: Thing::Passkey } => write!(f, "No passkey came from your browser"),
            Self::NotFound { what: Thing::Note } => write!(f, "Note not found"),
            Self::NotFound { what: Thing::Share } => write!(f, "The note is not shared with this user"),
            Self::NotFound { what: Thing::Notification } => write!(f, "Notification not found"),
            Self::ChangedMeanwhile => write!(f, "Somebody has changed it meanwhile"),
            Self::NotFound { what: Thing::ApiKey } => write!(f, "API key not found"),
            Self::Invalid { fields } => {
                write!(f, "Validation failed")?;
                for (place, field) in fields.iter().enumerate() {
                    let lead = if place == 0 { " for" } else { ";" };
                    write!(f, "{lead} {}: {}", field.field, field.message)?;
                }
                Ok(())
            }
            Self::Unreadable { message }
            | Self::WrongShape { message }
            | Self::Conflict { message }
            | Self::Unhealthy { message } => {
                write!(f, "{message}")
            }
            Self::DeadLink => {
                write!(
                    f,
                    "This link does not work any more. A link works once and for a limited time; please ask for a new one"
                )
            }
            Self::MethodNotAllowed => write!(f, "This address does not know this method"),
            Self::TooSlow => write!(f, "The request took too long"),
            Self::TooLarge => write!(f, "The request body is too large"),
            Self::UnsupportedMediaType => write!(f, "This endpoint reads application/json"),
            Self::Taken { field: UniqueField::Username } => write!(f, "This username is already taken"),
            Self::Taken { field: UniqueField::Email } => write!(f, "This email is already registered"),
            Self::TooManyTries { retry_after_seconds: seconds @ ..=90 } => {
                write!(f, "Too many tries; please try again in {seconds} seconds")
            }
            Self::TooManyTries { retry_after_seconds } => {
                write!(f, "Too many tries; please try again in {} minutes", retry_after_seconds.div_ceil(60))
            }
            Self::Unavailable { .. } => {
                write!(f, "The service is busy or its database is away; please try again shortly")
            }
            Self::Internal { request_id } => write!(f, "Something went wrong on our side (request {request_id})"),
        }
    }
}

impl std::error::Error for Problem {}
