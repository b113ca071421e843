//! Our own engine, by what the product offers to everybody.

use anyhow::Context as _;
use model::tasks::NewTask;
use serde_json::{Value, json};
use server::db::{self, Patience};
use server::tasks::kinds::{Context, Kind, Kinds, Stop, Work};
use server::tasks::{self, Call, NewBatch, enqueue::enqueue_many_in, worker};
use server::{App, Config};

use crate::producer;
use crate::settings::Settings;
use crate::tally::{self, Payload};

/// Tasks of one transaction: what the product allows.
const AT_ONCE: u64 = 1000;

struct Noop(Payload);

impl<'de> serde::Deserialize<'de> for Noop {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Payload::deserialize(from).map(Self)
    }
}

impl Work for Noop {
    const NAME: &'static str = "noop";
    const DESCRIPTION: &'static str = "Does nothing.";

    async fn run(self, _: &Context) -> Result<Value, Stop> {
        tally::count(self.0);
        Ok(Value::Null)
    }
}

pub async fn set_up(url: &str) -> anyhow::Result<()> {
    open(url, &Settings::default()).await?.prepare().await.map_err(server::Error::into_fault)
}

pub async fn enqueue(url: &str, count: u64) -> anyhow::Result<()> {
    let app = open(url, &Settings::default()).await?;
    for from in (0..count).step_by(AT_ONCE as usize) {
        enqueue_all(&app, (from..count.min(from + AT_ONCE)).map(|n| Payload { n, sent_us: None })).await?;
    }
    Ok(())
}

async fn enqueue_all(app: &App, payloads: impl Iterator<Item = Payload>) -> anyhow::Result<()> {
    let batch = NewBatch { tasks: payloads.map(task).collect(), ..NewBatch::default() };
    let mut tx = db::begin(&app.db).await?;
    enqueue_many_in(app, &mut tx, None, batch).await.map_err(server::Error::into_fault)?;
    tx.commit().await?;
    Ok(())
}

/// The same steps as `starter worker`.
pub async fn work(url: &str, settings: &Settings) -> anyhow::Result<()> {
    let app = open(url, settings).await?;
    app.prepare_when_reachable().await.map_err(server::Error::into_fault)?;
    tokio::spawn(app.clone().keep_in_touch(app.stopping.clone()));
    worker::run(app).await;
    Ok(())
}

#[derive(Clone)]
pub struct Sender(App);

impl Sender {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let app = open(url, &Settings::default()).await?;
        tokio::spawn(app.clone().keep_in_touch(app.stopping.clone()));
        Ok(Self(app))
    }
}

impl producer::Send for Sender {
    async fn send(&self, payload: Payload) -> anyhow::Result<()> {
        tasks::enqueue(&self.0, None, task(payload)).await.map_err(server::Error::into_fault)?;
        Ok(())
    }

    async fn send_all(&self, payloads: Vec<Payload>) -> anyhow::Result<()> {
        enqueue_all(&self.0, payloads.into_iter()).await?;
        self.0.bell.ready(Call::types([Noop::NAME]));
        Ok(())
    }
}

pub async fn open(url: &str, settings: &Settings) -> anyhow::Result<App> {
    let mut config = Config::default();
    config.database.url = Some(url.to_owned().into());
    let worker = &mut config.worker;
    worker.concurrency = settings.number("concurrency").unwrap_or(worker.concurrency);
    let database = db::open(&config, Patience::Worker).await.context("the database")?;
    Ok(App::with_kinds(database.pool, config, Kinds::default().and(Kind::of::<Noop>())))
}

fn task(payload: Payload) -> NewTask {
    NewTask { task_type: Noop::NAME.into(), payload: json!(payload), ..NewTask::default() }
}
