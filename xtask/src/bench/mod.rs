//! `bench queue`: our task queue beside its peers, in one run on one cluster. `bench login`: a page beside a flood of logins.
//! `bench dashboard`: the pages of the queue over a long history. `bench screen`: how long a change takes to a browser. How they measure is told in `bench/README.md`.

mod backlog;
mod cluster;
mod dashboard;
mod drain;
mod held;
mod latency;
mod login;
mod programs;
mod report;
mod result;
mod roofline;
mod screen;
mod serving;
mod systems;
mod talk;

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::process::Step;
use crate::workspace::Workspace;
use backlog::Backlog;
use cluster::Cluster;
use drain::Drained;
use held::Held;
use latency::Latency;
use programs::Programs;
use systems::{SYSTEMS, Setting, System};

/// What to measure.
#[derive(Subcommand)]
pub enum Options {
    /// The task queue beside its peers; minutes to hours
    Queue(Queue),
    /// The tasks page while people log in a hundred times a second; minutes
    Login(login::Login),
    /// The pages of the queue, with a million tasks in the history; minutes
    Dashboard(dashboard::Dashboard),
    /// How long a change takes to the screen of a browser; minutes
    Screen(screen::Screen),
}

#[derive(Args)]
pub struct Queue {
    /// Runs of each drain; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Tasks of a drain; a tenth for settings that take tasks one by one
    #[arg(long, default_value_t = 200_000)]
    tasks: u64,
    /// One run of 20,000 tasks and few samples: to see that all works
    #[arg(long)]
    quick: bool,
    /// Only these systems, by name, comma-separated; `held`, `backlog` and `roofline` are three more
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Drains only
    #[arg(long)]
    skip_latency: bool,
}

/// How much of everything.
pub struct Extent {
    is_quick: bool,
    runs: usize,
    tasks: u64,
    /// The longest that a single drain may take; then the rate until then counts.
    drain_at_most: Duration,
    closed_samples: usize,
    closed_at_most: Duration,
    open_samples: usize,
    load: Duration,
}

/// Everything that a measurement needs.
pub struct Bench {
    pub cluster: Cluster,
    pub programs: Programs,
    pub extent: Extent,
}

/// What was found out of one system at one setting.
pub struct Finding {
    pub title: String,
    pub setting: &'static str,
    pub given: String,
    pub keeps_history: bool,
    pub is_ours: bool,
    pub is_roofline: bool,
    /// Or why there are no figures.
    pub drained: Result<Vec<Drained>>,
    pub latencies: Option<Result<Vec<Latency>>>,
}

const ROOFLINE: &str = "roofline";
const HELD: &str = "held";
const BACKLOG: &str = "backlog";

/// What was found out in one run.
pub struct Findings {
    pub systems: Vec<Finding>,
    pub held: Option<Result<Held>>,
    pub backlog: Option<Result<Backlog>>,
}

pub fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    match options {
        Options::Queue(options) => queue(workspace, options),
        Options::Login(options) => login::bench(workspace, options),
        Options::Dashboard(options) => dashboard::bench(workspace, options),
        Options::Screen(options) => screen::bench(workspace, options),
    }
}

fn queue(workspace: &Workspace, options: &Queue) -> Result<()> {
    let is_known = |name: &str| [ROOFLINE, HELD, BACKLOG].contains(&name) || SYSTEMS.iter().any(|one| one.name == name);
    let unknown = options.only.iter().find(|name| !is_known(name));
    let names: Vec<_> = SYSTEMS.iter().map(|system| system.name).collect();
    ensure!(unknown.is_none(), "--only knows {}, {HELD}, {BACKLOG} and {ROOFLINE}", names.join(", "));
    let is_wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|one| one == name);
    let systems: Vec<&System> = SYSTEMS.iter().filter(|system| is_wanted(system.name)).collect();

    let programs = Programs::provide(workspace, &systems)?;
    let bench = Bench { cluster: Cluster::start(workspace)?, programs, extent: options.extent() };
    let mut findings = Vec::new();
    for system in systems {
        for setting in system.settings {
            findings.push(bench.measure(system, setting, !options.skip_latency));
        }
    }
    if is_wanted(ROOFLINE) {
        findings.extend(roofline::measure(&bench));
    }
    let held = is_wanted(HELD).then(|| held::measure(&bench));
    let backlog = is_wanted(BACKLOG).then(|| backlog::measure(&bench));
    let is_whole = options.only.is_empty() && !options.quick && !options.skip_latency;
    report::write(workspace, &bench, &Findings { systems: findings, held, backlog }, is_whole)
}

impl Queue {
    fn extent(&self) -> Extent {
        let seconds = Duration::from_secs;
        if self.quick {
            return Extent {
                is_quick: true,
                runs: 1,
                tasks: self.tasks.min(20_000),
                drain_at_most: seconds(20),
                closed_samples: 100,
                closed_at_most: seconds(10),
                open_samples: 100,
                load: seconds(2),
            };
        }
        Extent {
            is_quick: false,
            runs: self.runs.max(1),
            tasks: self.tasks,
            drain_at_most: seconds(120),
            closed_samples: 1000,
            closed_at_most: seconds(120),
            open_samples: 500,
            load: seconds(5),
        }
    }
}

impl Bench {
    fn measure(&self, system: &System, setting: &Setting, with_latency: bool) -> Finding {
        let step = Step::begin(format!("bench: {}, {}", system.title, setting.name));
        let drained = drain::measure(self, system, setting);
        let half = drained.as_ref().map_or(0.0, |runs| drain::median(runs, Drained::rate) / 2.0);
        let latencies = with_latency.then(|| latency::measure(self, system, setting, half));
        step.done();
        Finding {
            title: system.title.into(),
            setting: setting.name,
            given: setting.given.into(),
            keeps_history: system.keeps_history,
            is_ours: system.name == SYSTEMS[0].name,
            is_roofline: false,
            drained,
            latencies,
        }
    }
}
