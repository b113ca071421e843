//! What a service returns when it does not succeed: a refusal, which is data, or a fault, which is a log line.

use model::Problem;
use model::problem::UniqueField;

/// The result of every service verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a service did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// Expected: answered, not logged as an error.
    Problem(Problem),
    /// Unexpected: logged once, at the door, answered as [`Problem::Internal`].
    Broken(anyhow::Error),
}

/// Seconds after which a caller may try again when the database is away or a queue is full.
const RETRY_AFTER_SECONDS: u32 = 2;

impl Error {
    /// The refusal for a full queue or a database that is away.
    pub fn unavailable() -> Self {
        Self::Problem(Problem::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS })
    }

    /// The same, with fields named below this place.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        let Self::Problem(Problem::Invalid { mut fields }) = self else { return self };
        fields.iter_mut().for_each(|one| one.field = format!("{place}.{}", one.field));
        Problem::Invalid { fields }.into()
    }

    /// The error as one that a command ends with.
    pub fn into_fault(self) -> anyhow::Error {
        match self {
            Self::Problem(problem) => problem.into(),
            Self::Broken(fault) => fault,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        error.into_fault()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            tracing::warn!(error = %error, "the database is away");
            return Self::unavailable();
        }
        match error.as_database_error().and_then(|refused| refused.constraint()) {
            Some("users_username_key") => Problem::Taken { field: UniqueField::Username }.into(),
            Some("users_email_key") => Problem::Taken { field: UniqueField::Email }.into(),
            Some("task_schedules_name_key") => {
                Problem::Conflict { message: "There is a schedule of this name already".into() }.into()
            }
            _ if holds_a_nul(&error) => {
                Problem::Unreadable { message: "A text contains a NUL character".into() }.into()
            }
            _ => Self::Broken(error.into()),
        }
    }
}

/// Whether the database cannot be reached at the moment, as opposed to having refused something.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed => true,
        // Class 57P: shutting down or starting up; 53: out of connections; 08: connection lost.
        sqlx::Error::Database(refused) => refused
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("53") || code.starts_with("08")),
        _ => false,
    }
}

/// PostgreSQL refuses NUL in text (22021) and in jsonb (22P05).
fn holds_a_nul(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|refused| refused.code()).is_some_and(|code| code == "22021" || code == "22P05")
}
