//! `starter chaos`: breaks what the task engine stands on, on purpose, and proves that nothing is lost.

mod faults;
mod judge;
mod ledger;
mod produce;
mod proxy;
mod team;
mod witness;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use server::db::{self, Patience};
use server::tasks::kinds::Kinds;
use server::{App, Config};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use faults::Faults;
use proxy::Proxy;
use team::Team;

/// The lease of the workers under torture, in seconds: short, so that many of them lapse.
const LEASE_SECONDS: u32 = 3;
/// How long everything may take to come to its end after the last fault.
const CALM: Duration = Duration::from_secs(90);

#[derive(Subcommand)]
pub enum Chaos {
    /// Kill workers and PostgreSQL, cut and delay connections, and check that no task is lost or accepted twice
    Torture(Torture),
    /// One of the workers under torture; started by `torture`
    #[command(hide = true)]
    Worker(worker::Flags),
}

#[derive(Args)]
pub struct Torture {
    /// How long faults are made
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Fixes which faults come in which order; the operating system decides about the rest
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Worker processes
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Take a part of the engine away, to see that this is noticed
    #[arg(long, value_enum)]
    sabotage: Option<Sabotage>,
    /// Where the cluster of the run and its ledger are kept; emptied first
    #[arg(long, default_value = ".data/chaos")]
    dir: PathBuf,
    /// Torture the database in DATABASE_URL, a copy that may be ruined, instead of a fresh cluster: its tasks are thrown away, its schedules
    /// paused; PostgreSQL itself is left alone
    #[arg(long)]
    copy: bool,
    /// A small volume of its own for the cluster, a tmpfs of 2 GiB for example; with it, the disk is full from time to time
    #[arg(long, conflicts_with = "copy")]
    volume: Option<PathBuf>,
}

/// A condition that the proxy takes out of the workers' statements on their way to PostgreSQL, so the engine itself has no switch for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// A settlement does not look at the lease epoch; nothing is broken then but the answers to settlements
    Fencing,
    /// Nobody looks after workers that died
    Rescue,
    /// A settlement looks at neither the lease epoch nor the worker; the rest is as with `fencing`
    Completion,
}

impl Sabotage {
    /// What is looked for; it is replaced by something that is always so, or never, of the same length.
    fn rule(self) -> (&'static str, &'static str) {
        match self {
            Self::Fencing => ("lease_epoch = ($3::int[])[width_bucket(id, $2)]", "true"),
            Self::Rescue => ("lease_until < now()", "false"),
            Self::Completion => ("worker_id = $1 and lease_epoch = ($3::int[])[width_bucket(id, $2)]", "true"),
        }
    }
}

/// What all actors share.
#[derive(Clone)]
pub struct Scene {
    app: App,
    /// Triggered when the time for faults is over.
    calm: CancellationToken,
    counts: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Scene {
    fn db(&self) -> &PgPool {
        &self.app.db
    }

    /// Counts something that was done, for the report.
    fn did(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// Waits, but not into the calm. Says whether it is still time for faults.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.calm.cancelled() => false,
        }
    }
}

/// Runs the chaos that was asked for.
///
/// # Errors
/// When it could not be set up; a broken invariant is told by the exit code.
pub async fn run(config: Config, chaos: Chaos) -> anyhow::Result<ExitCode> {
    match chaos {
        Chaos::Torture(options) => torture(config, options).await,
        Chaos::Worker(flags) => worker::run(config, flags).await,
    }
}

async fn torture(mut config: Config, options: Torture) -> anyhow::Result<ExitCode> {
    ensure!(options.workers >= 2, "--workers must be at least 2, or nobody looks after the dead");
    ensure!(
        options.copy || config.database.url.is_none(),
        "DATABASE_URL is set: say --copy if that database may be ruined"
    );
    ensure!(!options.copy || config.database.url.is_some(), "--copy needs DATABASE_URL");
    if let Some(url) = &config.database.url {
        ensure!(
            !Proxy::is_kept_out(url.expose_secret())?,
            "torture reads what travels to the database: say sslmode=disable"
        );
    }
    ledger::empty(&options.dir)?;
    // What an earlier run left that was killed.
    let ballast = options.volume.iter().map(|volume| volume.join(faults::BALLAST));
    for left in [options.dir.join(team::LOG), worker::down(&options.dir)].into_iter().chain(ballast) {
        drop(std::fs::remove_file(left));
    }
    let cluster = options.volume.as_ref().unwrap_or(&options.dir).join("postgres");
    if !options.copy {
        embedded_postgres::remove(&cluster).context("removing the cluster of an earlier run")?;
        config.database.data_dir = cluster;
    }
    config.worker.lease_seconds = LEASE_SECONDS;
    let database = db::open(&config, Patience::Worker).await?;
    let url = match &config.database.url {
        Some(url) => url.expose_secret().to_owned(),
        None => database.embedded_url().context("the embedded PostgreSQL has no address")?,
    };
    let app = App::with_kinds(database.pool.clone(), config, worker::kinds(Kinds::default()));
    app.prepare().await.map_err(server::Error::into_fault)?;
    witness::prepare(&app.db).await?;

    let scene = Scene { app, calm: CancellationToken::new(), counts: Arc::default() };
    let verdict = act(&scene, &url, &options).await;
    database.close().await;
    verdict
}

async fn act(scene: &Scene, url: &str, options: &Torture) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    println!("torture: {} s of faults with seed {}", options.seconds, options.seed);
    let proxy = Proxy::start(url, options.sabotage.map(Sabotage::rule)).await?;
    let mut team = Team::new(options.workers, proxy.clone(), &options.dir);
    team.fill(scene).await?;
    let produced = produce::start(scene, options.seed, &worker::down(&options.dir));
    let faults = Faults::new(scene.clone(), proxy, options);
    let broken = faults.make(&mut team, Duration::from_secs(options.seconds), &options.dir).await?;
    scene.calm.cancel();
    answered(async || witness::stop_schedule(scene.db()).await).await?;
    println!("torture: calm after {:.0} s; waiting for everything to end", begun.elapsed().as_secs_f64());
    let produced = produced.finish().await?;
    team.fill(scene).await?;
    let broken = match broken {
        Some(broken) => vec![broken],
        None => {
            let late = until_ended(scene, &mut team).await?;
            team.end().await;
            let judged = answered(async || judge::judge(scene.db(), &options.dir, &produced).await).await?;
            [late, judged].concat()
        }
    };
    report(scene, &options.dir, &produced, team.killed())?;
    for one in &broken {
        println!("BROKEN {one}");
    }
    let seed = options.seed;
    match broken.len() {
        0 => println!("torture: no invariant is broken (seed {seed})"),
        count => {
            println!("torture: {count} broken invariants (seed {seed}); the ledger is in {}", options.dir.display());
        }
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks until there is an answer, as long as the calm may take: the last fault may have ended the run's own sessions, or the cluster.
async fn answered<T>(ask: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(_) if begun.elapsed() < CALM => tokio::time::sleep(Duration::from_millis(200)).await,
            answer => return answer,
        }
    }
}

/// Tasks of one type that have not ended.
struct Left {
    name: String,
    count: i64,
    running: i64,
    waiting: i64,
}

/// Waits until every task has ended. What has not by then is lost.
async fn until_ended(scene: &Scene, team: &mut Team) -> anyhow::Result<Vec<String>> {
    let begun = Instant::now();
    while begun.elapsed() < CALM {
        team.fill(scene).await?;
        if let Ok(0) = sqlx::query_scalar!(r#"select count(*) as "count!" from tasks"#).fetch_one(scene.db()).await {
            return Ok(Vec::new());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let left = sqlx::query_as!(
        Left,
        r#"
        select name, count(*) as "count!", count(worker_id) as "running!", count(*) filter (where run_at is not null) as "waiting!"
        from tasks
        join task_types on task_types.id = task_type_id
        group by name
        "#
    )
    .fetch_all(scene.db())
    .await?;
    let told = |Left { name, count, running, waiting }: Left| {
        format!("{count} of {name}, of which {running} run and {waiting} wait for a time")
    };
    let left: Vec<_> = left.into_iter().map(told).collect();
    Ok(vec![format!("1 (no loss): not ended {} s after the last fault: {}", CALM.as_secs(), left.join("; "))])
}

/// What was done, and how it went.
fn report(scene: &Scene, dir: &Path, produced: &produce::Produced, killed: &[ledger::Killed]) -> anyhow::Result<()> {
    for (what, count) in scene.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
        println!("  {count:>8} {what}");
    }
    println!(
        "  {:>8} tasks committed, {} rolled back, {} unsure",
        produced.committed.len(),
        produced.rolled_back.len(),
        produced.unsure.len()
    );
    let ledger = ledger::read(dir)?;
    println!("  {:>8} executions in the ledger", ledger.executions.len());
    let restarts = ledger.restarts(killed);
    if let (Some(longest), Some(half), Some(most)) =
        (restarts.last(), restarts.get(restarts.len() / 2), restarts.get(restarts.len() * 99 / 100))
    {
        let [half, most, longest] = [half, most, longest].map(|micros| ledger::words(*micros));
        println!(
            "  {:>8} tasks of killed workers began again; half of them within {half}, 99 of 100 within {most}, the last within {longest}",
            restarts.len()
        );
    }
    Ok(())
}
