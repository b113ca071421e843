//! `bench login`: what a flood of logins does to a page. How it measures is told in `bench/README.md`.

mod http;
mod load;
mod people;
mod report;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use super::talk::Talk;
use crate::postgres;
use crate::process::Step;
use crate::site;
use crate::workspace::Workspace;
use http::Request;
use load::{Outcome, Pace};
use people::People;

/// For the program to start on an empty folder.
const PATIENCE: Duration = Duration::from_secs(120);
/// Looks at the page in each second: enough for a percentile, too few to be a load.
const LOOKS: u32 = 20;
/// Connections of each side; more than requests can be under way at once.
const CONNECTIONS: usize = 64;

/// How much.
#[derive(Args)]
pub struct Login {
    /// Logins in each second, whether or not those before have been answered
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds of each part, quiet and under load
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Pairs of a quiet and a loaded part; the median of their ratios counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// A setting of the program, such as AUTH__HASH_NICENESS=0; may be given more than once
    #[arg(long, value_name = "SETTING=VALUE")]
    set: Vec<String>,
    /// The unoptimised program, to see that all works
    #[arg(long)]
    debug: bool,
}

/// What was found in one pair.
pub struct Found {
    /// Looks at the page while nothing else happens, and under load.
    pub quiet: Vec<Outcome>,
    pub loaded: Vec<Outcome>,
    pub logins: Vec<Outcome>,
}

pub fn bench(workspace: &Workspace, options: &Login) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--bin", &workspace.name]).args((!options.debug).then_some("--release"));
    Step::begin("bench: building the program").stream(&mut cargo)?;
    let serving = Serving::start(workspace, options)?;
    let people = People::invite(&serving.address)?;
    let found = (1..=options.runs.max(1)).map(|run| {
        let step = Step::begin(format!("bench: logins, pair {run}"));
        let found = measure(&serving.address, &people, options);
        step.done();
        found
    });
    let found = found.collect::<Result<Vec<_>>>();
    serving.stop(workspace)?;
    report::write(workspace, options, &found?)
}

fn measure(address: &str, people: &People, options: &Login) -> Result<Found> {
    let looks = Pace { rate: LOOKS, seconds: options.seconds, connections: CONNECTIONS };
    let logins = Pace { rate: options.rate, ..looks };
    let look = |_| people.tasks_page();
    let quiet = load::run(address, looks, &look)?;
    let (loaded, logins) = std::thread::scope(|scope| {
        let logins = scope.spawn(|| load::run(address, logins, &|turn| people.login(turn)));
        (load::run(address, looks, &look), logins.join())
    });
    let logins = logins.map_err(|_| anyhow::anyhow!("the logins panicked"))??;
    Ok(Found { quiet, loaded: loaded?, logins })
}

/// The program on a PostgreSQL of its own, with its default settings.
struct Serving {
    talk: Talk,
    address: String,
}

impl Serving {
    fn start(workspace: &Workspace, options: &Login) -> Result<Self> {
        let folder = workspace.data().join("bench-login");
        let data_dir = folder.join("postgres");
        postgres::remove(&data_dir)?;
        site::remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let mut command = Command::new(workspace.server(!options.debug));
        // Settings of the developer would change what is measured.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STARTER__") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--port", "0"]).current_dir(&folder).env_remove("DATABASE_URL").env("RUST_LOG", "error");
        for (name, value) in options.set.iter().filter_map(|one| one.split_once('=')) {
            command.env(format!("STARTER__{name}"), value);
        }
        command.env("STARTER__DATABASE__DATA_DIR", &data_dir);
        command.env("STARTER__SERVER__SITE_ROOT", &workspace.leptos.site_root);
        postgres::provide(workspace, &mut command)?;
        let talk = Talk::begin(&mut command)?;
        let address = talk.after("starter is ready on http://", Instant::now() + PATIENCE)?;
        Ok(Self { talk, address: address.context("the program does not say that it is ready")? })
    }

    fn stop(self, workspace: &Workspace) -> Result<()> {
        self.talk.terminate()?;
        let folder = workspace.data().join("bench-login");
        postgres::remove(&folder.join("postgres"))?;
        site::remove(&folder)
    }
}

/// Sends one request, for what has to be there before the measurement.
fn ask(address: &str, request: &Request) -> Result<http::Answer> {
    http::Connection::to(address).send(request)
}
