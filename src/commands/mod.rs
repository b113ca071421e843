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

use std::time::Duration;

use anyhow::Context;
use server::App;
use server::db::Database;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// For the last messages to be told and connections to be closed.
const HANGS_UP_WITHIN: Duration = Duration::from_secs(5);

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

/// What a program does last that is in touch with others. A task that blocks its thread keeps it from nothing for long.
async fn hang_up(
    app: &App,
    closing: CancellationToken,
    touch: JoinHandle<()>,
    database: Database,
) -> anyhow::Result<()> {
    closing.cancel();
    let told = tokio::time::timeout(HANGS_UP_WITHIN, async {
        let told = touch.await;
        app.queue_db.close().await;
        told
    });
    told.await.unwrap_or(Ok(()))?;
    database.close().await;
    Ok(())
}
