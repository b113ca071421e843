//! What every door carries: the database, the settings and the few things a process has one of.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::auth::Hasher;
use crate::mail::Mailer;
use crate::tasks::kinds::{Kinds, webhook};
use crate::tasks::{Bell, Live, queue};
use crate::users::seed;
use crate::{Error, Result, db};

/// Wait between two tries when the database is away.
const AGAIN: Duration = Duration::from_secs(1);

/// The running program. Each task gets one, so it is a single pointer to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the program is made of.
pub struct Parts {
    pub db: PgPool,
    /// The worker's own connections, see [`db::for_the_queue`].
    pub queue_db: PgPool,
    pub config: Arc<Config>,
    /// Argon2 in a bounded pool.
    pub hasher: Hasher,
    /// The way out for letters.
    pub mailer: Mailer,
    /// The way out for webhooks.
    pub webhooks: webhook::Client,
    /// The kinds of task that this program runs.
    pub kinds: Arc<Kinds>,
    /// Tells workers and pages, in all processes, what became of tasks.
    pub bell: Bell,
    /// Task changes, from all processes, for the pages that watch.
    pub live: Live,
    /// Places for streams of live events.
    pub live_streams: Arc<Semaphore>,
    pub started_at: Instant,
    /// Triggered once, when the process is told to end.
    pub stopping: CancellationToken,
    prepared: AtomicBool,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Assembles the program around a pool. Nothing is started yet.
    pub fn new(db: PgPool, config: Config) -> Self {
        Self::with_kinds(db, config, Kinds::default())
    }

    /// The same, with other kinds of task than those that come with the product.
    pub fn with_kinds(db: PgPool, config: Config, kinds: Kinds) -> Self {
        let live = Live::default();
        let config = Arc::new(config);
        Self(Arc::new(Parts {
            queue_db: db::for_the_queue(&db, &config),
            db,
            hasher: Hasher::new(config.auth.hash_concurrency, config.auth.hash_niceness),
            mailer: Mailer::new(config.clone()),
            webhooks: webhook::Client::new(&config.webhook),
            kinds: Arc::new(kinds),
            bell: Bell::new(live.clone()),
            live,
            live_streams: Arc::new(Semaphore::new(config.server.max_live_streams)),
            config,
            started_at: Instant::now(),
            stopping: CancellationToken::new(),
            prepared: AtomicBool::default(),
        }))
    }

    /// Whether [`App::prepare`] has succeeded.
    pub fn is_prepared(&self) -> bool {
        self.prepared.load(Ordering::Acquire)
    }

    /// Brings the schema up to date, registers the task types and creates the initial administrator.
    pub async fn prepare(&self) -> Result<()> {
        db::migrate(&self.db, &self.config.database).await?;
        queue::register(&self.db, self.kinds.iter()).await?;
        queue::make_history(&self.db).await?;
        seed::initial_admin(self).await?;
        self.prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Listens to other processes and rings for this one, until the token is triggered; what was rung by then is still sent.
    pub async fn keep_in_touch(self, until: CancellationToken) {
        let notifies = self.config.database.notifications;
        let ringing = self.bell.clone().ring(self.db.clone(), notifies, until.clone());
        if notifies {
            tokio::join!(ringing, self.live.clone().listen(self.db.clone(), until));
        } else {
            ringing.await;
        }
    }

    /// Prepares, trying again while the database is away; refuses when it is there and the preparation fails.
    pub async fn prepare_when_reachable(&self) -> Result<()> {
        loop {
            match self.db.acquire().await {
                Ok(conn) => {
                    drop(conn);
                    return self.prepare().await;
                }
                Err(error) if crate::error::is_away(&error) => {
                    tracing::warn!(error = %error, "the database is away; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(Error::Broken(error.into())),
            }
        }
    }
}
