//! `mutate`: whether the tests notice when a guard is missing. One build; then each run takes away the guard at one place.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::process::{self, Fault, Step};
use crate::test::Tests;
use crate::tools;
use crate::workspace::{self, Workspace};

/// The program takes away the guard that stands there.
const REMOVED: &str = "STARTER_REMOVED_GUARD";
/// The tests that must notice when a permission is not asked for, as a filter of nextest.
const BY_MATRIX: &str = "test(matrix)";
/// The tests that must notice when an account shows by the time of an answer.
const BY_TIME: &str = "test(timing)";
const GUARDS: [(&str, &str); 7] = [
    (".require(", BY_MATRIX),
    (".require_for_somebody(", BY_MATRIX),
    ("require_sudo(", BY_MATRIX),
    ("require_session(", BY_MATRIX),
    (".limited_to(", BY_MATRIX),
    (".may(", BY_MATRIX),
    (".verify_anybody(", BY_TIME),
];
const FOLDERS: [&str; 2] = ["server/src", "src"];
/// How a guard asks another one is no guard of its own.
const DEFINITIONS: &str = "server/src/rbac/mod.rs";

/// Which guards, by which tests.
#[derive(Args)]
pub struct Options {
    /// Only guards whose `file:line` contains this
    only: Option<String>,
    /// The tests that have to notice, as a filter of nextest; else those that are for this kind of guard
    #[arg(long)]
    tests: Option<String>,
    /// Only print where the guards are
    #[arg(long)]
    list: bool,
}

/// Where one stands, and which tests must notice that it is missing.
struct Guard {
    /// `file:line`
    place: String,
    tests: &'static str,
}

/// Fails when a guard can be taken away without any test failing.
pub fn mutate(workspace: &Workspace, options: &Options) -> Result<()> {
    let is_wanted = |guard: &Guard| options.only.as_ref().is_none_or(|only| guard.place.contains(only.as_str()));
    let guards: Vec<Guard> = guards(&workspace.root)?.into_iter().filter(is_wanted).collect();
    if options.list {
        guards.iter().for_each(|guard| println!("{}", guard.place));
        return Ok(());
    }
    let tests = Tests::begin(workspace, None)?;
    let run = |place: &str, filter: &str| -> Result<Command> {
        let mut cargo = workspace.cargo();
        cargo.args(["nextest", "run", "--package", &workspace.name, "--features", "mutate"]);
        cargo.args(["--cargo-quiet", "--filterset", filter]).env(REMOVED, place);
        if let Some(folder) = tools::nextest(workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        tests.tell(&mut cargo)?;
        Ok(cargo)
    };
    let filter_of = |guard: &Guard| options.tests.clone().unwrap_or_else(|| guard.tests.to_owned());
    for filter in guards.iter().map(filter_of).collect::<BTreeSet<_>>() {
        Step::begin(format!("mutate: {filter} with every guard")).quietly(&mut run("none", &filter)?)?;
    }
    let mut unnoticed = Vec::new();
    for guard in &guards {
        let is_noticed = !process::succeeds(&mut run(&guard.place, &filter_of(guard))?);
        println!("{} {}", if is_noticed { "noticed  " } else { "UNNOTICED" }, guard.place);
        if !is_noticed {
            unnoticed.push(guard);
        }
    }
    println!("{} of {} guards are noticed when they are missing", guards.len() - unnoticed.len(), guards.len());
    if unnoticed.is_empty() { Ok(()) } else { Err(Fault.into()) }
}

/// Every guard, in the order of files and lines.
fn guards(root: &Path) -> Result<Vec<Guard>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        for file in workspace::files(&root.join(folder), "rs")? {
            let name = file.strip_prefix(root)?.to_string_lossy().into_owned();
            if name == DEFINITIONS {
                continue;
            }
            let text = std::fs::read_to_string(&file)?;
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let guarded = product.lines().enumerate().filter_map(|(number, line)| Some((number, tests_of(line)?)));
            found.extend(guarded.map(|(number, tests)| Guard { place: format!("{name}:{}", number + 1), tests }));
        }
    }
    ensure!(!found.is_empty(), "no guards were found");
    Ok(found)
}

/// The tests for the guard in a line of code; none where there is no guard.
fn tests_of(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    let guard = GUARDS.iter().find(|(guard, _)| code.contains(guard));
    guard.filter(|_| !code.contains("fn ")).map(|(_, tests)| *tests)
}
