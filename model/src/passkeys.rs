//! Passkeys: what browsers and their owners see of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Problem;

/// Most passkeys of one person.
pub const MAX_PASSKEYS: i64 = 20;
/// Most characters of a name.
const NAME_MAX: usize = 100;

/// A passkey as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: Uuid,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A passkey that its owner wants to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPasskey {
    /// What its owner knows it by; at most 100 characters.
    pub name: String,
}

impl NewPasskey {
    pub fn check(&self) -> Result<(), Problem> {
        let count = self.name.trim().chars().count();
        if (1..=NAME_MAX).contains(&count) && !self.name.contains('\0') {
            return Ok(());
        }
        Err(Problem::field("name", format!("must have 1 to {NAME_MAX} characters")))
    }
}

/// What the server asks of the browser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceremony {
    pub id: Uuid,
    /// The options of `navigator.credentials`, in the JSON form of WebAuthn level 3 (5.1.8 and 5.1.9).
    pub options: Value,
}

/// What the browser says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CeremonyAnswer {
    pub id: Uuid,
    /// The credential as JSON (WebAuthn level 3, 5.1).
    pub credential: String,
}
