use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Tries that are shown of one task, the newest.
pub const DELIVERIES_AT_MOST: usize = 20;

/// One try to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub id: Uuid,
    /// The number of the task's attempt; a replay counts anew.
    pub attempt: i32,
    pub method: String,
    pub url: String,
    /// The status that the server answered; none when there was no answer.
    pub status: Option<i32>,
    pub duration_ms: i32,
    /// Why it was not delivered.
    pub error: Option<String>,
    /// The start of the answer's body, up to 64 KiB.
    pub response: Option<String>,
    pub at: DateTime<Utc>,
}
