//! Task changes, and hints of other features, as they happen, from every process: one listener each, a broadcast, and a short memory for those who resume.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::live::Hint;
use model::tasks::TaskStatus;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a worker in this process look for work.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
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
        // Whatever happened before we listened was not heard.
        self.tell(Told::Refresh);
        self.wake();
        while let Some(heard) = listener.try_recv().await? {
            let told = match heard.channel() {
                READY => {
                    self.wake();
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
