//! `starter`: the server, the worker, and the commands to run them.

mod commands;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use server::config::{self, Overrides};
use server::logs;
use tokio::runtime::Runtime;

/// Accounts, background tasks, a web application and a REST API, on one PostgreSQL.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// A TOML file with settings; `starter.toml` is read when it exists.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in force, secrets masked, and exit.
    #[arg(long, global = true)]
    print_config: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web application and the REST API.
    Serve(commands::serve::Flags),
    /// Run background tasks.
    Worker,
    /// Apply the migrations and exit.
    Migrate,
    /// Check everything that the program needs, and say what to do where it fails.
    Doctor,
    /// Ask a running server whether it is ready; for container health checks.
    HealthCheck,
    /// Print the OpenAPI document of the REST API.
    ExportOpenapi,
    /// Look after people and tasks from the server's command line.
    #[command(subcommand)]
    Admin(commands::admin::Admin),
    /// Write a new feature into the checkout in the current folder; for developers.
    #[command(subcommand)]
    Generate(commands::generate::Generate),
    /// Break things on purpose and prove that the task engine loses nothing.
    #[command(subcommand)]
    Chaos(commands::chaos::Chaos),
    /// Take a part of the program out of this checkout.
    #[command(subcommand)]
    Remove(commands::remove::Remove),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(run(cli));
        // A task that blocks its thread must not keep the process.
        runtime.shutdown_background();
        ended
    });
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Generate(generate) = &cli.command {
        commands::generate::run(generate)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut overrides = Overrides { file: cli.config, ..Overrides::default() };
    if let Command::Serve(flags) = &cli.command {
        overrides.host.clone_from(&flags.host);
        overrides.port = flags.port;
    }
    if let Command::Doctor = cli.command {
        // A refused configuration is one of the things that it reports.
        return commands::doctor::run(config::load(&overrides)).await;
    }
    if let Command::Remove(remove) = &cli.command {
        commands::remove::run(remove)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = config::load(&overrides)?;
    if cli.print_config {
        print!("{}", config::printed(&config)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::ExportOpenapi = cli.command {
        println!("{}", starter::web::openapi().to_pretty_json()?);
        return Ok(ExitCode::SUCCESS);
    }
    logs::start(&config.log)?;
    match cli.command {
        Command::Serve(flags) => commands::serve::run(config, flags).await?,
        Command::Worker => commands::worker::run(config).await?,
        Command::Migrate => commands::migrate::run(config).await?,
        Command::HealthCheck => return commands::health_check::run(&config).await,
        Command::Admin(admin) => commands::admin::run(config, admin).await?,
        Command::Chaos(chaos) => return commands::chaos::run(config, chaos).await,
        Command::Doctor | Command::ExportOpenapi | Command::Generate(_) | Command::Remove(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
