//! One program per queue, all with the same commands, so that `cargo xtask bench queue` can measure them alike. The peers that are not
//! written in Rust have theirs in `peers/`.

mod apalis;
mod graphile;
mod ours;
mod producer;
mod roofline;
mod settings;
mod sql;
mod tally;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use settings::Settings;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The database of this measurement
    #[arg(long, env = "DATABASE_URL", global = true, default_value = "")]
    url: String,
}

#[derive(Subcommand)]
enum Command {
    /// Make the tables
    Setup { system: System },
    /// Queue so many tasks in bulk
    Enqueue { system: System, count: u64 },
    /// Work until the standard input ends; says `ran N` when the handler has run as often as expected, and `total N` at the end
    Work { system: System, expect: u64, settings: Settings },
    /// Queue tasks as told by the standard input: `one`, `many RATE COUNT` one by one, or `batches RATE COUNT SIZE STAMPED_EACH`
    Produce { system: System },
    /// Run statements, a line each, and say the first value of each
    Sql,
    /// Write the engine's own claim and settlement as a script for pgbench, and say the number of the first of its workers
    Roofline { script: PathBuf, clients: usize, batch: i32 },
}

#[derive(Clone, Copy, ValueEnum)]
enum System {
    Ours,
    Graphile,
    Apalis,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { command, url } = Arguments::parse();
    match command {
        Command::Setup { system } => match system {
            System::Ours => ours::set_up(&url).await,
            System::Graphile => graphile::set_up(&url).await,
            System::Apalis => apalis::set_up(&url).await,
        },
        Command::Enqueue { system, count } => match system {
            System::Ours => ours::enqueue(&url, count).await,
            System::Graphile => graphile::enqueue(&url, count).await,
            System::Apalis => apalis::enqueue(&url, count).await,
        },
        Command::Work { system, expect, settings } => {
            tally::expect(expect);
            tally::end_with_standard_input();
            match system {
                System::Ours => ours::work(&url, &settings).await,
                System::Graphile => graphile::work(&url, &settings).await,
                System::Apalis => apalis::work(&url, &settings).await,
            }
        }
        Command::Produce { system } => match system {
            System::Ours => producer::run(ours::Sender::connect(&url).await?).await,
            System::Graphile => producer::run(graphile::Sender::connect(&url).await?).await,
            System::Apalis => producer::run(apalis::Sender::connect(&url).await?).await,
        },
        Command::Sql => sql::run(&url).await,
        Command::Roofline { script, clients, batch } => roofline::prepare(&url, &script, clients, batch).await,
    }
}
