//! What the kinds of task return: written by their handlers, shown on the page of the task. What `data_processing` returns has as many
//! figures as were asked for and is a plain JSON object.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Of `delay_task`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    pub waited_seconds: f64,
}

/// Of `email`: the mail server has taken the letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailSent {
    pub sent: bool,
    pub to: String,
}

/// Of `notification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// False when an earlier attempt had told it already.
    pub told: bool,
}

/// Of `file_cleanup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    pub files: u64,
    pub bytes: u64,
    /// Looked at and left: too young, of another name, no plain file.
    pub kept: u64,
    /// Could not be deleted, or looked into.
    pub failed: u64,
    /// The first ones that were deleted.
    pub named: Vec<String>,
    /// Nothing was deleted, only counted.
    pub dry_run: bool,
}

/// Of `report_generation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportMade {
    /// The name of the file.
    pub file: String,
    pub bytes: usize,
    pub rows: usize,
    /// There were more rows than a report holds.
    pub is_cut: bool,
    /// When the file goes.
    pub expires_at: DateTime<Utc>,
}

/// Of `webhook`: what the other side answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAnswer {
    pub status: u16,
    pub duration_ms: i32,
    pub headers: BTreeMap<String, String>,
    /// The first 64 KiB, as text.
    pub body: String,
    pub is_cut: bool,
}

/// Of `bulk`: one action on all tasks that a filter leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkDone {
    /// Tasks that matched, of those that were looked at.
    pub matched: i64,
    /// Those that are cancelled are counted with the steps of chains that waited for them.
    pub done: i64,
    /// Those that whoever asked may not do it to.
    pub refused: i64,
}
