//! What each kind of task does, and the registry that a worker takes them from.

mod bulk;
pub mod cleanup;
mod context;
mod data;
mod delay;
mod email;
mod maintenance;
mod notify;
mod policy;
pub mod report;
mod table;
pub mod webhook;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use model::tasks::{DataProcessing, DelayTask, Email, FileCleanup, Notify, ReportGeneration, Webhook};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::mail::Letter;
use crate::{Actor, App};

pub use bulk::BulkTask;
pub use context::{Context, NO_ANSWER};
pub use maintenance::{Maintenance, SCHEDULES, Upkeep};
pub use policy::{BreakerPolicy, Policy, Rate};

/// Why an attempt ended without a result. What follows is decided by the kind, never guessed from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// May work later: tried again by the retry strategy, while attempts are left.
    Retry(String),
    /// May work after this time, which the other side has said.
    RetryAfter(String, Duration),
    /// Not yet: looked at again after this time. Costs no attempt.
    Snooze(Duration),
    /// Will never work: straight to the dead letter.
    Fatal(String),
    /// The payload cannot be read: straight to the dead letter, and no matter of the breaker.
    Undecodable(String),
    /// Stopped because it was asked to.
    Cancelled,
}

/// A kind of task: its payload is `self`. It may run twice, so that must not matter.
pub trait Work: DeserializeOwned + Send + 'static {
    /// The name on the wire and in the database.
    const NAME: &'static str;
    /// What it does, in one sentence.
    const DESCRIPTION: &'static str;
    /// The version of the payload that this program writes.
    const VERSION: i16 = 1;
    /// Whether only the program itself queues it: people can neither queue nor schedule one, and the list of types leaves it out.
    const IS_INTERNAL: bool = false;

    /// How its tasks are treated.
    fn policy() -> Policy {
        Policy::default()
    }

    /// Brings a payload of version `from` to the next version. Called step by step, so each step knows one change only.
    fn upcast(from: i16, payload: Value) -> Result<Value, Stop> {
        let _ = payload;
        Err(Stop::Undecodable(format!("{} has no step from version {from}", Self::NAME)))
    }

    /// Refuses what only the server can judge: by its settings, or by who asks. Called when somebody queues or schedules one, after the
    /// payload was checked; not when the program itself does.
    fn admit(&self, app: &App, actor: &Actor) -> impl Future<Output = crate::Result<()>> + Send {
        let _ = (app, actor);
        async { Ok(()) }
    }

    /// Does the work; the result is stored and shown.
    fn run(self, context: &Context) -> impl Future<Output = Result<Value, Stop>> + Send;
}

type Run = dyn Fn(Context) -> Pin<Box<dyn Future<Output = Result<Value, Stop>> + Send>> + Send + Sync;
type Admit = for<'a> fn(&'a Value, &'a App, &'a Actor) -> Pin<Box<dyn Future<Output = crate::Result<()>> + Send + 'a>>;

/// A kind as the registry holds it.
#[derive(Clone)]
pub struct Kind {
    pub name: &'static str,
    pub description: &'static str,
    pub version: i16,
    /// Queued by the program only.
    pub is_internal: bool,
    pub policy: Policy,
    run: Arc<Run>,
    check: fn(&Value, i16) -> Result<(), Stop>,
    admit: Admit,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Kind {
    /// The kind that does `W`.
    pub fn of<W: Work>() -> Self {
        let run = |context: Context| {
            let boxed: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
                let (payload, version) = context.payload();
                read::<W>(payload, version)?.run(&context).await
            });
            boxed
        };
        Self {
            name: W::NAME,
            description: W::DESCRIPTION,
            version: W::VERSION,
            is_internal: W::IS_INTERNAL,
            policy: W::policy(),
            run: Arc::new(run),
            check: |payload, version| read::<W>(payload, version).map(drop),
            admit: |payload, app, actor| {
                Box::pin(async move {
                    // One that cannot be read is refused by the check.
                    let Ok(work) = read::<W>(payload, W::VERSION) else { return Ok(()) };
                    work.admit(app, actor).await
                })
            },
        }
    }

    /// The same kind with another policy.
    pub fn with(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Runs the task of the context, which is of this kind.
    pub(super) async fn run(&self, context: Context) -> Result<Value, Stop> {
        (self.run)(context).await
    }

    /// Refuses what only the server can judge.
    pub async fn admit(&self, payload: &Value, app: &App, actor: &Actor) -> crate::Result<()> {
        (self.admit)(payload, app, actor).await
    }

    /// Whether a payload of this program's version can be read.
    pub fn check(&self, payload: &Value) -> Result<(), Stop> {
        (self.check)(payload, self.version)
    }
}

/// Reads a payload, step by step from the version that it was written in.
pub(super) fn read<W: Work>(payload: &Value, version: i16) -> Result<W, Stop> {
    let mut payload = Cow::Borrowed(payload);
    for from in version..W::VERSION {
        payload = Cow::Owned(W::upcast(from, payload.into_owned())?);
    }
    W::deserialize(&*payload).map_err(|error| Stop::Undecodable(format!("The payload cannot be read: {error}")))
}

/// The kinds that a program knows. A worker registers them at its start and claims tasks of no other type.
#[derive(Clone, Debug)]
pub struct Kinds(BTreeMap<&'static str, Kind>);

impl Default for Kinds {
    /// Those that come with the product.
    fn default() -> Self {
        Self(BTreeMap::new())
            .and(Kind::of::<DelayTask>())
            .and(Kind::of::<DataProcessing>())
            .and(Kind::of::<Email>())
            .and(Kind::of::<FileCleanup>())
            .and(Kind::of::<Notify>())
            .and(Kind::of::<ReportGeneration>())
            .and(Kind::of::<Webhook>())
            .and(Kind::of::<BulkTask>())
            .and(Kind::of::<Maintenance>())
            .and(Kind::of::<Letter>())
            .and(Kind::of::<crate::notes::NoteShared>())
    }
}

impl Kinds {
    /// These kinds and one more; a kind of the same name is replaced.
    #[must_use]
    pub fn and(mut self, kind: Kind) -> Self {
        self.0.insert(kind.name, kind);
        self
    }

    /// Whether only the program itself queues tasks of this name.
    pub fn is_internal(&self, name: &str) -> bool {
        self.get(name).is_some_and(|kind| kind.is_internal)
    }

    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use model::tasks::TaskKind;
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    /// Version 1 had `who`, version 2 `name`, version 3 has a list of `names`.
    #[derive(Debug, Deserialize)]
    struct Greeting {
        names: Vec<String>,
    }

    impl Work for Greeting {
        const NAME: &'static str = "greeting";
        const DESCRIPTION: &'static str = "Greets.";
        const VERSION: i16 = 3;

        fn upcast(from: i16, mut payload: Value) -> Result<Value, Stop> {
            match from {
                1 => Ok(json!({"name": payload["who"].take()})),
                2 => Ok(json!({"names": [payload["name"].take()]})),
                _ => Err(Stop::Undecodable("too old".into())),
            }
        }

        async fn run(self, _: &Context) -> Result<Value, Stop> {
            Ok(json!(self.names))
        }
    }

    #[test]
    fn a_payload_of_any_older_version_is_brought_up_step_by_step() {
        for (version, golden) in
            [(1, json!({"who": "Ada"})), (2, json!({"name": "Ada"})), (3, json!({"names": ["Ada"]}))]
        {
            assert_eq!(read::<Greeting>(&golden, version).unwrap().names, ["Ada"], "version {version}");
        }
    }

    #[test]
    fn a_payload_that_cannot_be_read_is_told_as_such() {
        let unread = |payload, version| read::<Greeting>(&payload, version).unwrap_err();
        assert!(matches!(unread(json!({"names": 7}), 3), Stop::Undecodable(why) if why.contains("cannot be read")));
        assert_eq!(unread(json!({}), 0), Stop::Undecodable("too old".into()));
    }

    /// A golden payload for each version of each built-in kind: when one of these fails, tasks that are queued now would be lost.
    #[test]
    fn every_version_of_every_built_in_payload_can_still_be_read() {
        let golden = [
            (
                TaskKind::DelayTask.name(),
                1,
                json!({"delay_seconds": 1.5, "task_id": "a", "test_scenario": "b", "deadline": "2030-01-01T00:00:00Z"}),
            ),
            (TaskKind::DataProcessing.name(), 1, json!({"operation": "process", "data": [1, 2.5]})),
            (TaskKind::DataProcessing.name(), 1, json!({"operation": "sum", "data": {"a": 1}})),
            (
                TaskKind::DataProcessing.name(),
                1,
                json!({"operation": "sum", "csv": "a,b\nx,1\n", "column": "b", "group_by": "a"}),
            ),
            (TaskKind::Email.name(), 1, json!({"to": "a@example.com", "subject": "a", "body": "b"})),
            (TaskKind::Email.name(), 1, json!({"to": "a@example.com", "subject": "a", "body": "b", "html": "c"})),
            (TaskKind::FileCleanup.name(), 1, json!({"file_path": "logs"})),
            (
                TaskKind::FileCleanup.name(),
                1,
                json!({"directory": "logs", "max_age_hours": 3, "pattern": "*.log", "dry_run": true}),
            ),
            (TaskKind::Notification.name(), 1, json!({"text": "a", "href": "/notes"})),
            (
                TaskKind::ReportGeneration.name(),
                1,
                json!({"report_type": "users", "start_date": "2026-01-01", "end_date": "2026-01-31", "format": "xlsx"}),
            ),
            (TaskKind::Webhook.name(), 1, json!({"url": "https://example.com"})),
            (
                TaskKind::Webhook.name(),
                1,
                json!({"url": "https://example.com", "method": "PUT", "payload": [1], "headers": {"X-A": "b"}}),
            ),
            (BulkTask::NAME, 1, bulk::golden()[0].clone()),
            (BulkTask::NAME, 1, bulk::golden()[1].clone()),
            (Maintenance::NAME, 1, json!({"upkeep": "expired_rows"})),
            (Maintenance::NAME, 1, json!({"upkeep": "task_history"})),
            (Maintenance::NAME, 1, json!({"upkeep": "figures"})),
            (Maintenance::NAME, 1, json!({"upkeep": "deleted_accounts"})),
            (Letter::NAME, 1, json!({"letter": "verify_email", "user_id": Uuid::nil()})),
            (Letter::NAME, 1, json!({"letter": "reset_password", "user_id": Uuid::nil()})),
            (Letter::NAME, 1, json!({"letter": "reset_password", "user_id": null})),
            (Letter::NAME, 1, json!({"letter": "password_changed", "user_id": Uuid::nil()})),
            (Letter::NAME, 1, json!({"letter": "passkey_added", "user_id": Uuid::nil(), "name": "a"})),
            (Letter::NAME, 1, json!({"letter": "two_factor_on", "user_id": Uuid::nil()})),
            (Letter::NAME, 1, json!({"letter": "two_factor_off", "user_id": Uuid::nil(), "by_administrator": true})),
            (Letter::NAME, 1, json!({"letter": "recovery_code_used", "user_id": Uuid::nil(), "left": 3})),
            (Letter::NAME, 1, json!({"letter": "email_changed", "user_id": Uuid::nil(), "old_email": "a@example.com"})),
            (crate::notes::NoteShared::NAME, 1, json!({"share_id": Uuid::nil()})),
        ];
        let kinds = Kinds::default();
        for (name, version, payload) in &golden {
            assert_eq!((kinds.get(name).unwrap().check)(payload, *version), Ok(()), "{name} {version}");
        }
        for kind in kinds.iter() {
            for version in 1..=kind.version {
                assert!(golden.iter().any(|(one, of, _)| *one == kind.name && *of == version), "{}", kind.name);
            }
        }
    }
}
