//! `report_generation`: what was in a period, as a file of the task.

mod draw;
mod files;
mod rows;

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};
use model::rbac::{Action, Relation};
use model::tasks::{ReportGeneration, ReportMade, ReportType, TaskKind};
use model::users::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, NO_ANSWER, Policy, Stop, Work};
use crate::{Actor, App};

pub use files::{Stored, forget, get, purge};

/// Rows that a report holds; beyond it the period has to be shorter.
pub const ROWS_AT_MOST: usize = 50_000;
/// Bytes of a file that is kept.
const BYTES_AT_MOST: usize = 20 * 1024 * 1024;

/// A table: the heads of its columns, and rows of as many cells.
#[derive(Debug, Default)]
pub struct Table {
    pub title: String,
    pub heads: &'static [&'static str],
    pub rows: Vec<Vec<Cell>>,
    /// There was more than [`ROWS_AT_MOST`].
    pub is_cut: bool,
}

/// What stands in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Moment(Option<DateTime<Utc>>),
}

/// What the report is about, within what its owner may see.
pub struct Scope {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// Only this user's tasks.
    pub owner: Option<Uuid>,
    /// Only accounts of these roles.
    pub roles: Vec<Role>,
}

impl Work for ReportGeneration {
    const NAME: &'static str = TaskKind::ReportGeneration.name();
    const DESCRIPTION: &'static str = TaskKind::ReportGeneration.description();

    fn policy() -> Policy {
        // A report holds up to 50,000 rows in memory.
        Policy { timeout: Duration::from_secs(300), max_per_worker: Some(2), ..Policy::default() }
    }

    async fn admit(&self, _: &App, actor: &Actor) -> crate::Result<()> {
        if let Some(action) = needed(self.report_type) {
            actor.require(action, Relation::Other)?;
        }
        Ok(())
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let again = |error: sqlx::Error| context.again(NO_ANSWER, error);
        // Who may see what is asked now: it may be long ago that the task was queued.
        let Some(id) = context.owner() else { return Err(Stop::Fatal("Nobody has asked for the report".into())) };
        let role = files::role_of(&context.app.db, id).await.map_err(again)?;
        let role = role.ok_or_else(|| Stop::Fatal("The account of the owner is closed".into()))?;
        let may = |action| model::rbac::allowed(role, action, Relation::Other);
        if needed(self.report_type).is_some_and(|action| !may(action)) {
            return Err(Stop::Fatal("Its owner may not see this any more".into()));
        }
        let (first, last) = self.period().ok_or_else(|| Stop::Fatal("The period is none".into()))?;
        let start = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let after = last.checked_add_days(Days::new(1)).unwrap_or(last);
        let of = |one: &Role| model::rbac::allowed(role, Action::ReadUser, Relation::to_person(role, *one));
        let scope = Scope {
            from: start(first),
            until: start(after),
            owner: (!may(Action::ReadTask)).then_some(id),
            roles: Role::ALL.into_iter().filter(of).collect(),
        };

        context.progress(10.0, Some("Reading")).await;
        let mut table = match self.report_type {
            ReportType::Tasks => rows::tasks(&context.app.db, &scope).await,
            ReportType::Users => rows::users(&context.app.db, &scope).await,
            ReportType::Monitoring => rows::queue(&context.app.db, &scope).await,
        }
        .map_err(again)?;
        table.title = format!("{} from {first} to {last}", title(self.report_type));
        let (count, is_cut) = (table.rows.len(), table.is_cut);
        context.progress(60.0, Some("Writing")).await;
        let format = self.format;
        let bytes = tokio::task::spawn_blocking(move || draw::file(&table, format)).await;
        let bytes = bytes.map_err(|error| context.again("The writing was cut off", error))?.map_err(|error| {
            context.note_causes(error);
            Stop::Fatal("The report cannot be written".into())
        })?;
        if bytes.len() > BYTES_AT_MOST {
            return Err(Stop::Fatal("The file would be over 20 MB; ask for a shorter period".into()));
        }

        let name = format!("{}-{first}-{last}.{}", self.report_type.name(), format.name());
        let (size, days) = (bytes.len(), context.app.config.reports.keep_days);
        let file = files::New { task_id: context.task_id(), owner: id, name: &name, format, bytes, days };
        let mut tx = context.begin().await?;
        let expires_at = files::put(&mut tx, file).await.map_err(again)?;
        let result = json!(ReportMade { file: name, bytes: size, rows: count, is_cut, expires_at });
        context.complete_in(tx, result).await
    }
}

fn needed(report: ReportType) -> Option<Action> {
    match report {
        ReportType::Tasks => None,
        ReportType::Users => Some(Action::ListUsers),
        ReportType::Monitoring => Some(Action::ReadTaskStats),
    }
}

fn title(report: ReportType) -> &'static str {
    match report {
        ReportType::Tasks => "Tasks",
        ReportType::Users => "Accounts",
        ReportType::Monitoring => "The queue",
    }
}
