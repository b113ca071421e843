//! A worker under torture: kinds that behave badly, and a ledger of what they really did.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use server::db::{self, Patience};
use server::tasks::kinds::{BreakerPolicy, Context, Kind, Kinds, Policy, Stop, Work};
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

static DESK: OnceLock<Desk> = OnceLock::new();

/// Where the kinds of this process write, and where they look.
struct Desk {
    pen: Pen,
    dir: PathBuf,
}

fn desk() -> &'static Desk {
    DESK.get().expect("a worker under torture has a ledger")
}

/// While this file exists, what [`Dependent`] depends on is down.
pub fn down(dir: &Path) -> PathBuf {
    dir.join("dependency.down")
}

/// Works until it is told to end, or worse.
pub async fn run(config: Config, flags: Flags) -> anyhow::Result<ExitCode> {
    let pen = Pen::new(&flags.ledger)?;
    drop(DESK.set(Desk { pen, dir: flags.ledger }));
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
    fn of<T: Treated>() -> Kind {
        Kind::of::<Tortured<T>>()
    }
    let kinds = kinds.and(of::<Free>()).and(of::<Limited>()).and(of::<Serial>());
    kinds.and(of::<Unique>()).and(of::<Dependent>()).and(of::<Scheduled>())
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
    /// Holds a thread of the runtime, sometimes for longer than a lease.
    Blocks,
    Allocates,
    Snoozes,
    /// An effect in its own transaction.
    Effect,
    /// Fails while a file exists.
    Depends,
    Fatal,
    /// Takes the whole process with it.
    Aborts,
    /// Does so by calling itself until the stack is full.
    Overflows,
}

/// What harms the worker that runs it.
pub const MISBEHAVIOURS: [Behaviour; 5] =
    [Behaviour::Panics, Behaviour::Blocks, Behaviour::Allocates, Behaviour::Aborts, Behaviour::Overflows];

#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub behaviour: Behaviour,
    pub millis: u64,
    /// The unique key, where the task has one.
    pub key: Option<String>,
}

impl From<Behaviour> for Payload {
    fn from(behaviour: Behaviour) -> Self {
        Self { behaviour, millis: 1, key: None }
    }
}

/// Writes the end of an execution, however it ends.
struct Written {
    context: Context,
    kind: String,
}

impl Written {
    fn begin(context: &Context, kind: String) -> Self {
        desk().pen.write('B', context.task_id(), context.lease_epoch(), context.worker(), &kind);
        Self { context: context.clone(), kind }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let context = &self.context;
        desk().pen.write('E', context.task_id(), context.lease_epoch(), context.worker(), &self.kind);
    }
}

async fn behave(payload: Payload, context: &Context, kind: &'static str) -> Result<Value, Stop> {
    let name = payload.key.map_or_else(|| kind.to_owned(), |key| format!("{kind}:{key}"));
    let _written = Written::begin(context, name);
    let time = Duration::from_millis(payload.millis);
    let result = json!({"worker": context.worker(), "epoch": context.lease_epoch()});
    match payload.behaviour {
        Behaviour::Quick => {}
        Behaviour::FailsFirst if context.attempt() == 1 => return Err(Stop::Retry("on purpose".into())),
        Behaviour::Slow | Behaviour::FailsFirst => {
            // Long enough to meet the settlement of the first attempt, if that is sent once more or arrives late.
            let more = if payload.behaviour == Behaviour::FailsFirst { Duration::from_secs(1) } else { Duration::ZERO };
            tokio::select! {
                () = tokio::time::sleep(time + more) => {}
                () = context.cancel.cancelled() => return Err(Stop::Cancelled),
            }
        }
        Behaviour::Panics => panic!("on purpose"),
        Behaviour::Blocks => std::thread::sleep(time),
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
        Behaviour::Depends if down(&desk().dir).exists() => return Err(Stop::Retry("the dependency is down".into())),
        Behaviour::Depends => {}
        Behaviour::Fatal => return Err(Stop::Fatal("on purpose".into())),
        Behaviour::Aborts => std::process::abort(),
        Behaviour::Overflows => assert_ne!(deeper(1), 0),
    }
    Ok(result)
}

/// Has no end that would fit on a stack.
fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 1024]);
    if depth == u64::MAX { depth } else { deeper(depth + 1) ^ frame[0] }
}

fn hasty() -> Policy {
    let retry = RetryStrategy::Fixed { interval: 0.0, max_attempts: 5 };
    Policy { retry, timeout: Duration::from_secs(20), breaker: None, ..Policy::default() }
}

/// What tells one kind under torture from another; the payload says how each task behaves.
trait Treated: Send + 'static {
    const NAME: &'static str;
    const DESCRIPTION: &'static str;

    fn policy() -> Policy {
        hasty()
    }
}

/// A kind under torture.
#[derive(Deserialize)]
#[serde(transparent, bound = "")]
struct Tortured<T>(Payload, PhantomData<T>);

impl<T: Treated> Work for Tortured<T> {
    const NAME: &'static str = T::NAME;
    const DESCRIPTION: &'static str = T::DESCRIPTION;

    fn policy() -> Policy {
        T::policy()
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        behave(self.0, context, T::NAME).await
    }
}

/// Without limits.
struct Free;

impl Treated for Free {
    const NAME: &'static str = "chaos_free";
    const DESCRIPTION: &'static str = "Behaves badly.";
}

/// [`LIMIT`] at once.
struct Limited;

impl Treated for Limited {
    const NAME: &'static str = "chaos_limited";
    const DESCRIPTION: &'static str = "Behaves badly, a few at once.";

    fn policy() -> Policy {
        Policy { max_running: Some(LIMIT), ..hasty() }
    }
}

/// One after the other.
struct Serial;

impl Treated for Serial {
    const NAME: &'static str = "chaos_serial";
    const DESCRIPTION: &'static str = "Behaves badly, one at a time.";

    fn policy() -> Policy {
        Policy { max_running: Some(1), ..hasty() }
    }
}

/// One for each key.
struct Unique;

impl Treated for Unique {
    const NAME: &'static str = "chaos_unique";
    const DESCRIPTION: &'static str = "Behaves badly, once for each key.";
}

/// Needs something that is down at times.
struct Dependent;

impl Treated for Dependent {
    const NAME: &'static str = "chaos_dependent";
    const DESCRIPTION: &'static str = "Fails while what it depends on is down.";

    fn policy() -> Policy {
        let (window, cooldown) = (Duration::from_secs(10), Duration::from_secs(4));
        let breaker = BreakerPolicy { failures: 5, ratio: 0.5, window, cooldown, probes: 2 };
        Policy { breaker: Some(breaker), ..hasty() }
    }
}

/// Comes by a schedule.
struct Scheduled;

impl Treated for Scheduled {
    const NAME: &'static str = "chaos_scheduled";
    const DESCRIPTION: &'static str = "Comes every few seconds.";
}
