//! The queue as a whole, as operators see it: lanes, types, workers, how the last hours went, and how PostgreSQL bears it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Figure, Period, Priority, Schedule};
use crate::page::counted;

/// Whether the attempts of a type are let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "breaker_state", rename_all = "snake_case"))]
pub enum BreakerState {
    #[default]
    Closed,
    Open,
    HalfOpen,
}

impl BreakerState {
    /// The words on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half open",
        }
    }
}

/// One lane that has something to do, and how its type is treated at the moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaneDepth {
    pub task_type: String,
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub priority: Priority,
    /// 1 000 at most: counting further costs more than it says.
    pub ready: i64,
    /// Seconds that the oldest ready task has been waiting.
    pub oldest_ready_seconds: Option<f64>,
}

impl LaneDepth {
    /// How far whoever looks counts.
    pub const COUNTED_AT_MOST: i64 = 1_000;
}

/// A worker as its row tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerSeen {
    pub id: i64,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub task_types: Vec<String>,
    pub concurrency: i32,
    pub started_at: DateTime<Utc>,
    /// Seconds since it has renewed its lease.
    pub renewed_seconds: f64,
    /// Seconds until its lease lapses; below zero it is about to be declared dead.
    pub lease_seconds: f64,
    pub is_draining: bool,
    pub running: i32,
    pub done: i64,
    /// Results that were dropped because the task had been taken from it.
    pub fenced_out: i64,
}

/// A task that a worker has claimed and not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningTask {
    pub worker_id: i64,
    pub id: Uuid,
    pub task_type: String,
    pub started_at: Option<DateTime<Utc>>,
}

/// The attempts of one type that ended in one minute, over all workers or of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Minute {
    pub minute: DateTime<Utc>,
    pub task_type: String,
    /// The worker that ran them, when figures of each were asked for; none for minutes that are added up already, which happens after an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<i64>,
    pub completed: i64,
    pub failed: i64,
    pub retried: i64,
    pub cancelled: i64,
    /// Milliseconds that the attempts ran, and that they had waited, added up.
    pub run_ms: i64,
    pub wait_ms: i64,
    /// Attempts that ran for up to 1, 2, 5, 10, 20, 50 … 100 000 ms, and longer.
    pub run_histogram: Vec<i64>,
}

/// A type as an operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypeSeen {
    pub task_type: String,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_reason: Option<String>,
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub breaker: BreakerState,
    /// Set by a person, until a person changes it.
    pub is_breaker_manual: bool,
    pub breaker_failures: i32,
    /// When an open breaker lets probes through.
    pub probe_at: Option<DateTime<Utc>>,
    pub max_running: Option<i32>,
    pub rate_per_second: Option<f64>,
}

/// A server that webhooks are sent to and that has failed lately, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostSeen {
    /// Name and port.
    pub host: String,
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub breaker: BreakerState,
    pub failures: i32,
    /// When an open breaker lets a probe through.
    pub probe_at: Option<DateTime<Utc>>,
}

/// Tasks of a type in the dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeadOfType {
    pub task_type: String,
    /// 10 000 at most.
    pub tasks: i64,
    /// Those that came within the last day; 10 000 at most.
    pub of_a_day: i64,
}

/// How PostgreSQL bears the queue. What other roles of the server do is counted only where this one may see it (`pg_read_all_stats`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueHealth {
    /// Transactions that began since the oldest snapshot that is still held; what died meanwhile cannot be vacuumed.
    pub oldest_xmin_age: Option<i64>,
    /// Seconds that the oldest transaction has been open.
    pub oldest_transaction_seconds: Option<f64>,
    /// Rows of `tasks` that are dead and not yet vacuumed, and that live, as the statistics have them.
    pub dead_rows: i64,
    pub live_rows: i64,
    /// Seconds since `tasks` was vacuumed; none when it never was.
    pub vacuumed_seconds: Option<f64>,
    /// Seconds that the last call for work took from the process that answers, through PostgreSQL, to where workers hear it; none when it has not
    /// called yet, or workers only poll.
    pub bell_seconds: Option<f64>,
}

/// The queue at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueSeen {
    pub seen_at: DateTime<Utc>,
    /// Lanes with ready tasks.
    pub lanes: Vec<LaneDepth>,
    pub types: Vec<TypeSeen>,
    /// Those whose breaker is open first, the first 50.
    pub hosts: Vec<HostSeen>,
    pub workers: Vec<WorkerSeen>,
    /// What they run, of each worker the first 50.
    pub running: Vec<RunningTask>,
    /// What was given up, by type.
    pub dead: Vec<DeadOfType>,
    pub health: QueueHealth,
}

/// Beyond this many seconds a ready task has waited for too long.
const READY_AT_MOST: f64 = 300.0;
/// Beyond this many seconds a transaction keeps vacuum from its work for too long.
const OPEN_AT_MOST: f64 = 600.0;
/// Beyond this many seconds a worker has found the task by itself: it looks every second.
const BELL_AT_MOST: f64 = 1.0;
/// So many dead rows may lie beside as many live ones, and these besides.
const DEAD_ROWS_FREE: i64 = 50_000;

impl QueueSeen {
    /// Seconds that the oldest ready task has been waiting.
    pub fn oldest_ready_seconds(&self) -> Option<f64> {
        self.lanes.iter().filter_map(|lane| lane.oldest_ready_seconds).max_by(f64::total_cmp)
    }

    /// What is not as it should be, in words; nothing when the queue is healthy.
    pub fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.workers.iter().all(|worker| worker.lease_seconds < 0.0) {
            found.push("No worker is running, so no task is run.".to_owned());
        }
        for one in &self.types {
            if one.paused_at.is_some() {
                found.push(format!("{} is paused.", one.task_type));
            }
            if one.breaker != BreakerState::Closed {
                found.push(format!("The circuit breaker of {} is {}.", one.task_type, one.breaker.name()));
            }
        }
        for one in self.hosts.iter().filter(|host| host.breaker != BreakerState::Closed) {
            found.push(format!("Webhooks to {} wait: its circuit breaker is {}.", one.host, one.breaker.name()));
        }
        for one in self.dead.iter().filter(|dead| dead.of_a_day > 0) {
            let tasks = counted(one.of_a_day, "task");
            found.push(format!("Within a day, {tasks} of {} came into the dead letter.", one.task_type));
        }
        if self.oldest_ready_seconds().is_some_and(|seconds| seconds > READY_AT_MOST) {
            found.push("A ready task has been waiting for more than five minutes.".to_owned());
        }
        if self.health.oldest_transaction_seconds.is_some_and(|seconds| seconds > OPEN_AT_MOST) {
            found.push(
                "A transaction has been open for more than ten minutes; what died meanwhile cannot be vacuumed."
                    .to_owned(),
            );
        }
        if self.health.bell_seconds.is_some_and(|seconds| seconds > BELL_AT_MOST) {
            found.push("The bell takes longer than a second, so workers find tasks by looking for them.".to_owned());
        }
        if self.health.dead_rows > self.health.live_rows + DEAD_ROWS_FREE {
            found
                .push("The table of live tasks holds more dead rows than live ones; is autovacuum running?".to_owned());
        }
        found
    }
}

/// Everything on the overview of operators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operations {
    pub seen: QueueSeen,
    pub figures: Vec<Figure>,
    pub schedules: Vec<Schedule>,
}

/// What an operator does on the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueAction {
    Pause,
    Resume,
    OpenBreaker,
    CloseBreaker,
    /// The breaker counts by itself again.
    FreeBreaker,
    RunSchedule,
    PauseSchedule,
    ResumeSchedule,
}

impl QueueAction {
    /// The word in a form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::OpenBreaker => "open_breaker",
            Self::CloseBreaker => "close_breaker",
            Self::FreeBreaker => "free_breaker",
            Self::RunSchedule => "run_schedule",
            Self::PauseSchedule => "pause_schedule",
            Self::ResumeSchedule => "resume_schedule",
        }
    }
}

/// The form of such an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCommand {
    pub action: QueueAction,
    /// The name of a type, or the id of a schedule.
    pub subject: String,
    /// Why a type is paused.
    #[serde(default)]
    pub reason: Option<String>,
    /// Which graphs are shown meanwhile.
    #[serde(default)]
    pub period: Period,
}

/// Groups of the dead letter that are shown at once.
pub const DEAD_GROUPS_AT_MOST: usize = 200;

/// Tasks of the dead letter that died of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadGroup {
    pub task_type: String,
    /// The last error, with `#` for what differs from task to task.
    pub error: String,
    pub tasks: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Seconds since the first one.
    pub age_seconds: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_says_what_is_wrong_with_it() {
        let worker = WorkerSeen {
            id: 1,
            host: "here".into(),
            pid: 1,
            version: "1".into(),
            task_types: Vec::new(),
            concurrency: 1,
            started_at: DateTime::UNIX_EPOCH,
            renewed_seconds: 5.0,
            lease_seconds: 10.0,
            is_draining: false,
            running: 0,
            done: 0,
            fenced_out: 0,
        };
        let kind = TypeSeen {
            task_type: "letter".into(),
            paused_at: None,
            paused_reason: None,
            breaker: BreakerState::Closed,
            is_breaker_manual: false,
            breaker_failures: 0,
            probe_at: None,
            max_running: None,
            rate_per_second: None,
        };
        let lane = LaneDepth {
            task_type: "letter".into(),
            priority: Priority::Normal,
            ready: 1,
            oldest_ready_seconds: Some(9.0),
        };
        let health = QueueHealth {
            oldest_xmin_age: None,
            oldest_transaction_seconds: None,
            dead_rows: 40_000,
            live_rows: 0,
            vacuumed_seconds: None,
            bell_seconds: Some(0.004),
        };
        let host =
            HostSeen { host: "shop.example:443".into(), breaker: BreakerState::Closed, failures: 4, probe_at: None };
        let dead = DeadOfType { task_type: "letter".into(), tasks: 7, of_a_day: 0 };
        let (lanes, types, hosts, workers, dead) = (vec![lane], vec![kind], vec![host], vec![worker], vec![dead]);
        let seen_at = DateTime::UNIX_EPOCH;
        let seen = QueueSeen { seen_at, lanes, types, hosts, workers, running: Vec::new(), dead, health };
        assert_eq!(seen.complaints(), Vec::<String>::new());
        let wrong: [fn(&mut QueueSeen); 9] = [
            |seen| seen.workers[0].lease_seconds = -1.0,
            |seen| seen.types[0].paused_at = Some(DateTime::UNIX_EPOCH),
            |seen| seen.types[0].breaker = BreakerState::HalfOpen,
            |seen| seen.hosts[0].breaker = BreakerState::Open,
            |seen| seen.dead[0].of_a_day = 1,
            |seen| seen.lanes[0].oldest_ready_seconds = Some(301.0),
            |seen| seen.health.oldest_transaction_seconds = Some(601.0),
            |seen| seen.health.dead_rows = 60_000,
            |seen| seen.health.bell_seconds = Some(1.1),
        ];
        for spoil in wrong {
            let mut seen = seen.clone();
            spoil(&mut seen);
            assert_eq!(seen.complaints().len(), 1, "{seen:?}");
        }
    }
}
