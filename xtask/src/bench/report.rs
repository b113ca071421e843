//! The findings as Markdown for people and as JSON for programs.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::backlog::Backlog;
use super::drain::{Drained, median};
use super::held::{Drains, Held};
use super::latency::Latency;
use super::{Bench, Finding, Findings};
use crate::process;
use crate::workspace::Workspace;

/// Only a whole measurement is named in a way that git looks at.
pub fn write(workspace: &Workspace, bench: &Bench, all: &Findings, is_whole: bool) -> Result<()> {
    let facts = facts(workspace, bench)?;
    let findings = &all.systems;
    let text = format!(
        "# Task queues, {}\n\n{}\n## Drain\n\n{}\n{}\n## Latency\n\n{}\n{}{}",
        value_of(&facts, "date"),
        facts_as_text(&facts),
        drains(findings),
        ratios(findings),
        latencies(findings),
        all.held.as_ref().map(held).unwrap_or_default(),
        all.backlog.as_ref().map(backlog).unwrap_or_default(),
    );
    let folder = workspace.root.join("bench/results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("queue-{}{}.md", value_of(&facts, "date"), if is_whole { "" } else { "-part" }));
    fs::write(&file, &text).with_context(|| format!("{} could not be written", file.display()))?;
    let facts: serde_json::Map<_, _> = facts.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let findings: Vec<_> = findings.iter().map(as_json).collect();
    let held = all.held.as_ref().map(held_as_json);
    let backlog = all.backlog.as_ref().map(backlog_as_json);
    let all =
        serde_json::to_string_pretty(&json!({"facts": facts, "findings": findings, "held": held, "backlog": backlog}))?;
    fs::write(file.with_extension("json"), all + "\n")?;
    println!("{text}");
    Ok(())
}

type Facts = Vec<(String, String)>;

fn facts(workspace: &Workspace, bench: &Bench) -> Result<Facts> {
    let mut git = Command::new("git");
    let commit = process::output(git.current_dir(&workspace.root).args(["describe", "--always", "--dirty"]))?;
    let mut database = bench.cluster.fresh(&bench.programs)?;
    let date = database.ask("select to_char(now(), 'YYYY-MM-DD')")?;
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let arguments: Vec<_> = env::args().skip(1).collect();
    let extent = &bench.extent;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = load.split_whitespace().take(3).collect();
    let mut facts = vec![
        ("date", date),
        ("commit", commit.trim().to_owned()),
        ("command", format!("cargo xtask {}", arguments.join(" "))),
        ("machine", format!("{cores} cores, {} {}", env::consts::OS, env::consts::ARCH)),
        ("load averages at the end", load.join(" ")),
        ("runs", format!("{}, the median counts", extent.runs)),
        ("tasks", format!("{}, a tenth for what takes tasks one by one", extent.tasks)),
    ];
    let settings = bench.cluster.settings(&bench.programs)?;
    let settings: Vec<_> = settings.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    facts.push(("PostgreSQL", settings.join(", ")));
    Ok(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn value_of<'a>(facts: &'a Facts, name: &str) -> &'a str {
    facts.iter().find(|fact| fact.0 == name).map_or("", |fact| &fact.1)
}

fn facts_as_text(facts: &Facts) -> String {
    facts.iter().fold(String::new(), |text, (name, value)| text + &format!("- {name}: {value}\n"))
}

/// The rate of a finding, where one was measured.
fn rate(finding: &Finding) -> Option<f64> {
    finding.drained.as_ref().ok().map(|runs| median(runs, Drained::rate))
}

fn best(findings: &[Finding], of: impl Fn(&Finding) -> bool) -> Option<(f64, &Finding)> {
    let rates = findings.iter().filter(|one| of(one)).filter_map(|one| Some((rate(one)?, one)));
    rates.max_by(|one, other| one.0.total_cmp(&other.0))
}

fn drains(findings: &[Finding]) -> String {
    let ours = best(findings, |one| one.is_ours).map(|(rate, _)| rate);
    let mut text = String::from(
        "| System | Setting | Tasks/s | Lowest, highest | Ours ÷ this | Cold start s | WAL bytes a task | Commits a task | History | Notes |\n|---|---|--:|--:|--:|--:|--:|--:|---|---|\n",
    );
    for finding in findings {
        let setting = setting(finding);
        let history = if finding.keeps_history { "kept" } else { "deleted" };
        let line = match &finding.drained {
            Err(error) => format!("| {} | {setting} | | | | | | | {history} | {} |\n", finding.title, cell(error)),
            Ok(runs) => {
                let mut rates: Vec<_> = runs.iter().map(Drained::rate).collect();
                rates.sort_by(f64::total_cmp);
                let (lowest, highest) = (rates.first().copied(), rates.last().copied());
                let middle = median(runs, Drained::rate);
                let ratio = ours.map_or(String::new(), |ours| format!("{:.2}", ours / middle));
                let mut notes: Vec<_> = runs.iter().flat_map(|run| run.notes.clone()).collect();
                notes.dedup();
                format!(
                    "| {} | {setting} | {} | {}, {} | {ratio} | {:.2} | {:.0} | {:.3} | {history} | {} |\n",
                    finding.title,
                    short(middle),
                    short(lowest.unwrap_or(f64::NAN)),
                    short(highest.unwrap_or(f64::NAN)),
                    median(runs, |run| run.cold_seconds),
                    median(runs, Drained::wal_bytes_a_task),
                    median(runs, Drained::commits_a_task),
                    notes.join("; "),
                )
            }
        };
        text.push_str(&line);
    }
    text
}

fn ratios(findings: &[Finding]) -> String {
    let Some((ours, _)) = best(findings, |one| one.is_ours) else { return String::new() };
    let is_peer = |one: &Finding| !one.is_ours && !one.is_roofline;
    let kept = best(findings, |one| is_peer(one) && one.keeps_history);
    let deleted = best(findings, |one| is_peer(one) && !one.keeps_history);
    let roofline = best(findings, |one| one.is_roofline);
    let mut text = String::new();
    for (what, other) in [
        ("the best peer that keeps history", kept),
        ("the best peer that deletes", deleted),
        ("the roofline", roofline),
    ] {
        if let Some((rate, finding)) = other {
            let ratio = ours / rate;
            // Writing to a string does not fail.
            let _ = writeln!(text, "- Our best is {ratio:.2} × {what}: {}, {}", finding.title, setting(finding));
        }
    }
    text
}

fn latencies(findings: &[Finding]) -> String {
    let mut text = String::from(
        "From just before the enqueue until the handler starts, in milliseconds.\n\n| System | Setting | Load | Samples | p50 | p95 | p99 | Max | Notes |\n|---|---|---|--:|--:|--:|--:|--:|---|\n",
    );
    for finding in findings {
        let head = format!("| {} | {} |", finding.title, setting(finding));
        match &finding.latencies {
            None => {}
            Some(Err(error)) => text.push_str(&format!("{head} | | | | | | {} |\n", cell(error))),
            Some(Ok(all)) => text.extend(all.iter().map(|one| format!("{head} {}", line(one)))),
        }
    }
    text
}

fn line(latency: &Latency) -> String {
    let Latency { load, samples, p50, p95, p99, max, note, .. } = latency;
    let note = note.as_deref().unwrap_or_default();
    if *samples == 0 {
        return format!("{load} | 0 | | | | | {note} |\n");
    }
    format!("{load} | {samples} | {p50:.2} | {p95:.2} | {p99:.2} | {max:.2} | {note} |\n")
}

/// What a transaction that stays open costs.
fn held(held: &Result<Held>) -> String {
    let head = "## A transaction held open\n\n";
    let found = match held {
        Err(error) => return format!("{head}{}\n", cell(error)),
        Ok(found) => found,
    };
    let Held { setting, minutes, tasks, before, meanwhile, open, after } = found;
    let of = |one: &Drains| format!("{}; one task by a new worker after {:.2} s", list(&one.rates), one.cold_seconds);
    let lines: String = meanwhile.iter().map(line).map(|one| format!("| {one}")).collect();
    format!(
        "{head}starter, {setting}: drains of {tasks} tasks, in tasks/s, around {minutes:.1} minutes of a steady load beside an open transaction.\n\n- before it, {}\n- at the end of that time, while it is open, {}\n- after its end, {}\n- {:.0} % of the rate before it\n\n| Load, part by part | Samples | p50 | p95 | p99 | Max | Notes |\n|---|--:|--:|--:|--:|--:|---|\n{lines}",
        of(before),
        of(open),
        of(after),
        found.part() * 100.0,
    )
}

fn held_as_json(held: &Result<Held>) -> Value {
    let drains = |one: &Drains| json!({"tasks_per_second": one.rates, "cold_seconds": one.cold_seconds});
    match held {
        Err(error) => json!({"not_measured": format!("{error:#}")}),
        Ok(one) => json!({
            "setting": one.setting, "minutes": one.minutes, "tasks": one.tasks, "before": drains(&one.before),
            "meanwhile": one.meanwhile.iter().map(latency_as_json).collect::<Vec<_>>(),
            "open": drains(&one.open), "after": drains(&one.after), "part": one.part(),
        }),
    }
}

/// What a very long queue costs.
fn backlog(backlog: &Result<Backlog>) -> String {
    let head = "\n## A backlog\n\n";
    let found = match backlog {
        Err(error) => return format!("{head}{}\n", cell(error)),
        Ok(found) => found,
    };
    let Backlog { setting, tasks, waiting, alone, ahead } = found;
    format!(
        "{head}starter, {setting}: a worker does {tasks} tasks, in tasks/s.\n\n- nothing else waits: {}\n- {waiting} wait: {}\n- {:.0} % of the rate without them\n",
        list(alone),
        list(ahead),
        found.part() * 100.0,
    )
}

fn backlog_as_json(backlog: &Result<Backlog>) -> Value {
    match backlog {
        Err(error) => json!({"not_measured": format!("{error:#}")}),
        Ok(one) => json!({
            "setting": one.setting, "tasks": one.tasks, "waiting": one.waiting, "alone": one.alone, "ahead": one.ahead, "part": one.part(),
        }),
    }
}

fn setting(finding: &Finding) -> String {
    match (finding.setting, finding.given.as_str()) {
        (name, given) if name == given => name.to_owned(),
        (name, given) => format!("{name}: {}", given.replace(',', ", ")),
    }
}

fn list(rates: &[f64]) -> String {
    rates.iter().map(|rate| short(*rate)).collect::<Vec<_>>().join(", ")
}

fn short(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

fn cell(error: &anyhow::Error) -> String {
    format!("not measured: {error:#}").replace('|', "/").replace('\n', " ")
}

fn as_json(finding: &Finding) -> Value {
    let drained = match &finding.drained {
        Ok(runs) => json!(runs.iter().map(drained_as_json).collect::<Vec<_>>()),
        Err(error) => json!({"not_measured": format!("{error:#}")}),
    };
    let latencies = match &finding.latencies {
        None => Value::Null,
        Some(Ok(all)) => json!(all.iter().map(latency_as_json).collect::<Vec<_>>()),
        Some(Err(error)) => json!({"not_measured": format!("{error:#}")}),
    };
    json!({
        "system": finding.title, "setting": finding.setting, "given": finding.given, "keeps_history": finding.keeps_history,
        "tasks_per_second": rate(finding), "runs": drained, "latency_ms": latencies,
    })
}

fn drained_as_json(run: &Drained) -> Value {
    json!({
        "tasks": run.tasks, "seconds": run.seconds, "cold_seconds": run.cold_seconds, "tasks_per_second": run.rate(),
        "wal_bytes_per_task": run.wal_bytes_a_task(), "commits_per_task": run.commits_a_task(), "notes": run.notes,
    })
}

fn latency_as_json(one: &Latency) -> Value {
    json!({
        "load": one.load, "samples": one.samples, "p50": one.p50, "p95": one.p95, "p99": one.p99, "max": one.max, "note": one.note,
    })
}
