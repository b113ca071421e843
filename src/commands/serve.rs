//! `starter serve`: the web application and the REST API, on request with a worker in the same process.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use server::auth::two_factor;
use server::config::Environment;
use server::db::{self, Patience};
use server::tasks::worker;
use server::users::seed;
use server::{App, Config};
use starter::web::{self, Site};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{hang_up, stop_at_signal};

/// Where the seeded logins are kept, beside the embedded cluster.
const LOGINS_FILE: &str = "logins.txt";

#[derive(Args)]
pub struct Flags {
    /// Run background tasks in this process, too.
    #[arg(long)]
    worker: bool,
    /// Create one login a role and print them; in development only.
    #[arg(long)]
    seed: bool,
    /// The address to listen on.
    #[arg(long)]
    pub host: Option<String>,
    /// The port to listen on; 0 lets the system choose.
    #[arg(long)]
    pub port: Option<u16>,
}

/// Serves until SIGTERM or Ctrl-C, then stops accepting, finishes what is in progress, and hands back running tasks.
pub async fn run(mut config: Config, flags: Flags) -> anyhow::Result<()> {
    let is_development = config.environment == Environment::Development;
    anyhow::ensure!(is_development || !flags.seed, "--seed makes logins with printed passwords: in development only");
    let address = (config.server.host.clone(), config.server.port);
    let listener = TcpListener::bind(&address).await.with_context(|| {
        format!(
            "{}:{} cannot be listened on; is another program there? --port chooses another one",
            address.0, address.1
        )
    })?;
    // The system has chosen the port, so no setting can name the address that letters lead to.
    if config.server.public_url == format!("http://{}:0", address.0) {
        config.server.public_url = format!("http://{}", listener.local_addr()?);
    }
    let database = db::open(&config, Patience::Web).await?;
    let app = App::new(database.pool.clone(), config);
    app.mailer.complaint().inspect(|complaint| tracing::warn!("{complaint}"));
    two_factor::complaint(&app.config).inspect(|complaint| tracing::warn!("{complaint}"));
    stop_at_signal(app.stopping.clone())?;

    let closing = CancellationToken::new();
    let touch = tokio::spawn(app.clone().keep_in_touch(closing.clone()));
    let starting = tokio::spawn(start(app.clone(), flags, listener.local_addr()?.to_string()));
    web::serve(listener, web::router(&app, Site::of(&app.config.server.site_root)), &app).await?;
    let worker = starting.await?;
    if let Some(worker) = worker {
        worker.await?;
    }
    hang_up(&app, closing, touch, database).await
}

/// Prepares the database as soon as it is reachable, then starts the worker. Meanwhile requests are answered: with 503.
async fn start(app: App, flags: Flags, address: String) -> Option<tokio::task::JoinHandle<()>> {
    let prepared = tokio::select! {
        prepared = app.prepare_when_reachable() => prepared,
        () = app.stopping.cancelled() => return None,
    };
    let seeded = match prepared {
        Ok(()) if flags.seed => seed::development_logins(&app, &logins_file(&app.config)).await.map(Some),
        Ok(()) => Ok(None),
        Err(error) => Err(error),
    };
    match seeded {
        Ok(logins) => announce(&address, logins.as_deref()),
        Err(error) => {
            tracing::error!(error = format!("{:#}", error.into_fault()), "the start failed");
            app.stopping.cancel();
            return None;
        }
    }
    flags.worker.then(|| tokio::spawn(worker::run(app)))
}

fn logins_file(config: &Config) -> std::path::PathBuf {
    config.database.data_dir.parent().unwrap_or(Path::new(".")).join(LOGINS_FILE)
}

fn announce(address: &str, logins: Option<&[seed::SeededLogin]>) {
    println!("\nstarter is ready on http://{address}");
    for seed::SeededLogin { username, password } in logins.unwrap_or_default() {
        println!("  log in as {username:<10} password {password}");
    }
    println!();
}
