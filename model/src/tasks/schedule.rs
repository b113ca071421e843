//! Tasks that come again and again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Priority;

/// What happens to the times that passed while no worker ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "missed_times", rename_all = "lowercase"))]
pub enum Missed {
    /// Nothing: the next time is the next one ahead.
    Skip,
    /// One task for all of them together.
    #[default]
    Once,
    /// A task for each of them, up to 100.
    All,
}

impl Missed {
    pub const ALL: [Self; 3] = [Self::Skip, Self::Once, Self::All];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

/// A schedule as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schedule {
    pub id: Uuid,
    pub name: String,
    pub task_type: String,
    pub payload: Value,
    pub priority: Priority,
    /// Five fields (minute, hour, day, month, weekday), or six with seconds first.
    pub cron: String,
    /// A name of the IANA time zone database, such as `Europe/Berlin`.
    pub time_zone: String,
    pub missed: Missed,
    pub is_paused: bool,
    pub next_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub last_task_id: Option<Uuid>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A schedule to be made or changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSchedule {
    pub name: String,
    pub task_type: String,
    pub payload: Value,
    #[serde(default)]
    pub priority: Option<Priority>,
    pub cron: String,
    #[serde(default = "utc")]
    pub time_zone: String,
    #[serde(default)]
    pub missed: Missed,
    #[serde(default)]
    pub is_paused: bool,
}

impl From<Schedule> for NewSchedule {
    fn from(old: Schedule) -> Self {
        let Schedule { name, task_type, payload, priority, cron, time_zone, missed, is_paused, .. } = old;
        Self { name, task_type, payload, priority: Some(priority), cron, time_zone, missed, is_paused }
    }
}

/// When a schedule comes, as the form of its page gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleTimes {
    pub cron: String,
    pub time_zone: String,
    pub missed: Missed,
}

fn utc() -> String {
    "UTC".into()
}
