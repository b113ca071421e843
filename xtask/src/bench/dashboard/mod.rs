//! `bench dashboard`: how long the pages of the queue take the server, with a long history. How it measures is told in `bench/README.md`.

mod fill;
mod paths;
mod report;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use embedded_postgres::{Embedded, Options};

use super::login::http::{Connection, Request};
use super::serving::Serving;
use crate::postgres;
use crate::process::Step;
use crate::workspace::Workspace;

/// Made by the program at its start.
const ADMINISTRATOR: (&str, &str) = ("admin", "a passphrase for the benchmark");
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
    let cookie = log_in(&serving.address)?;
    paths::PATHS.iter().map(|path| one(&serving.address, &cookie, path, options.requests)).collect()
}

fn one(address: &str, cookie: &str, path: &'static str, requests: usize) -> Result<Found> {
    let request = Request::new(&format!("GET {path}"), &[("Accept", "text/html"), ("Cookie", cookie)], String::new());
    let mut connection = Connection::to(address);
    let (mut took, mut bytes) = (Vec::new(), 0);
    for turn in 0..WARM + requests {
        let begun = Instant::now();
        let answer = connection.send(&request)?;
        let elapsed = begun.elapsed();
        ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
        if turn >= WARM {
            took.push(elapsed);
        }
        bytes = answer.body.len();
    }
    took.sort();
    Ok(Found { path, took, bytes })
}

/// The cookie of a browser in which the administrator is signed in.
fn log_in(address: &str) -> Result<String> {
    let (name, password) = ADMINISTRATOR;
    let form = format!("new[username]={name}&new[password]={}", password.replace(' ', "+"));
    let origin = format!("http://{address}");
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html"), ("Origin", &origin)];
    let answer = Connection::to(address).send(&Request::new("POST /api/auth/log_in", &headers, form))?;
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let session = cookies.filter_map(|(_, set)| set.split(';').next()).find(|cookie| cookie.starts_with("session="));
    session.map(str::to_owned).with_context(|| format!("no session in the answer {}", answer.status))
}
