//! `bench dashboard`: how long the pages of the queue take the server, with a long history. How it measures is told in `bench/README.md`.

mod fill;
mod paths;
mod report;
mod visitor;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use embedded_postgres::{Embedded, Options};

use super::serving::Serving;
use crate::postgres;
use crate::process::Step;
use crate::workspace::Workspace;
use paths::{Names, Page};
use visitor::{Account, Visitor};

/// Made by the program at its start.
const ADMINISTRATOR: Account = ("admin", "a passphrase for the benchmark");
/// A plain user, who owns some of the tasks.
const OWNER: Account = ("owner", "a passphrase for the benchmark");
/// Requests of each page before it is measured: the first ones fill caches of PostgreSQL and prepare statements.
const WARM: usize = 5;

/// How much.
#[derive(Args)]
pub struct Dashboard {
    /// Tasks in the history
    #[arg(long, default_value_t = 1_000_000)]
    history: u64,
    /// Tasks that are ready
    #[arg(long, default_value_t = 100_000)]
    ready: u64,
    /// Tasks in the dead letter
    #[arg(long, default_value_t = 20_000)]
    dead: u64,
    /// Requests of each page and filter
    #[arg(long, default_value_t = 100)]
    requests: usize,
    /// The unoptimised program, to see that all works
    #[arg(long)]
    debug: bool,
}

/// How long one page took.
pub struct Found {
    pub by: &'static str,
    pub path: &'static str,
    /// From the request to the last byte, the shortest first.
    pub took: Vec<Duration>,
    pub bytes: usize,
}

pub fn bench(workspace: &Workspace, options: &Dashboard) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--bin", &workspace.name]).args((!options.debug).then_some("--release"));
    Step::begin("bench: building the program").stream(&mut cargo)?;
    let settings = [("INITIAL_ADMIN_PASSWORD", ADMINISTRATOR.1)];
    let serving = Serving::start(workspace, "bench-dashboard", !options.debug, &settings)?;
    let found = measure(workspace, &serving, options);
    serving.stop()?;
    report::write(workspace, options, &found?)
}

fn measure(workspace: &Workspace, serving: &Serving, options: &Dashboard) -> Result<Vec<Found>> {
    visitor::register(&serving.address, OWNER)?;
    let step = Step::begin("bench: filling the tables");
    let cluster = Embedded::start(Options {
        data_dir: serving.data_dir(),
        database: "starter".into(),
        durable: true,
        binaries: Some(postgres::binaries(workspace)?),
        settings: Vec::new(),
    })?;
    fill::fill(&cluster, options)?;
    step.done();
    let log_in = |account| Visitor::log_in(&serving.address, account);
    let names = paths::names(&mut log_in(ADMINISTRATOR)?, &mut log_in(OWNER)?)?;
    let mut found = Vec::new();
    for (by, account, pages) in
        [("administrator", ADMINISTRATOR, paths::OF_ADMINISTRATOR), ("user", OWNER, paths::OF_OWNER)]
    {
        // Now, because the server closes a connection on which nothing is asked for a while.
        let mut visitor = log_in(account)?;
        for page in pages {
            let (took, bytes) = one(&mut visitor, &names, page, options.requests)?;
            found.push(Found { by, path: page.0, took, bytes });
        }
    }
    Ok(found)
}

/// How long each request of a page took, the shortest first, and the bytes of its answer.
fn one(visitor: &mut Visitor, names: &Names, page: &Page, requests: usize) -> Result<(Vec<Duration>, usize)> {
    let (path, holds) = page;
    let path = names.iter().fold((*path).to_owned(), |path, (name, value)| path.replace(name, value));
    let (mut took, mut bytes) = (Vec::new(), 0);
    for turn in 0..WARM + requests {
        let begun = Instant::now();
        let answer = visitor.open(&path)?;
        let elapsed = begun.elapsed();
        ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
        ensure!(answer.body.contains(holds), "{path} does not hold {holds}");
        if turn >= WARM {
            took.push(elapsed);
        }
        bytes = answer.body.len();
    }
    took.sort();
    Ok((took, bytes))
}
