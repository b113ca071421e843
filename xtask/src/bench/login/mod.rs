//! `bench login`: what a flood of logins does to a page. How it measures is told in `bench/README.md`.

pub(super) mod http;
mod load;
mod people;
mod report;

use anyhow::Result;
use clap::Args;

use super::serving::Serving;
use crate::process::Step;
use crate::workspace::Workspace;
use http::Request;
use load::{Outcome, Pace};
use people::People;

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
    let settings: Vec<_> = options.set.iter().filter_map(|one| one.split_once('=')).collect();
    let serving = Serving::start(workspace, "bench-login", !options.debug, &settings)?;
    let people = People::invite(&serving.address)?;
    let found = (1..=options.runs.max(1)).map(|run| {
        let step = Step::begin(format!("bench: logins, pair {run}"));
        let found = measure(&serving.address, &people, options);
        step.done();
        found
    });
    let found = found.collect::<Result<Vec<_>>>();
    serving.stop()?;
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

/// Sends one request, for what has to be there before the measurement.
fn ask(address: &str, request: &Request) -> Result<http::Answer> {
    http::Connection::to(address).send(request)
}
