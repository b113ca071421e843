//! The ceiling of our engine: pgbench sends the engine's own claim and settlement back to back, with no engine around.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::cluster::Database;
use super::drain::{self, Drained};
use super::systems::SYSTEMS;
use super::{Bench, Finding};
use crate::process::{self, Step};
use crate::tools;

/// Tasks of one claim, as the engine's fast settings have them, and sessions: the engine claims and settles side by side.
const SHAPES: [(u64, u64); 4] = [(200, 1), (200, 2), (500, 1), (500, 2)];

pub fn measure(bench: &Bench) -> Vec<Finding> {
    let step = Step::begin("bench: roofline");
    let mut findings = Vec::new();
    for (batch, clients) in SHAPES {
        findings.push(Finding {
            title: "roofline of starter".into(),
            setting: "pgbench",
            given: format!("batches of {batch}; sessions: {clients}"),
            keeps_history: true,
            is_ours: false,
            is_roofline: true,
            drained: (0..bench.extent.runs).map(|_| run(bench, batch, clients)).collect(),
            latencies: None,
        });
    }
    step.done();
    findings
}

/// It belongs to the server, but what is on PATH may be only a link to that.
fn pgbench(bench: &Bench) -> Option<PathBuf> {
    let binaries = &bench.cluster.binaries;
    let server = fs::canonicalize(binaries.join("postgres")).ok()?;
    let beside = [binaries.join("pgbench"), server.with_file_name("pgbench")];
    beside.into_iter().find(|file| file.is_file()).or_else(|| tools::on_path("pgbench"))
}

fn run(bench: &Bench, batch: u64, clients: u64) -> Result<Drained> {
    let pgbench = pgbench(bench).context("there is no pgbench, neither beside the server nor on PATH")?;
    let rounds = (bench.extent.tasks / batch / clients).max(1);
    let tasks = rounds * batch * clients;
    let mut database = drain::filled(bench, &SYSTEMS[0], tasks)?;
    let script = bench.programs.script();
    let mut prepare = bench.programs.ours("roofline");
    prepare.arg(&script).args([clients.to_string(), batch.to_string()]);
    let first_worker = process::output(database.with(&mut prepare))?;

    let send = |rounds: u64, database: &Database| {
        let mut command = Command::new(&pgbench);
        command.args(["--no-vacuum", "--protocol=prepared", "--client", &clients.to_string(), "--jobs"]);
        command.args([clients.to_string(), format!("--transactions={rounds}"), "--file".into()]).arg(&script);
        command.args(["--define=after=0".to_owned(), format!("--define=first_worker={}", first_worker.trim())]);
        command.arg(&database.url);
        process::output(&mut command).map(drop)
    };
    let (wal, commits) = (database.wal_bytes()?, database.commits()?);
    let begun = Instant::now();
    send(rounds, &database)?;
    let seconds = begun.elapsed().as_secs_f64();
    let wal_bytes = (database.wal_bytes()? - wal) as f64;
    let commits = (database.commits()? - commits) as f64;
    let left = database.count(SYSTEMS[0].left)?;
    let completed = database.count(SYSTEMS[0].completed)?;
    let note = (left > 0 || completed != tasks).then(|| format!("{completed} of {tasks} completed"));
    let drained =
        Drained { tasks: completed, seconds, cold_seconds: 0.0, wal_bytes, commits, notes: Vec::from_iter(note) };
    ensure!(completed > 0, "pgbench completed nothing");
    Ok(drained)
}
