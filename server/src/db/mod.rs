//! The database: the given one, or the program's own embedded cluster, and the migrations.

mod migrate;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::{Embedded, Options};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool, Postgres, Transaction};

use crate::Config;
use crate::config::DatabaseConfig;

pub use migrate::{MIGRATOR, is_owner, migrate, pending_migrations};
pub use transport::complaint;

/// The name of the database in the embedded cluster.
const EMBEDDED_DATABASE: &str = "starter";

/// How patient a program is with its pool: a web request answers 503 soon, a worker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Web,
    Worker,
}

/// A pool, and the embedded cluster behind it, which runs at least as long as this value lives.
pub struct Database {
    pub pool: PgPool,
    embedded: Option<Arc<Embedded>>,
}

/// Opens the configured database, starting the embedded cluster when no address is configured.
///
/// With an address nothing is contacted yet, so the program also starts while its database is away.
pub async fn open(config: &Config, patience: Patience) -> anyhow::Result<Database> {
    if let Some(complaint) = complaint(&config.database) {
        tracing::warn!("{complaint}");
    }
    let embedded = match &config.database.url {
        Some(_) => None,
        None => Some(Arc::new(start_embedded(&config.database).await?)),
    };
    let url = match (&config.database.url, &embedded) {
        (Some(url), _) => url.expose_secret().to_owned(),
        (None, Some(embedded)) => embedded.database_url(),
        (None, None) => unreachable!("one of the two was just made"),
    };
    let options: PgConnectOptions = url.parse().context("DATABASE_URL is not a PostgreSQL address")?;
    // Compiling a statement of a page takes ten times as long as running it.
    let options = with_settings(options.application_name("starter"), &config.database, &[("jit", "off")]);
    let acquire_timeout = match patience {
        Patience::Web => Duration::from_millis(config.database.acquire_timeout_ms),
        Patience::Worker => Duration::from_secs(30),
    };
    let pool = PgPoolOptions::new()
        .max_connections(config.database.max_connections)
        .acquire_timeout(acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|conn, about| {
            Box::pin(async move {
                if about.idle_for >= TRUSTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    let database = Database { pool, embedded };
    database.keep_embedded_running();
    Ok(database)
}

/// Connections that a worker needs at one time: for a claim, two settlements and a last one, the lease, and a chore.
const FOR_THE_QUEUE: u32 = 6;

/// A worker's own connections to the same database, made when they are needed. Attempts cannot take them, so the lease is renewed while they hold
/// all others. And PostgreSQL reads no table from one end to the other there as long as an index will do: a plan that was made while `tasks` was
/// empty is kept, and for an empty table the planner takes no index, however many tasks come then. What has waited for a lock as long as the
/// worker waits for an answer gives its connection back.
pub fn for_the_queue(pool: &PgPool, config: &Config) -> PgPool {
    let lock_timeout = format!("{}ms", config.worker.lease_seconds * 1000 / 3);
    let settings = [("enable_seqscan", "off"), ("lock_timeout", &lock_timeout)];
    let options = with_settings((*pool.connect_options()).clone(), &config.database, &settings);
    pool.options().clone().max_connections(FOR_THE_QUEUE).connect_lazy_with(options)
}

/// Settings of each connection; a pooler may not know of such.
fn with_settings(options: PgConnectOptions, config: &DatabaseConfig, settings: &[(&str, &str)]) -> PgConnectOptions {
    if config.notifications { options.options(settings.iter().copied()) } else { options }
}

/// A connection that answered within this time is used without asking it first whether it is alive: that would be one more round trip for each
/// statement.
const TRUSTED: Duration = Duration::from_secs(1);

/// For connections in use to be given back at the end of the program.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);

async fn start_embedded(config: &DatabaseConfig) -> anyhow::Result<Embedded> {
    let options = Options {
        data_dir: config.data_dir.clone(),
        database: EMBEDDED_DATABASE.into(),
        durable: config.durable,
        binaries: None,
        settings: Vec::new(),
    };
    let embedded = tokio::task::spawn_blocking(move || Embedded::start(options)).await??;
    tracing::info!(socket_dir = %embedded.socket_dir().display(), "the embedded PostgreSQL is ready");
    Ok(embedded)
}

/// Seconds between two looks at whether the embedded cluster still runs.
const LOOK_SECONDS: u64 = 2;

impl Database {
    /// The address of the embedded cluster, when there is one.
    pub fn embedded_url(&self) -> Option<String> {
        self.embedded.as_ref().map(|embedded| embedded.database_url())
    }

    /// Closes the pool and gives up the share in the embedded cluster; the last program to leave waits until it has stopped.
    pub async fn close(self) {
        // A task that blocks its thread may never give its connection back.
        drop(tokio::time::timeout(CLOSES_WITHIN, self.pool.close()).await);
        if let Some(embedded) = self.embedded {
            // Waiting for PostgreSQL blocks.
            drop(tokio::task::spawn_blocking(move || drop(embedded)).await);
        }
    }

    /// Starts the embedded cluster again when somebody has killed it; the pool then connects anew by itself.
    fn keep_embedded_running(&self) {
        let Some(embedded) = self.embedded.as_ref().map(Arc::downgrade) else { return };
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(LOOK_SECONDS));
            loop {
                ticks.tick().await;
                let Some(embedded) = embedded.upgrade() else { return };
                match tokio::task::spawn_blocking(move || embedded.ensure_running()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(error = %error, "the embedded PostgreSQL does not start"),
                    Err(_) => return,
                }
            }
        });
    }
}

/// What a transaction begins with whose locks others wait for: PostgreSQL ends it when its program stops in the middle, and it does not
/// wait for long itself.
const SHORT: &str = "begin; set local idle_in_transaction_session_timeout = '2s'; set local lock_timeout = '2s'";

/// Begins a transaction. Every transaction of the program begins here, or in one of those below.
///
/// A future may be dropped at any moment: a request that took too long, a worker that lost its lease. sqlx 0.9 does not roll back a `begin`
/// that is dropped before its answer, and the pool would give that connection to somebody whose statements are then never committed. So
/// it is a task of its own, which is not dropped; when nobody takes the transaction, that rolls it back.
///
/// # Errors
/// When the database is away.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    unless_dropped(async move { pool.begin().await }).await
}

/// Begins a transaction that holds locks which other programs wait for.
///
/// # Errors
/// When the database is away.
pub async fn begin_short(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    unless_dropped(async move { pool.begin_with(SHORT).await }).await
}

/// What a transaction begins with that only reads, by conditions of which most do not limit: each plan is made for the values that are given,
/// because one for all of them would read everything.
const READING: &str = "begin read only; set local plan_cache_mode = force_custom_plan";

/// Begins a transaction for a list with filters.
///
/// # Errors
/// When the database is away.
pub async fn begin_reading(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    unless_dropped(async move { pool.begin_with(READING).await }).await
}

/// The same plans for a transaction that also writes.
const CHOOSING: &str = "begin; set local plan_cache_mode = force_custom_plan";

/// Begins a transaction for a change of what a filter leaves.
///
/// # Errors
/// When the database is away.
pub async fn begin_choosing(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    unless_dropped(async move { pool.begin_with(CHOOSING).await }).await
}

async fn unless_dropped<T: Send + 'static>(
    begin: impl Future<Output = sqlx::Result<T>> + Send + 'static,
) -> sqlx::Result<T> {
    tokio::spawn(begin).await.unwrap_or(Err(sqlx::Error::PoolClosed))
}

/// PostgreSQL's version as a number such as 150004, and how many seconds its clock is ahead of this machine's.
pub async fn version_and_clock(pool: &PgPool) -> Result<(i32, f64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select current_setting('server_version_num')::int as "version!", extract(epoch from clock_timestamp())::float8 as "now!""#
    )
    .fetch_one(pool)
    .await?;
    let here = chrono::Utc::now().timestamp_micros() as f64 / 1e6;
    Ok((row.version, row.now - here))
}
