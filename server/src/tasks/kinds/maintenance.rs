//! `maintenance`: what has to be done again and again so that the tables stay small. It comes by schedules that workers enter at their start; internal.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::webhook::{deliveries, hosts};
use super::{Context, Policy, Stop, Work, report};
use crate::tasks::queue;
use crate::{App, api_keys, auth, passkeys, users};

/// What one task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upkeep {
    /// Rows whose time is over.
    ExpiredRows,
    /// Days of the history that are not kept any longer, and what tasks have left elsewhere.
    TaskHistory,
    /// Old figures of the queue, added up.
    Figures,
    /// Accounts that were deleted and cannot be restored any more.
    DeletedAccounts,
}

/// The schedules of the program: the name, the time in UTC, and what is done. Not at the full hour, when other things begin.
pub const SCHEDULES: [(&str, &str, Upkeep); 4] = [
    ("maintenance: deleted accounts", "52 3 * * *", Upkeep::DeletedAccounts),
    ("maintenance: expired rows", "7 * * * *", Upkeep::ExpiredRows),
    ("maintenance: figures of the queue", "37 * * * *", Upkeep::Figures),
    ("maintenance: task history", "22 * * * *", Upkeep::TaskHistory),
];

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Maintenance {
    pub upkeep: Upkeep,
}

/// What is purged, by its name in the result; the answer is how many rows that were.
type Chore = (&'static str, for<'a> fn(&'a App) -> BoxFuture<'a, sqlx::Result<u64>>);

const EXPIRED_ROWS: &[Chore] = &[
    // One a line.
    ("sessions", |app| Box::pin(auth::sessions::purge(&app.db))),
    ("limits", |app| Box::pin(auth::purge_limits(&app.db))),
    ("devices", |app| Box::pin(auth::devices::purge(&app.db))),
    ("login_challenges", |app| Box::pin(auth::two_factor::challenge::purge(&app.db))),
    ("tokens", |app| Box::pin(auth::tokens::purge(&app.db))),
    ("passkey_ceremonies", |app| Box::pin(passkeys::purge(&app.db))),
    ("api_keys", |app| Box::pin(api_keys::purge(&app.db))),
    ("files", |app| Box::pin(report::purge(&app.db))),
    ("webhook_hosts", |app| Box::pin(hosts::purge(&app.db))),
    ("unique_keys", |app| Box::pin(queue::purge_uniques(&app.db))),
    ("notifications", |app| Box::pin(crate::notifications::purge(&app.db))),
];

const TASK_HISTORY: &[Chore] = &[
    ("days", |app| Box::pin(queue::prune_history(&app.db, app.config.tasks.history_days))),
    ("deliveries", |app| Box::pin(deliveries::purge(&app.db, days(app.config.tasks.history_days)))),
    ("origins", |app| Box::pin(queue::purge_origins(&app.db, days(app.config.tasks.history_days)))),
    ("relations", |app| Box::pin(queue::purge_relations(&app.db, days(app.config.tasks.history_days)))),
    ("traces", |app| Box::pin(queue::purge_traces(&app.db, days(app.config.tasks.history_days)))),
];

const FIGURES: &[Chore] = &[
    ("added_up", |app| Box::pin(queue::compact(&app.db))),
    ("deleted", |app| Box::pin(queue::prune_figures(&app.db, app.config.tasks.stats_days))),
];

const DELETED_ACCOUNTS: &[Chore] =
    &[("accounts", |app| Box::pin(users::purge(&app.db, days(app.config.auth.restorable_days))))];

fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

impl Upkeep {
    fn chores(self) -> &'static [Chore] {
        match self {
            Self::ExpiredRows => EXPIRED_ROWS,
            Self::TaskHistory => TASK_HISTORY,
            Self::Figures => FIGURES,
            Self::DeletedAccounts => DELETED_ACCOUNTS,
        }
    }
}

impl Work for Maintenance {
    const NAME: &'static str = "maintenance";
    const DESCRIPTION: &'static str = "Deletes what has expired and what is kept no longer, and adds up old figures.";
    const IS_INTERNAL: bool = true;

    fn policy() -> Policy {
        // What fails here says nothing of the other chores.
        Policy { breaker: None, ..Policy::default() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let (mut done, mut failed) = (Map::new(), Vec::new());
        for (name, chore) in self.upkeep.chores() {
            if context.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            match chore(&context.app).await {
                Ok(rows) => drop(done.insert((*name).into(), json!(rows))),
                // One that fails must not keep the others from being done.
                Err(error) => {
                    tracing::warn!(chore = name, error = %error, "a chore could not be done");
                    context.note_causes(error);
                    failed.push(*name);
                }
            }
        }
        if failed.is_empty() { Ok(done.into()) } else { Err(Stop::Retry(format!("Not done: {}", failed.join(", ")))) }
    }
}
