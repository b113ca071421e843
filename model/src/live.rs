//! Hints to the browsers of one person: what they show of this thing has changed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Note,
    Notification,
}

impl Topic {
    /// The name of the event on the stream.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Notification => "notification",
        }
    }
}

/// One thing changed that one person sees. What has become of it is read by the usual door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    pub topic: Topic,
    pub id: Uuid,
    pub user_id: Uuid,
}
