//! `mutate`: whether the tests notice when a guard is missing. One build; then each run takes away the guard at one place.

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
const GUARDS: [&str; 6] =
    [".require(", ".require_for_somebody(", "require_sudo(", "require_session(", ".limited_to(", ".may("];
const FOLDERS: [&str; 2] = ["server/src", "src"];
/// How a guard asks another one is no guard of its own.
const DEFINITIONS: &str = "server/src/rbac/mod.rs";

/// Which guards, by which tests.
#[derive(Args)]
pub struct Options {
    /// Only guards whose `file:line` contains this
    only: Option<String>,
    /// The tests that have to notice, as a filter of nextest
    #[arg(long, default_value = "test(matrix)")]
    tests: String,
    /// Only print where the guards are
    #[arg(long)]
    list: bool,
}

/// Fails when a guard can be taken away without any test failing.
pub fn mutate(workspace: &Workspace, options: &Options) -> Result<()> {
    let is_wanted = |place: &String| options.only.as_ref().is_none_or(|only| place.contains(only.as_str()));
    let guards: Vec<String> = guards(&workspace.root)?.into_iter().filter(is_wanted).collect();
    if options.list {
        println!("{}", guards.join("\n"));
        return Ok(());
    }
    let tests = Tests::begin(workspace, None)?;
    let run = |place: &str| -> Result<Command> {
        let mut cargo = workspace.cargo();
        cargo.args(["nextest", "run", "--package", &workspace.name, "--features", "mutate"]);
        cargo.args(["--cargo-quiet", "--filterset", &options.tests]).env(REMOVED, place);
        if let Some(folder) = tools::nextest(workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        tests.tell(&mut cargo)?;
        Ok(cargo)
    };
    Step::begin("mutate: the tests with every guard").quietly(&mut run("none")?)?;
    let mut unnoticed = Vec::new();
    for place in &guards {
        let is_noticed = !process::succeeds(&mut run(place)?);
        println!("{} {place}", if is_noticed { "noticed  " } else { "UNNOTICED" });
        if !is_noticed {
            unnoticed.push(place);
        }
    }
    println!("{} of {} guards are noticed when they are missing", guards.len() - unnoticed.len(), guards.len());
    if unnoticed.is_empty() { Ok(()) } else { Err(Fault.into()) }
}

/// `file:line` of every guard.
fn guards(root: &Path) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for folder in FOLDERS {
        for file in workspace::files(&root.join(folder), "rs")? {
            let name = file.strip_prefix(root)?.to_string_lossy().into_owned();
            if name == DEFINITIONS {
                continue;
            }
            let text = std::fs::read_to_string(&file)?;
            let is_guard = |line: &str| {
                let code = line.split("//").next().unwrap_or_default();
                !code.contains("fn ") && GUARDS.iter().any(|guard| code.contains(guard))
            };
            let lines = text.lines().enumerate().filter(|(_, line)| is_guard(line));
            places.extend(lines.map(|(number, _)| format!("{name}:{}", number + 1)));
        }
    }
    ensure!(!places.is_empty(), "no guards were found");
    Ok(places)
}
