//! One file a command, a folder where it is more.

pub mod admin;
pub mod chaos;
pub mod doctor;
pub mod feature;
pub mod generate;
pub mod health_check;
pub mod migrate;
pub mod remove;
pub mod serve;
pub mod worker;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Triggers the token at the first SIGTERM or Ctrl-C; a second one ends the process at once.
fn stop_at_signal(stopping: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if !is_first {
                std::process::exit(130);
            }
            tracing::info!("stopping; once more ends at once");
            stopping.cancel();
        }
    });
    Ok(())
}
