//! Is it well? Every answer comes within 100 ms, also when the database is gone.

pub mod routes;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use model::Problem;
use model::health::{Check, CheckStatus, Documentation, Health, Probe};
use model::rbac::{Action, Relation};
use serde_json::json;

use crate::{Actor, App, Config, Result, db};

/// The longest that a look at the database may take; the rest of 100 ms is for the answer.
const PATIENCE: Duration = Duration::from_millis(70);
/// Free space below which the disk counts as full, and below which it is told, in bytes.
const DISK_FULL: u64 = 64 * 1024 * 1024;
const DISK_LOW: u64 = 1024 * 1024 * 1024;
/// Age of the oldest due task above which the queue is told to be behind, in seconds.
const QUEUE_BEHIND_SECONDS: f64 = 60.0;

/// Whether the service can do its work at all.
pub async fn health(app: &App) -> Result<Health> {
    all_healthy(&only("database", database(app).await))?;
    Ok(Health {
        status: "healthy".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        uptime: app.started_at.elapsed().as_secs(),
        documentation: Documentation { openapi_json: "/api-docs/openapi.json".into(), api_docs: "/api-docs".into() },
    })
}

/// Every check; figures for those only who may see them.
pub async fn detailed(app: &App, actor: Option<&Actor>) -> Result<Probe> {
    let may_see_figures = actor.is_some_and(|actor| actor.may(Action::ReadHealthDetails, Relation::Other));
    let (database, migrations, workers, queue) = tokio::join!(database(app), migrations(app), workers(app), queue(app));
    let named = [
        ("database", database),
        ("migrations", migrations),
        ("workers", workers),
        ("queue", queue),
        ("disk", disk(app)),
    ];
    let hide = |check: Check| if may_see_figures { check } else { Check { details: None, ..check } };
    let checks: BTreeMap<_, _> = named.into_iter().map(|(name, check)| (name.to_owned(), hide(check))).collect();
    all_healthy(&checks)?;
    let worst = checks.values().map(|check| check.status).max();
    let status = if worst == Some(CheckStatus::Degraded) { "degraded" } else { "healthy" };
    Ok(probe(status, None, checks))
}

/// The process answers. Looks at nothing outside of it.
pub fn live() -> Probe {
    probe("alive", Some("liveness"), BTreeMap::new())
}

/// Whether requests should be sent here.
pub async fn ready(app: &App) -> Result<Probe> {
    if app.stopping.is_cancelled() {
        return Err(Problem::Unhealthy { message: "not_ready: the process is stopping".into() }.into());
    }
    let (database, migrations) = tokio::join!(database(app), migrations(app));
    let checks = BTreeMap::from([("database".to_owned(), database), ("migrations".to_owned(), migrations)]);
    all_healthy(&checks)?;
    Ok(probe("ready", Some("readiness"), without_details(checks)))
}

/// Whether the start has been completed: schema up to date, types registered.
pub fn startup(app: &App) -> Result<Probe> {
    if !app.is_prepared() {
        return Err(Problem::Unhealthy { message: "starting: the database is not prepared yet".into() }.into());
    }
    let done = Check { status: CheckStatus::Healthy, message: "The start is completed".into(), details: None };
    Ok(probe("started", Some("startup"), only("start", done)))
}

fn probe(status: &str, name: Option<&str>, checks: BTreeMap<String, Check>) -> Probe {
    Probe { status: status.into(), timestamp: Utc::now(), probe: name.map(Into::into), checks }
}

fn only(name: &str, check: Check) -> BTreeMap<String, Check> {
    BTreeMap::from([(name.to_owned(), check)])
}

fn without_details(checks: BTreeMap<String, Check>) -> BTreeMap<String, Check> {
    checks.into_iter().map(|(name, check)| (name, Check { details: None, ..check })).collect()
}

/// Refuses with the words of the checks that failed; they are ours, never the text of an SQL error.
fn all_healthy(checks: &BTreeMap<String, Check>) -> Result<()> {
    let failed: Vec<_> = checks
        .iter()
        .filter(|(_, check)| check.status == CheckStatus::Unhealthy)
        .map(|(name, check)| format!("{name}: {}", check.message))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(Problem::Unhealthy { message: failed.join("; ") }.into()) }
}

fn unhealthy(message: &str) -> Check {
    Check { status: CheckStatus::Unhealthy, message: message.into(), details: None }
}

async fn within_patience<T>(look: impl Future<Output = sqlx::Result<T>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, look).await.ok()?.ok()
}

async fn database(app: &App) -> Check {
    let began = std::time::Instant::now();
    let answered = within_patience(sqlx::query_scalar!(r#"select 1 as "one!""#).fetch_one(&app.db)).await;
    if answered.is_none() {
        return unhealthy("The database does not answer");
    }
    let details = json!({
        "answer_ms": began.elapsed().as_millis(), "connections": app.db.size(), "idle_connections": app.db.num_idle(),
    });
    Check { status: CheckStatus::Healthy, message: "The database answers".into(), details: Some(details) }
}

async fn migrations(app: &App) -> Check {
    match within_patience(db::pending_migrations(&app.db)).await {
        None => unhealthy("The migrations cannot be read"),
        Some(0) => Check { status: CheckStatus::Healthy, message: "The schema is up to date".into(), details: None },
        Some(pending) => Check { details: Some(json!({"pending": pending})), ..unhealthy("Migrations are pending") },
    }
}

async fn workers(app: &App) -> Check {
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from workers where lease_until > now()"#).fetch_one(&app.db);
    match within_patience(count).await {
        None => unhealthy("The workers cannot be counted"),
        Some(0) => Check {
            status: CheckStatus::Degraded,
            message: "No worker is running; tasks wait".into(),
            details: Some(json!({"workers": 0})),
        },
        Some(count) => Check {
            status: CheckStatus::Healthy,
            message: "Workers are running".into(),
            details: Some(json!({"workers": count})),
        },
    }
}

async fn queue(app: &App) -> Check {
    // The head of each lane, not the backlog.
    let oldest = sqlx::query_scalar!(
        r#"
        select max(extract(epoch from now() - head.updated_at))::float8
        from task_types
        cross join generate_series(0, 3) as lane (priority)
        cross join lateral (
            select updated_at
            from tasks
            where task_type_id = task_types.id and tasks.priority = lane.priority and run_at is null and worker_id is null
            order by seq
            limit 1
        ) as head
        where paused_at is null
        "#
    );
    let Some(seconds) = within_patience(oldest.fetch_one(&app.db)).await else {
        return unhealthy("The queue cannot be read");
    };
    let seconds = seconds.unwrap_or(0.0);
    let (status, message) = if seconds > QUEUE_BEHIND_SECONDS {
        (CheckStatus::Degraded, "Due tasks have been waiting for long")
    } else {
        (CheckStatus::Healthy, "Due tasks are taken up")
    };
    Check { status, message: message.into(), details: Some(json!({"oldest_due_seconds": seconds})) }
}

fn disk(app: &App) -> Check {
    let (_, Ok(free)) = free_space(&app.config) else {
        return Check { status: CheckStatus::Degraded, message: "The free space cannot be read".into(), details: None };
    };
    let (status, message) = match free {
        ..DISK_FULL => (CheckStatus::Unhealthy, "The disk is full"),
        DISK_FULL..DISK_LOW => (CheckStatus::Degraded, "The disk is nearly full"),
        _ => (CheckStatus::Healthy, "There is free space"),
    };
    Check { status, message: message.into(), details: Some(json!({"free_bytes": free})) }
}

/// The free bytes of the disk that holds the data folder, and the folder that was looked at.
pub fn free_space(config: &Config) -> (&Path, std::io::Result<u64>) {
    let data_dir = config.database.data_dir.as_path();
    let folder = data_dir.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    (folder, fs4::available_space(folder))
}
