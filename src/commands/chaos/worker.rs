//! A worker under torture: kinds that behave badly, and a ledger of what they really did.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use server::db::{self, Patience};
use server::tasks::kinds::{Context, Kind, Kinds, Policy, Stop, Work};
use server::tasks::worker;
use server::{App, Config};
use tokio_util::sync::CancellationToken;

use super::ledger::Pen;
use model::tasks::RetryStrategy;

/// The most that a limited kind runs at once.
pub const LIMIT: i32 = 3;

#[derive(Args)]
pub struct Flags {
    /// The folder of the ledger
    #[arg(long)]
    ledger: PathBuf,
}

static PEN: OnceLock<Arc<Pen>> = OnceLock::new();

/// Works until it is told to end, or worse.
pub async fn run(config: Config, flags: Flags) -> anyhow::Result<ExitCode> {
    drop(PEN.set(Arc::new(Pen::new(&flags.ledger)?)));
    std::thread::spawn(|| {
        // The torture holds the other end. When it is gone, so is this.
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(1);
    });
    let database = db::open(&config, Patience::Worker).await?;
    let app = App::with_kinds(database.pool.clone(), config, kinds(Kinds::default()));
    crate::commands::stop_at_signal(app.stopping.clone())?;
    let closing = CancellationToken::new();
    let touch = tokio::spawn(app.clone().keep_in_touch(closing.clone()));
    worker::run(app).await;
    closing.cancel();
    touch.await?;
    Ok(ExitCode::SUCCESS)
}

/// The kinds under torture.
pub fn kinds(kinds: Kinds) -> Kinds {
    kinds.and(Kind::of::<Free>()).and(Kind::of::<Limited>()).and(Kind::of::<Serial>())
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    Quick,
    /// Longer than a lease, sometimes; heeds its token.
    Slow,
    /// The first attempt fails at once, the next one is slow: a settlement that is sent twice then meets a running attempt.
    FailsFirst,
    Panics,
    /// Holds a thread of the runtime.
    Blocks,
    Allocates,
    Snoozes,
    /// An effect in its own transaction.
    Effect,
    Fatal,
    /// Takes the whole process with it.
    Aborts,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub behaviour: Behaviour,
    pub millis: u64,
}

/// Writes the end of an execution, however it ends.
struct Written {
    pen: Arc<Pen>,
    context: Context,
    kind: &'static str,
}

impl Written {
    fn begin(context: &Context, kind: &'static str) -> Self {
        let pen = PEN.get().expect("a worker under torture has a ledger").clone();
        pen.write('B', context.task_id(), context.lease_epoch(), context.worker(), kind);
        Self { pen, context: context.clone(), kind }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let context = &self.context;
        self.pen.write('E', context.task_id(), context.lease_epoch(), context.worker(), self.kind);
    }
}

async fn behave(payload: Payload, context: &Context, kind: &'static str) -> Result<Value, Stop> {
    let _written = Written::begin(context, kind);
    let time = Duration::from_millis(payload.millis);
    let result = json!({"worker": context.worker(), "epoch": context.lease_epoch()});
    match payload.behaviour {
        Behaviour::Quick => {}
        Behaviour::FailsFirst if context.attempt() == 1 => return Err(Stop::Retry("on purpose".into())),
        Behaviour::Slow | Behaviour::FailsFirst => {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = context.cancel.cancelled() => return Err(Stop::Cancelled),
            }
        }
        Behaviour::Panics => panic!("on purpose"),
        Behaviour::Blocks => std::thread::sleep(time.min(Duration::from_millis(500))),
        Behaviour::Allocates => drop(std::hint::black_box(vec![1_u8; 32 * 1024 * 1024])),
        // About every second time it is looked at.
        Behaviour::Snoozes if context.lease_epoch() % 4 == 1 => {
            return Err(Stop::Snooze(time.min(Duration::from_millis(300))));
        }
        Behaviour::Snoozes => {}
        Behaviour::Effect => {
            let mut tx = context.begin().await?;
            let effect = sqlx::query("insert into chaos_effects (task_id, worker_id) values ($1, $2)");
            let effect = effect.bind(context.task_id()).bind(context.worker());
            effect.execute(&mut *tx).await.map_err(|error| Stop::Retry(error.to_string()))?;
            return context.complete_in(tx, result).await;
        }
        Behaviour::Fatal => return Err(Stop::Fatal("on purpose".into())),
        Behaviour::Aborts => std::process::abort(),
    }
    Ok(result)
}

fn hasty() -> Policy {
    let retry = RetryStrategy::Fixed { interval: 0.0, max_attempts: 5 };
    Policy { retry, timeout: Duration::from_secs(20), breaker: None, ..Policy::default() }
}

/// Without limits.
#[derive(Deserialize)]
#[serde(transparent)]
struct Free(Payload);

impl Work for Free {
    const NAME: &'static str = "chaos_free";
    const DESCRIPTION: &'static str = "Behaves badly.";

    fn policy() -> Policy {
        hasty()
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        behave(self.0, context, Self::NAME).await
    }
}

/// [`LIMIT`] at once.
#[derive(Deserialize)]
#[serde(transparent)]
struct Limited(Payload);

impl Work for Limited {
    const NAME: &'static str = "chaos_limited";
    const DESCRIPTION: &'static str = "Behaves badly, a few at once.";

    fn policy() -> Policy {
        Policy { max_running: Some(LIMIT), ..hasty() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        behave(self.0, context, Self::NAME).await
    }
}

/// One after the other.
#[derive(Deserialize)]
#[serde(transparent)]
struct Serial(Payload);

impl Work for Serial {
    const NAME: &'static str = "chaos_serial";
    const DESCRIPTION: &'static str = "Behaves badly, one at a time.";

    fn policy() -> Policy {
        Policy { max_running: Some(1), ..hasty() }
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        behave(self.0, context, Self::NAME).await
    }
}
