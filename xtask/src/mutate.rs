//! `mutate`: whether the tests notice when a guard is missing. One build and one run in which every row of the matrix is tried again without each
//! guard on its way; what no row can notice is taken away for a run of the other tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::process::{self, Fault, Step};
use crate::site;
use crate::test::Tests;
use crate::tools;
use crate::workspace::{self, Workspace};

/// The program takes away the guard that stands there.
const REMOVED: &str = "STARTER_REMOVED_GUARD";
/// Tests of rows write into this folder which guards they notice.
const NOTICED: &str = "STARTER_GUARDS";
/// The tests that try rows, each without every guard, as a filter of nextest.
const ROWS: &str = "test(each_as_the_matrix_says)";
/// The tests that must notice when a permission is not asked for and no row does: what an administrator does as somebody else is in no row, nor is what
/// goes on after the answer.
const BESIDE: &str = "test(matrix) - test(each_as_the_matrix_says) | test(impersonation) | test(bulk_tasks) | test(maintenance) | test(traces) | test(cleanup) | test(reports)";
/// The test that must notice when an account shows by the work of an answer; those that measure its time want a quiet machine.
const BY_WORK: &str = "test(the_work_is_the_same)";
const GUARDS: [(&str, &str); 9] = [
    (".require(", BESIDE),
    (".require_for_somebody(", BESIDE),
    (".require_at_all(", BESIDE),
    ("require_sudo(", BESIDE),
    ("require_session(", BESIDE),
    (".limited_to(", BESIDE),
    (".may(", BESIDE),
    (".require_in_person(", BESIDE),
    (".verify_anybody(", BY_WORK),
];
const FOLDERS: [&str; 2] = ["server/src", "src"];
/// How a guard asks another one is no guard of its own.
const DEFINITIONS: &str = "server/src/rbac/mod.rs";

/// Which guards, by which tests.
#[derive(Args)]
pub struct Options {
    /// Only guards whose `file:line` contains this
    only: Option<String>,
    /// The tests that have to notice, as a filter of nextest, instead of the rows and those that are for this kind of guard
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
    ensure!(!guards.is_empty(), "no guards were found");
    if options.list {
        guards.iter().for_each(|guard| println!("{}", guard.place));
        return Ok(());
    }
    let runs = Runs::begin(workspace)?;
    let by_rows = if options.tests.is_none() { runs.noticed_by_rows()? } else { BTreeSet::new() };
    let filter_of = |guard: &Guard| options.tests.clone().unwrap_or_else(|| guard.tests.to_owned());
    let left = guards.iter().filter(|guard| !by_rows.contains(&guard.place));
    for filter in left.map(filter_of).collect::<BTreeSet<_>>() {
        Step::begin(format!("mutate: {filter} with every guard")).quietly(&mut runs.run(&filter, "none")?)?;
    }
    let mut unnoticed = 0;
    for (number, guard) in guards.iter().enumerate() {
        let is_noticed =
            by_rows.contains(&guard.place) || !process::succeeds(&mut runs.run(&filter_of(guard), &guard.place)?);
        let word = if is_noticed { "noticed  " } else { "UNNOTICED" };
        println!("{:>3} of {} {word} {}", number + 1, guards.len(), guard.place);
        unnoticed += usize::from(!is_noticed);
    }
    println!("{} of {} guards are noticed when they are missing", guards.len() - unnoticed, guards.len());
    if unnoticed == 0 { Ok(()) } else { Err(Fault.into()) }
}

/// The tests, built once.
struct Runs<'a> {
    workspace: &'a Workspace,
    tests: Tests<'a>,
    folder: PathBuf,
}

impl<'a> Runs<'a> {
    fn begin(workspace: &'a Workspace) -> Result<Self> {
        let tests = Tests::begin(workspace, None)?;
        let this = Self { workspace, tests, folder: workspace.target.join("mutate") };
        site::remove(&this.folder)?;
        fs::create_dir_all(&this.folder)?;
        let mut built = this.nextest("list")?;
        built.args(["--package", &workspace.name, "--features", "mutate", "--cargo-quiet"]);
        built.args(["--list-type", "binaries-only", "--message-format", "json"]);
        let step = Step::begin("mutate: compiling");
        fs::write(this.folder.join("binaries.json"), process::output(&mut built)?)?;
        let metadata = process::output(workspace.cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
        fs::write(this.folder.join("cargo.json"), metadata)?;
        step.done();
        Ok(this)
    }

    fn nextest(&self, what: &str) -> Result<Command> {
        let mut cargo = self.workspace.cargo();
        cargo.args(["nextest", what]);
        if let Some(folder) = tools::nextest(self.workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        self.tests.tell(&mut cargo)?;
        Ok(cargo)
    }

    /// By what was built, so that a change of the code meanwhile moves no guard.
    fn run(&self, filter: &str, removed: &str) -> Result<Command> {
        let mut cargo = self.nextest("run")?;
        cargo.arg("--binaries-metadata").arg(self.folder.join("binaries.json"));
        cargo.arg("--cargo-metadata").arg(self.folder.join("cargo.json"));
        cargo.args(["--filterset", filter]).env(REMOVED, removed);
        Ok(cargo)
    }

    /// Tries every row as it is, which has to be right, and without each guard.
    fn noticed_by_rows(&self) -> Result<BTreeSet<String>> {
        let folder = self.folder.join("rows");
        fs::create_dir_all(&folder)?;
        let mut run = self.run(ROWS, "none")?;
        Step::begin("mutate: every row, with and without each guard").stream(run.env(NOTICED, &folder))?;
        let mut noticed = BTreeSet::new();
        for file in workspace::files(&folder, "noticed")? {
            noticed.extend(fs::read_to_string(file)?.lines().map(str::to_owned));
        }
        Ok(noticed)
    }
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
    Ok(found)
}

/// The tests for the guard in a line of code; none where there is no guard.
fn tests_of(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    let guard = GUARDS.iter().find(|(guard, _)| code.contains(guard));
    guard.filter(|_| !code.contains("fn ")).map(|(_, tests)| *tests)
}
