//! What every door carries: the database, the settings and the few things a process has one of.

use std::sync::Arc;
use std::time::Instant;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::auth::Hasher;
use crate::tasks::Live;

/// The running program, cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: PgPool,
    pub config: Arc<Config>,
    /// Argon2 in a bounded pool.
    pub hasher: Hasher,
    /// Task changes, from all processes, for the pages that watch.
    pub live: Live,
    pub started_at: Instant,
    /// Triggered once, when the process is told to end.
    pub stopping: CancellationToken,
}

impl App {
    /// Assembles the program around a pool. Nothing is started yet.
    pub fn new(db: PgPool, config: Config) -> Self {
        Self {
            db,
            hasher: Hasher::new(config.auth.hash_concurrency),
            config: Arc::new(config),
            live: Live::default(),
            started_at: Instant::now(),
            stopping: CancellationToken::new(),
        }
    }
}
