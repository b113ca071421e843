//! A thread of its own that notices when the runtime stands still: handlers that block keep everything else from running, the renewal of the lease
//! as well. Its beats also wake the runtime: a thread that is blocked may be the one that looks after clocks and sockets for all, and the others
//! sleep until something new is to be run. When every thread is blocked nothing can be done but to say so; the tasks go to another worker when the
//! lease has run out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::clock;

/// Watches for as long as it is held.
pub(super) struct Watchdog {
    /// The thread ends when this is dropped.
    _held: Sender<()>,
}

impl Watchdog {
    /// Calls `stuck` once, with how long it has been so, each time that the runtime has run nothing for `patience`.
    pub fn start(patience: Duration, stuck: impl Fn(Duration) + Send + 'static) -> std::io::Result<Self> {
        let beat_at = Arc::new(AtomicU64::new(now()));
        let (held, released) = channel::<()>();
        let runtime = Handle::current();
        thread::Builder::new().name("watchdog".into()).spawn(move || {
            let mut told = None;
            while released.recv_timeout(patience / 4) == Err(RecvTimeoutError::Timeout) {
                let beat = beat_at.clone();
                runtime.spawn(async move { beat.store(now(), Ordering::Relaxed) });
                let last = beat_at.load(Ordering::Relaxed);
                let silent = Duration::from_millis(now().saturating_sub(last));
                if silent >= patience && told != Some(last) {
                    told = Some(last);
                    stuck(silent);
                }
            }
        })?;
        Ok(Self { _held: held })
    }
}

/// Milliseconds, also while the machine sleeps.
fn now() -> u64 {
    u64::try_from(clock::since_boot().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_blocks_the_runtime_is_noticed() {
        let (tell, told) = channel();
        let patience = Duration::from_millis(40);
        let _watchdog = Watchdog::start(patience, move |silent| tell.send(silent).unwrap()).unwrap();
        let silent = told.recv_timeout(Duration::from_secs(30)).expect("this very wait blocks the runtime");
        assert!(silent >= patience, "{silent:?}");
    }
}
