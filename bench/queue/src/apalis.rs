//! The crates `apalis` and `apalis-postgres`.

use ::apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::producer;
use crate::settings::Settings;
use crate::tally::{self, Payload};

const QUEUE: &str = "noop";
const AT_ONCE: u64 = 10_000;
/// The default of the pool that its examples use.
const CONNECTIONS: u32 = 10;

pub async fn set_up(url: &str) -> anyhow::Result<()> {
    Ok(PostgresStorage::setup(&pool(url).await?).await?)
}

pub async fn enqueue(url: &str, count: u64) -> anyhow::Result<()> {
    let pool = pool(url).await?;
    for from in (0..count).step_by(AT_ONCE as usize) {
        let task = |n| Ok(TaskBuilder::new(serde_json::to_vec(&Payload { n, sent_us: None })?).build());
        let tasks = (from..count.min(from + AT_ONCE)).map(task).collect::<anyhow::Result<Vec<_>>>()?;
        apalis_postgres::queries::push_tasks(&mut *pool.acquire().await?, QUEUE, tasks).await?;
    }
    Ok(())
}

pub async fn work(url: &str, settings: &Settings) -> anyhow::Result<()> {
    let pool = pool(url).await?;
    let mut config = Config::default().queue(QUEUE);
    if let Some(size) = settings.number("batch_size") {
        config = config.batch_size(size);
    }
    if let Some(locks) = settings.number("lock_tasks") {
        config = config.lock_tasks(locks != 0);
    }
    let storage: PostgresStorage<Payload> = PostgresStorage::new(&pool).with_config(config);
    let builder = WorkerBuilder::new("bench");
    // Each is a type of its own.
    match settings.millis("pubsub_poll_ms") {
        Some(interval) => {
            let backend = storage.with_pubsub().poll_with_interval(interval);
            builder.backend(backend).parallelize(tokio::spawn).build(run).run().await?;
        }
        None => builder.backend(storage).build(run).run().await?,
    }
    Ok(())
}

async fn run(payload: Payload) -> Result<(), BoxDynError> {
    tally::count(payload);
    Ok(())
}

#[derive(Clone)]
pub struct Sender(PgPool);

impl Sender {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        Ok(Self(PgPoolOptions::new().max_connections(producer::AT_ONCE as u32).connect(url).await?))
    }
}

impl producer::Send for Sender {
    async fn send(&self, payload: Payload) -> anyhow::Result<()> {
        let task = TaskBuilder::new(serde_json::to_vec(&payload)?).build();
        apalis_postgres::queries::push_tasks(&mut *self.0.acquire().await?, QUEUE, vec![task]).await?;
        Ok(())
    }
}

async fn pool(url: &str) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?)
}
