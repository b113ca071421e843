//! A kind of task that does what its payload says, attempt by attempt.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use server::tasks::kinds::{Context, Kind, Kinds, Policy, Stop, Work};

/// What happens in one attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Ok,
    Retry,
    /// Waits some milliseconds for the database, then fails: quick, but long enough for others to be answered meanwhile.
    RetryLater,
    RetryAfterAnHour,
    SnoozeForAnHour,
    Fatal,
    Panic,
    /// Takes itself back.
    Cancel,
    /// Waits until it is told to stop, and stops.
    Heed,
    /// Waits for ever, whatever it is told.
    Ignore,
    /// Holds its thread until the test drops its [`Gate`].
    Block,
    /// Tells that it is half done, then waits until it is told to stop.
    Half,
    /// Ends well, with a result that PostgreSQL cannot hold as it is.
    Nul,
    /// Sleeps for longer than any clock goes.
    SnoozeForEver,
    /// Adds a row to `effects` and completes in the same transaction.
    Effect,
    /// The same, but fails before the commit.
    EffectThenFail,
}

/// The steps of a task; the last one goes on.
#[derive(Debug, Deserialize)]
struct Script {
    steps: Vec<Step>,
}

impl Work for Script {
    const NAME: &'static str = "script";
    const DESCRIPTION: &'static str = "Does what its payload says.";

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let place = usize::try_from(context.attempt() - 1).unwrap_or(0).min(self.steps.len() - 1);
        match &self.steps[place] {
            Step::Ok => Ok(json!({"attempt": context.attempt()})),
            Step::Retry => Err(Stop::Retry(format!("attempt {} failed", context.attempt()))),
            Step::RetryLater => {
                sqlx::query("select pg_sleep(0.005)").execute(&context.app.db).await.expect("the database waits");
                Err(Stop::Retry("later".into()))
            }
            Step::Cancel => Err(Stop::Cancelled),
            Step::RetryAfterAnHour => Err(Stop::RetryAfter("busy".into(), Duration::from_secs(3600))),
            Step::SnoozeForAnHour => Err(Stop::Snooze(Duration::from_secs(3600))),
            Step::Nul => Ok(json!({"a\0b": ["c\0d"]})),
            Step::SnoozeForEver => Err(Stop::Snooze(Duration::MAX)),
            Step::Fatal => Err(Stop::Fatal("this will never work".into())),
            Step::Panic => panic!("out of cheese"),
            Step::Heed => heed(context).await,
            Step::Half => {
                context.progress(50.0, Some("half done")).await;
                heed(context).await
            }
            Step::Ignore => std::future::pending().await,
            Step::Block => {
                drop(GATE.1.wait_while(GATE.0.lock().expect("nobody panics with it"), |is_shut| *is_shut));
                Ok(Value::Null)
            }
            Step::Effect => {
                let mut tx = context.begin().await?;
                add_effect(&mut tx, context).await;
                context.complete_in(tx, json!("done")).await
            }
            Step::EffectThenFail => {
                let mut tx = context.begin().await?;
                add_effect(&mut tx, context).await;
                Err(Stop::Retry("before the commit".into()))
            }
        }
    }
}

/// Shut until the test opens it; each test is a process of its own.
static GATE: (Mutex<bool>, Condvar) = (Mutex::new(true), Condvar::new());

/// Lets go on what blocks when it is dropped, also by a test that fails: no runtime ends before its threads.
pub struct Gate;

impl Drop for Gate {
    fn drop(&mut self) {
        *GATE.0.lock().expect("nobody panics with it") = false;
        GATE.1.notify_all();
    }
}

async fn heed(context: &Context) -> Result<Value, Stop> {
    context.cancel.cancelled().await;
    Err(Stop::Cancelled)
}

async fn add_effect(conn: &mut sqlx::PgConnection, context: &Context) {
    let add = sqlx::query("insert into effects (task_id) values ($1)").bind(context.task_id());
    add.execute(conn).await.expect("the table of effects is there");
}

/// The product's kinds, and one that follows its script under this policy.
pub fn scripted(policy: Policy) -> Kinds {
    Kinds::default().and(Kind::of::<Script>().with(policy))
}

/// A task that does one step an attempt.
pub fn script(steps: &[Step]) -> Value {
    json!({"task_type": "script", "payload": {"steps": steps}})
}
