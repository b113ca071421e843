//! `bench screen`: how long a change takes to the screen of a browser that shows it. How it measures is told in `bench/README.md`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use super::result::{Facts, percentile};
use crate::build;
use crate::process::Step;
use crate::workspace::Workspace;
use crate::{browser, npm, postgres, site};

/// How late a change may be on the screen (goal 5 of the queue).
const GOAL: Duration = Duration::from_secs(1);

/// How much.
#[derive(Args)]
pub struct Screen {
    /// Tasks of each part: quiet, and beside many other events
    #[arg(long, default_value_t = 100)]
    samples: usize,
    /// The unoptimised program, to see that all works
    #[arg(long)]
    debug: bool,
}

pub fn bench(workspace: &Workspace, options: &Screen) -> Result<()> {
    let folder = workspace.root.join("end2end");
    npm::install(&folder)?;
    let chromium = browser::chromium()?;
    let program = build::build(workspace, &build::Options { release: !options.debug })?;
    let report = workspace.target.join("bench-screen.json");
    site::remove(&report)?;
    let mut playwright = Command::new(folder.join("node_modules/.bin/playwright"));
    playwright.current_dir(&folder).args(["test", "--config=playwright.bench.config.ts", "--reporter=line"]);
    playwright.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("CHROMIUM", chromium).env("STARTER_BIN", program);
    playwright.env("STARTER_BENCH_REPORT", &report).env("STARTER_BENCH_SAMPLES", options.samples.to_string());
    postgres::provide(workspace, &mut playwright)?;
    Step::begin("bench: changes on the screen").stream(&mut playwright)?;
    let found: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    write(workspace, options, &found)
}

fn write(workspace: &Workspace, options: &Screen, found: &Value) -> Result<()> {
    let facts = Facts::read(workspace, !options.debug)?;
    let mut lines = String::new();
    let mut late = 0;
    for part in ["quiet", "busy"] {
        let events = found[part]["events_per_second"].as_f64().context("the browser did not say how much happened")?;
        for (name, what) in [("shown", "queued"), ("changed", "cancelled")] {
            let times = times(&found[part][name])?;
            let cells = [0.5, 0.95, 0.99, 1.0].map(|share| format!("{} ms", percentile(&times, share).as_millis()));
            lines += &format!("| {what} | {events:.0} | {} |\n", cells.join(" | "));
            late += times.iter().filter(|time| **time > GOAL).count();
        }
    }
    let text = format!(
        "# Changes on the screen, {}\n\n{}- tasks of each part: {}\n\n\
         | A task was | Events a second beside it | p50 | p95 | p99 | Max |\n|---|--:|--:|--:|--:|--:|\n{lines}\n\
         **{late} changes took longer than {} s.**\n",
        facts.date,
        facts.lines(),
        options.samples,
        GOAL.as_secs(),
    );
    facts.publish(workspace, "screen", !options.debug && options.samples >= 100, &text)?;
    ensure!(options.debug || late == 0, "{late} changes took longer than {} s", GOAL.as_secs());
    Ok(())
}

/// The shortest first.
fn times(millis: &Value) -> Result<Vec<Duration>> {
    let millis = millis.as_array().context("the browser did not say how long it took")?;
    let mut times: Vec<_> = millis.iter().filter_map(Value::as_u64).map(Duration::from_millis).collect();
    times.sort_unstable();
    Ok(times)
}
