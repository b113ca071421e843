//! The crate `graphile_worker`.

use graphile_worker::{
    Database, IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext, WorkerOptions,
    WorkerUtils,
};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::producer;
use crate::settings::Settings;
use crate::tally::{self, Payload};

const SCHEMA: &str = "graphile_worker";
const AT_ONCE: u64 = 10_000;
/// What the worker makes for itself when it is given an address only.
const CONNECTIONS: usize = 20;

#[derive(serde::Serialize, serde::Deserialize)]
struct Noop(Payload);

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        tally::count(self.0);
        Ok::<(), String>(())
    }
}

pub async fn set_up(url: &str) -> anyhow::Result<()> {
    utils(url).await?.migrate().await?;
    Ok(())
}

pub async fn enqueue(url: &str, count: u64) -> anyhow::Result<()> {
    let utils = utils(url).await?;
    for from in (0..count).step_by(AT_ONCE as usize) {
        let job = |n| RawJobSpec {
            identifier: Noop::IDENTIFIER.into(),
            payload: json!(Payload { n, sent_us: None }),
            spec: JobSpec::default(),
        };
        let jobs: Vec<_> = (from..count.min(from + AT_ONCE)).map(job).collect();
        utils.add_raw_jobs(&jobs).await?;
    }
    Ok(())
}

pub async fn work(url: &str, settings: &Settings) -> anyhow::Result<()> {
    let pool = pool(url, settings.number("connections").unwrap_or(CONNECTIONS)).await?;
    let mut options = WorkerOptions::default().pg_pool(pool).schema(SCHEMA).define_job::<Noop>();
    if let Some(concurrency) = settings.number("concurrency") {
        options = options.concurrency(concurrency);
    }
    if let Some(interval) = settings.millis("poll_ms") {
        options = options.poll_interval(interval);
    }
    if let Some(delay) = settings.millis("complete_batch_delay_ms") {
        options = options.complete_job_batch_delay(delay);
    }
    if let Some(size) = settings.number("local_queue") {
        options = options.local_queue(LocalQueueConfig::default().with_size(size));
    }
    options.init().await?.run().await?;
    Ok(())
}

#[derive(Clone)]
pub struct Sender(WorkerUtils);

impl Sender {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        Ok(Self(utils(url).await?))
    }
}

impl producer::Send for Sender {
    async fn send(&self, payload: Payload) -> anyhow::Result<()> {
        self.0.add_job(Noop(payload), JobSpec::default()).await?;
        Ok(())
    }
}

async fn utils(url: &str) -> anyhow::Result<WorkerUtils> {
    let database: Database = pool(url, CONNECTIONS).await?.into();
    Ok(WorkerUtils::new(database, SCHEMA))
}

async fn pool(url: &str, connections: usize) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(u32::try_from(connections)?).connect(url).await?)
}
