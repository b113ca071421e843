//! The bell: tells workers that something is ready and pages that something changed, after the commit and beside it. Other features ring
//! it for their own pages by [`Bell::hint`].
//!
//! A NOTIFY inside the transaction would make every enqueue wait for the one lock that all notifications share. So the process gathers
//! what there is to tell for some milliseconds and sends it on a connection of its own. A bell that is lost with its process only
//! delays: workers poll, and pages read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::live::Hint;
use model::tasks::TaskStatus;
use sqlx::{ConnectOptions, PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::call::Call;
use super::live::{CHANGED, HINTS, Live, READY, TaskChanged, Told};
use super::queue::Ended;

/// Calls for work, and for a stop, within this time are told together.
const GATHERED: Duration = Duration::from_millis(3);
/// Changes within this time are told together: they are for people, and each telling is a commit.
const CHANGES_GATHERED: Duration = Duration::from_millis(50);
/// Changes that are told one by one; of more than these together it is told that there were many.
const ONE_BY_ONE: usize = 40;
/// Wait between two tries when the database is away.
const AGAIN: Duration = Duration::from_secs(1);

/// Rings in this process and, by PostgreSQL, in all others. Cheap to clone.
#[derive(Clone)]
pub struct Bell {
    live: Live,
    waiting: Arc<Mutex<Waiting>>,
    rung: Arc<Notify>,
    urgent: Arc<Notify>,
    later: Arc<Notify>,
}

#[derive(Default)]
struct Waiting {
    /// When it was first rung for work, and for which.
    ready: Option<(Instant, Call)>,
    changed: Vec<TaskChanged>,
    many_changed: bool,
    hints: Vec<Hint>,
}

impl Bell {
    pub fn new(live: Live) -> Self {
        Self { live, waiting: Arc::default(), rung: Arc::default(), urgent: Arc::default(), later: Arc::default() }
    }

    /// Tasks may be ready. A worker in this process starts at once.
    pub fn ready(&self, call: Call) {
        self.live.wake(call.clone());
        self.waiting().ready.get_or_insert_with(|| (Instant::now(), Call::default())).1.add(call);
        self.urgent.notify_one();
    }

    /// A task changed.
    pub fn changed(&self, id: Uuid, owner: Option<Uuid>, status: TaskStatus) {
        self.add(TaskChanged { id, owner, status, cancel_requested: false });
        self.rung.notify_one();
    }

    /// Tasks changed that cannot be named any more, or are too many.
    pub fn many_changed(&self) {
        self.waiting().many_changed = true;
        self.rung.notify_one();
    }

    /// Something changed that these people see on their pages.
    pub fn hint(&self, hints: impl IntoIterator<Item = Hint>) {
        self.waiting().hints.extend(hints);
        self.rung.notify_one();
    }

    /// A running task was told to stop.
    pub fn told_to_stop(&self, id: Uuid, owner: Option<Uuid>) {
        self.add(TaskChanged { id, owner, status: TaskStatus::Running, cancel_requested: true });
        self.urgent.notify_one();
    }

    /// Tasks stand somewhere else now.
    pub fn ended(&self, ended: &[Ended]) {
        for one in ended {
            self.add(TaskChanged { id: one.id, owner: one.owner, status: one.status, cancel_requested: false });
        }
        if ended.iter().any(|one| one.is_ready) {
            self.ready(Call::All);
        }
        self.rung.notify_one();
    }

    /// Tasks were taken back from a worker: they are ready with the number that they had, and also those that ended by it make room for others of
    /// their type.
    pub fn taken_back(&self, tasks: &[Ended]) {
        self.ended(tasks);
        if !tasks.is_empty() {
            self.ready(Call::Again);
        }
    }

    /// A task waits for a time that may be near, or a type was held back. Heard in this process only; others look every second.
    pub fn later(&self) {
        self.later.notify_one();
    }

    /// Waits until [`Bell::later`] was rung.
    pub async fn heard_later(&self) {
        self.later.notified().await;
    }

    fn add(&self, changed: TaskChanged) {
        let mut waiting = self.waiting();
        if waiting.changed.len() < ONE_BY_ONE || changed.cancel_requested {
            waiting.changed.push(changed);
        } else {
            waiting.many_changed = true;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what was rung until the process stops. Without notifications only this process hears it, which suits poolers.
    pub async fn ring(self, db: PgPool, sends: bool, stopping: CancellationToken) {
        let mut conn = None;
        loop {
            tokio::select! {
                () = self.urgent.notified() => {}
                () = self.rung_for_a_while() => {}
                () = stopping.cancelled() => {}
            }
            let is_last = stopping.is_cancelled();
            let waiting = std::mem::take(&mut *self.waiting());
            if !sends {
                self.tell_here(waiting);
            } else if let Err(error) = self.send(&db, &mut conn, &waiting).await {
                tracing::warn!(error = %error, "could not ring; trying again");
                conn = None;
                let since = waiting.ready.map_or_else(Instant::now, |(since, _)| since);
                let ready = Some((since, Call::Again));
                *self.waiting() = Waiting { ready, many_changed: true, ..Waiting::default() };
                self.rung.notify_one();
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = stopping.cancelled() => return,
                }
            }
            if is_last {
                return;
            }
            tokio::time::sleep(GATHERED).await;
        }
    }

    async fn rung_for_a_while(&self) {
        self.rung.notified().await;
        tokio::time::sleep(CHANGES_GATHERED).await;
    }

    fn tell_here(&self, waiting: Waiting) {
        waiting.changed.into_iter().for_each(|changed| self.live.tell(Told::Changed(changed)));
        waiting.hints.into_iter().for_each(|hint| self.live.tell(Told::Hint(hint)));
        if waiting.many_changed {
            self.live.tell(Told::Refresh);
        }
    }

    async fn send(&self, db: &PgPool, conn: &mut Option<PgConnection>, waiting: &Waiting) -> sqlx::Result<()> {
        let conn = match conn {
            Some(conn) => conn,
            // A notification that a crash of PostgreSQL swallows is no loss, so its commit need not wait for the disk.
            None => conn.insert(
                db.connect_options().as_ref().clone().options([("synchronous_commit", "off")]).connect().await?,
            ),
        };
        let mut told = Vec::new();
        if let Some((since, call)) = &waiting.ready {
            told.push((READY, self.live.rings(*since, call)));
        }
        // A notification holds 8000 bytes at most.
        let changes = waiting.changed.chunks(ONE_BY_ONE);
        told.extend(changes.map(|some| (CHANGED, serde_json::to_string(some).unwrap_or_default())));
        let hints = waiting.hints.chunks(ONE_BY_ONE);
        told.extend(hints.map(|some| (HINTS, serde_json::to_string(some).unwrap_or_default())));
        if waiting.many_changed {
            told.push((CHANGED, "[]".to_owned()));
        }
        if told.is_empty() {
            return Ok(());
        }
        let (channels, payloads): (Vec<_>, Vec<_>) =
            told.into_iter().map(|(channel, told)| (channel.to_owned(), told)).unzip();
        sqlx::query!(
            "select pg_notify(channel, told) from unnest($1::text[], $2::text[]) as t (channel, told)",
            &channels,
            &payloads
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
