//! Task changes, and hints of other features, as they happen, from every process: one listener each, a broadcast, and a short memory for those who resume.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::live::Hint;
use model::tasks::TaskStatus;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::call::Call;

/// Changes that are remembered for browsers that resume.
const REMEMBERED: usize = 1024;
/// Seconds between two tries to listen when the database is away.
const AGAIN_SECONDS: u64 = 1;

/// The channels of PostgreSQL: something is ready, these tasks changed (none named: many did), and hints.
pub(super) const READY: &str = "task_ready";
pub(super) const CHANGED: &str = "task_changed";
pub(super) const HINTS: &str = "hints";

/// One task changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChanged {
    pub id: Uuid,
    pub owner: Option<Uuid>,
    pub status: TaskStatus,
    pub cancel_requested: bool,
}

/// What those who watch are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Changed(TaskChanged),
    /// Something else changed, on the pages of one person.
    Hint(Hint),
    /// Changes may have been missed: look at everything again.
    Refresh,
}

/// One telling, in the order of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub number: u64,
    pub told: Told,
}

/// The live side of a process; cheap to clone.
#[derive(Clone)]
pub struct Live {
    /// Numbers are good within one life of the process; this tells lives apart.
    boot: Uuid,
    sender: broadcast::Sender<Numbered>,
    memory: Arc<Mutex<Memory>>,
    ready: Arc<Notify>,
    called: Arc<Mutex<Call>>,
    echo: Arc<Mutex<Echo>>,
}

/// A call for work as it travels.
#[derive(Serialize, Deserialize)]
struct Ring<'a> {
    /// The life of the process that calls.
    boot: Uuid,
    call: Cow<'a, Call>,
}

/// Calls for work that this process sends, until it hears them itself.
#[derive(Default)]
struct Echo {
    /// When the oldest was rung that is not heard yet.
    since: Option<Instant>,
    /// How long the last one took.
    took: Option<Duration>,
}

#[derive(Default)]
struct Memory {
    last: u64,
    kept: VecDeque<Numbered>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            boot: Uuid::now_v7(),
            sender: broadcast::Sender::new(REMEMBERED),
            memory: Arc::default(),
            ready: Arc::new(Notify::new()),
            called: Arc::default(),
            echo: Arc::default(),
        }
    }
}

impl Live {
    /// Everything that is told from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Numbered> {
        self.sender.subscribe()
    }

    /// Waits until a task may be ready; a wake-up that came before the wait counts.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    /// The id of a telling as browsers send it back in `Last-Event-ID`.
    pub fn event_id(&self, number: u64) -> String {
        format!("{}-{number}", self.boot.simple())
    }

    /// What was told after the event of this id; none when that is no longer known.
    pub fn since(&self, event_id: &str) -> Option<Vec<Numbered>> {
        let (boot, number) = event_id.split_once('-')?;
        let number: u64 = number.parse().ok().filter(|_| boot == self.boot.simple().to_string())?;
        let memory = self.memory();
        let is_remembered = memory.kept.front().map_or(number == memory.last, |oldest| oldest.number <= number + 1);
        is_remembered.then(|| memory.kept.iter().filter(|kept| kept.number > number).cloned().collect())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a worker in this process look for work.
    pub(super) fn wake(&self, call: Call) {
        self.called().add(call);
        self.ready.notify_one();
    }

    /// What was called for since the last look.
    pub fn take_call(&self) -> Call {
        std::mem::take(&mut *self.called())
    }

    fn called(&self) -> MutexGuard<'_, Call> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the last call for work took from this process through PostgreSQL and back, as workers elsewhere hear it; longer while a later
    /// one has not come back for longer. None when nothing was rung yet, or nothing is sent.
    pub fn bell_latency(&self) -> Option<Duration> {
        let echo = self.echo();
        echo.took.max(echo.since.map(|since| since.elapsed()))
    }

    /// A call for work that was rung at this time is sent, in these words.
    pub(super) fn rings(&self, since: Instant, call: &Call) -> String {
        self.echo().since.get_or_insert(since);
        serde_json::to_string(&Ring { boot: self.boot, call: Cow::Borrowed(call) }).unwrap_or_default()
    }

    fn heard_ring(&self, words: &str) {
        match serde_json::from_str(words) {
            // The worker of this process heard it when it was rung.
            Ok(Ring { boot, .. }) if boot == self.boot => {
                let mut echo = self.echo();
                echo.took = echo.since.take().map(|since| since.elapsed()).or(echo.took);
            }
            Ok(Ring { call, .. }) => self.wake(call.into_owned()),
            // A program of another version, or a person.
            Err(_) => self.wake(Call::Again),
        }
    }

    fn echo(&self) -> MutexGuard<'_, Echo> {
        self.echo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who watches in this process.
    pub(super) fn tell(&self, told: Told) {
        let mut memory = self.memory();
        memory.last += 1;
        let numbered = Numbered { number: memory.last, told };
        if memory.kept.len() == REMEMBERED {
            memory.kept.pop_front();
        }
        memory.kept.push_back(numbered.clone());
        // Sent under the lock, so that the order of numbers is the order of telling. Nobody watching is fine.
        drop(self.sender.send(numbered));
    }

    /// Listens until the process stops; a lost connection is taken up again and told as a refresh.
    pub async fn listen(self, db: PgPool, stopping: CancellationToken) {
        loop {
            let lost = tokio::select! {
                lost = self.listen_once(&db) => lost,
                () = stopping.cancelled() => return,
            };
            if let Err(error) = lost {
                tracing::warn!(error = %error, "not listening for task changes; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(AGAIN_SECONDS)) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    async fn listen_once(&self, db: &PgPool) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen_all([READY, CHANGED, HINTS]).await?;
        // Whatever happened before we listened was not heard, and does not come any more.
        self.echo().since = None;
        self.tell(Told::Refresh);
        self.wake(Call::Again);
        while let Some(heard) = listener.try_recv().await? {
            let told = match heard.channel() {
                READY => {
                    self.heard_ring(heard.payload());
                    continue;
                }
                HINTS => serde_json::from_str::<Vec<Hint>>(heard.payload())
                    .map(|hints| hints.into_iter().map(Told::Hint).collect::<Vec<_>>()),
                _ => {
                    serde_json::from_str::<Vec<TaskChanged>>(heard.payload()).map(|changed| match changed.is_empty() {
                        true => vec![Told::Refresh],
                        false => changed.into_iter().map(Told::Changed).collect(),
                    })
                }
            };
            match told {
                Ok(told) => told.into_iter().for_each(|told| self.tell(told)),
                Err(error) => tracing::warn!(error = %error, "a notification that this program cannot read"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(told: Option<Vec<Numbered>>) -> Option<Vec<u64>> {
        told.map(|told| told.into_iter().map(|numbered| numbered.number).collect())
    }

    #[test]
    fn a_browser_resumes_after_the_last_event_it_saw() {
        let live = Live::default();
        for _ in 0..3 {
            live.tell(Told::Refresh);
        }
        assert_eq!(numbers(live.since(&live.event_id(1))), Some(vec![2, 3]));
        assert_eq!(numbers(live.since(&live.event_id(3))), Some(vec![]));
    }

    #[test]
    fn a_call_took_as_long_as_the_oldest_that_had_not_come_back() {
        let (live, other) = (Live::default(), Live::default());
        assert_eq!(live.bell_latency(), None);
        let hour = Duration::from_secs(3600);
        let ring = live.rings(Instant::now() - hour, &Call::All);
        live.rings(Instant::now(), &Call::All);
        assert!(live.bell_latency() >= Some(hour), "it has not come back");
        live.heard_ring(&other.rings(Instant::now(), &Call::types(["email"])));
        assert_eq!(live.echo().took, None, "another process rang");
        assert_eq!(live.take_call(), Call::types(["email"]));
        live.heard_ring(&ring);
        live.heard_ring(&ring);
        assert!(live.echo().took >= Some(hour));
        let ring = live.rings(Instant::now(), &Call::All);
        live.heard_ring(&ring);
        assert!(live.bell_latency() < Some(hour));
        assert_eq!(live.take_call(), Call::default(), "its own were heard when they were rung");
        live.heard_ring("");
        assert_eq!(live.take_call(), Call::Again, "typed by somebody");
    }

    #[test]
    fn what_is_forgotten_or_from_another_life_cannot_be_resumed() {
        let live = Live::default();
        for _ in 0..REMEMBERED + 5 {
            live.tell(Told::Refresh);
        }
        assert_eq!(live.since(&live.event_id(4)), None);
        assert!(live.since(&live.event_id(5)).is_some());
        assert_eq!(live.since(&Live::default().event_id(5)), None);
        assert_eq!(live.since("nonsense"), None);
    }
}
