//! What every handler does: count, and tell how long its task had been on the way.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

static EXPECTED: AtomicU64 = AtomicU64::new(0);
static RAN: AtomicU64 = AtomicU64::new(0);

/// What a task carries: nothing that matters, and the moment before it was queued where somebody wants to know.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Payload {
    pub n: u64,
    #[serde(default)]
    pub sent_us: Option<i64>,
}

impl Payload {
    pub fn now() -> Self {
        Self { n: 0, sent_us: Some(now_us()) }
    }
}

/// Microseconds of a clock that all processes of the machine share.
fn now_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

pub fn expect(count: u64) {
    EXPECTED.store(count, Ordering::Relaxed);
}

/// One run of the handler.
pub fn count(payload: Payload) {
    if let Some(sent) = payload.sent_us {
        say(&format!("lat {}", now_us() - sent));
    }
    let ran = RAN.fetch_add(1, Ordering::Relaxed) + 1;
    if ran == EXPECTED.load(Ordering::Relaxed) {
        say(&format!("ran {ran}"));
    }
}

/// The driver closes the standard input when the database shows that all is done.
pub fn end_with_standard_input() {
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        say(&format!("total {}", RAN.load(Ordering::Relaxed)));
        std::process::exit(0);
    });
}

pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: then nothing that is said matters.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
