//! `test`: everything that runs the program or a part of it, and one line at the end.

mod copy;
mod count;
mod feature;
mod generated;
mod removed;

use std::env;
use std::fmt;
use std::fs;
use std::mem;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use embedded_postgres::Embedded;

use crate::browser;
use crate::client;
use crate::npm;
use crate::postgres;
use crate::process::{self, Fault, Output, Step};
use crate::site;
use crate::tools;
use crate::workspace::Workspace;
use count::{Count, Nextest};

const DATABASE: &str = "starter_test";
const DATABASE_URL: &str = "TEST_DATABASE_URL";
const GENERATED: &str = "generated requests";
const FEATURE: &str = "generated feature";
const REMOVED: &str = "removed feature";

/// Which tests.
#[derive(Args)]
pub struct Options {
    /// Only tests whose names contain this
    filter: Option<String>,
}

/// Runs all parts, also after one has failed, and closes with the sum of them.
pub fn test(workspace: &Workspace, options: &Options) -> Result<()> {
    let parts = match Tests::begin(workspace, options.filter.as_deref()) {
        Ok(tests) => tests.run(),
        Err(error) => vec![("PostgreSQL", judged(Err(error)))],
    };
    let total = parts.iter().fold(Count::default(), |sum, (_, outcome)| sum + outcome.count());
    println!();
    for failure in &total.failures {
        println!("failed: {failure}");
    }
    for (name, outcome) in parts {
        println!("{name}: {outcome}");
    }
    println!("{total}");
    if total.failed > 0 { Err(Fault.into()) } else { Ok(()) }
}

/// How a part came out.
enum Outcome {
    Ran(Count),
    /// This machine lacks something that we can not install.
    Skipped(String),
}

impl Outcome {
    fn count(&self) -> Count {
        match self {
            Self::Ran(count) => count.clone(),
            Self::Skipped(_) => Count::default(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ran(count) => write!(out, "{count}"),
            Self::Skipped(why) => write!(out, "skipped: {why}"),
        }
    }
}

/// Where nothing could run, that must show in the sum.
fn judged(outcome: Result<Count>) -> Outcome {
    Outcome::Ran(outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Count { passed: 0, failed: 1, failures: [format!("{error:#}")].into() }
    }))
}

/// What all parts share: the cluster, which lives as long as this.
pub struct Tests<'a> {
    workspace: &'a Workspace,
    filter: Option<&'a str>,
    database_url: String,
    _cluster: Option<Embedded>,
}

impl<'a> Tests<'a> {
    pub fn begin(workspace: &'a Workspace, filter: Option<&'a str>) -> Result<Self> {
        let (cluster, database_url) = match env::var(DATABASE_URL) {
            Ok(url) => (None, url),
            Err(_) => {
                let step = Step::begin("tests: starting PostgreSQL");
                let binaries = postgres::binaries(workspace)?;
                let cluster = postgres::start(&workspace.data().join("test-postgres"), DATABASE, binaries)?;
                let url = cluster.database_url();
                step.done();
                (Some(cluster), url)
            }
        };
        Ok(Self { workspace, filter, database_url, _cluster: cluster })
    }

    fn run(self) -> Vec<(&'static str, Outcome)> {
        // First, because the server under test hands it out.
        let client =
            client::compile(self.workspace, false).and_then(|made| site::publish(self.workspace, &made, false));
        vec![
            ("unit and integration", judged(self.native())),
            ("documentation", judged(self.documentation())),
            ("end to end", judged(client.and_then(|()| self.end_to_end()))),
            (GENERATED, self.generated()),
            // Last, because it puts programs of its own where those of the workspace were.
            (FEATURE, judged(self.in_a_copy(FEATURE, feature::run))),
            (REMOVED, judged(self.in_a_copy(REMOVED, removed::run))),
        ]
    }

    /// What `starter generate` writes, and what `starter remove` leaves.
    fn in_a_copy(&self, name: &str, run: fn(&Self) -> Result<Count>) -> Result<Count> {
        if self.filter.is_some_and(|filter| !name.contains(filter)) {
            return Ok(Count::default());
        }
        self.server()?;
        let outcome = run(self);
        // Nothing is compiled: cargo only puts the programs of the workspace back.
        self.server()?;
        outcome
    }

    /// The REST API as nobody has thought of using it.
    fn generated(&self) -> Outcome {
        if self.filter.is_some_and(|filter| !GENERATED.contains(filter)) {
            return Outcome::Ran(Count::default());
        }
        match self.server().and_then(|()| generated::run(self.workspace)) {
            Ok(Err(missing)) => Outcome::Skipped(missing),
            Ok(Ok(count)) => judged(Ok(count)),
            Err(error) => judged(Err(error)),
        }
    }

    /// With the tests, as nextest has just built it: other packages would mean other features, and a second program.
    fn server(&self) -> Result<()> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["build", "--workspace", "--tests", "--bin", &self.workspace.name]);
        Step::begin("server: compiling").stream(&mut cargo)
    }

    /// Unit and integration tests.
    fn native(&self) -> Result<Count> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"]).args(self.filter);
        if let Some(folder) = tools::nextest(self.workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        self.tell(&mut cargo)?;
        let mut said = Nextest::default();
        let step = Step::begin("tests: unit and integration");
        let good = process::follow(&mut cargo, Output::Error, |line| said.read(line))?;
        step.done();
        said.end(good)
    }

    /// The examples in the documentation.
    fn documentation(&self) -> Result<Count> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["test", "--doc", "--workspace", "--no-fail-fast", "--"]).args(self.filter);
        self.tell(&mut cargo)?;
        let mut count = Count::default();
        let step = Step::begin("tests: documentation");
        let read = |line: &str| count = mem::take(&mut count) + count::libtest(line).unwrap_or_default();
        let good = process::follow(&mut cargo, Output::Standard, read)?;
        step.done();
        Ok(count.ended(good))
    }

    /// The program as a person in a browser meets it.
    fn end_to_end(&self) -> Result<Count> {
        let folder = self.workspace.root.join("end2end");
        npm::install(&folder)?;
        let chromium = browser::chromium()?;
        self.server()?;

        let report = self.workspace.target.join("end2end.json");
        site::remove(&report)?;
        let mut playwright = Command::new(folder.join("node_modules/.bin/playwright"));
        playwright.current_dir(&folder).args(["test", "--reporter=list,json"]);
        if let Some(filter) = self.filter {
            playwright.args(["--pass-with-no-tests", "--grep", filter]);
        }
        playwright.env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        playwright.env("STARTER_BIN", self.workspace.server(false)).env("CHROMIUM", chromium);
        self.tell(&mut playwright)?;
        let step = Step::begin("tests: end to end");
        let good = process::follow(&mut playwright, Output::Standard, |_| ())?;
        step.done();
        Ok(read_report(&report)?.ended(good))
    }

    /// Tells a command of the cluster, and hides a database that somebody works with.
    pub fn tell(&self, command: &mut Command) -> Result<()> {
        command.env_remove("DATABASE_URL").env(DATABASE_URL, &self.database_url);
        postgres::provide(self.workspace, command)
    }
}

fn read_report(file: &Path) -> Result<Count> {
    let Ok(text) = fs::read_to_string(file) else { bail!("the end-to-end tests did not run") };
    count::playwright(&serde_json::from_str(&text)?).context("the report of the end-to-end tests has no sums")
}
