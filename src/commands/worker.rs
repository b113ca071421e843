//! `starter worker`: runs background tasks until it is told to stop.

use server::db::{self, Patience};
use server::tasks::worker;
use server::{App, Config};

use tokio_util::sync::CancellationToken;

use super::{hang_up, stop_at_signal};

/// Runs until SIGTERM or Ctrl-C, then lets running tasks end within their grace and hands back the rest.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let database = db::open(&config, Patience::Worker).await?;
    let app = App::new(database.pool.clone(), config);
    app.mailer.complaint().inspect(|complaint| tracing::warn!("{complaint}"));
    stop_at_signal(app.stopping.clone())?;
    tokio::select! {
        prepared = app.prepare_when_reachable() => prepared.map_err(server::Error::into_fault)?,
        () = app.stopping.cancelled() => return Ok(()),
    }
    let closing = CancellationToken::new();
    let touch = tokio::spawn(app.clone().keep_in_touch(closing.clone()));
    worker::run(app.clone()).await;
    hang_up(&app, closing, touch, database).await
}
