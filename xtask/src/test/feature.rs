//! A generated feature: written into a copy of the sources, where it must pass the checks and its own tests without a hand edit, and from
//! which it must be taken out again without a trace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Tests;
use super::count::{self, Count};
use crate::postgres;
use crate::process::{self, Output, Step};
use crate::site;
use crate::tools;
use crate::workspace::Workspace;

/// A field of each type, with and without the mark of what may be missing.
const FIELDS: [&str; 7] = [
    "title:string",
    "pages:int",
    "blurb:text?",
    "price:float?",
    "is_signed:bool",
    "printed_on:date?",
    "read_at:datetime?",
];
/// The tests of the feature, and those that look over all features.
const TESTS: &str = "test(/books/) | test(/every_/) | test(the_document) | test(permissions) | package(model)";

/// Generates, checks, tests.
pub fn run(tests: &Tests<'_>) -> Result<Count> {
    let workspace = tests.workspace;
    let copy = Copy { workspace, folder: workspace.target.join("generated-feature") };
    copy.make()?;
    let mut generate = Command::new(workspace.server(false));
    generate.args(["generate", "feature", "books"]);
    for field in FIELDS {
        generate.args(["--field", field]);
    }
    postgres::provide(workspace, &mut generate)?;
    Step::begin("generated feature: writing it").stream(copy.at_home(&mut generate))?;
    copy.git(&["add", "--all"])?;
    Step::begin("generated feature: quick checks").stream(copy.cargo().args(["xtask", "check", "--quick"]))?;
    let clippy = |name: &str, arguments: &[&str]| {
        let mut cargo = copy.cargo();
        cargo.arg("clippy").args(arguments).args(["--", "-D", "warnings"]);
        Step::begin(format!("generated feature: clippy, {name}")).stream(&mut cargo)
    };
    clippy("server", &["--workspace", "--all-targets"])?;
    tools::wasm_target(workspace)?;
    let client = ["--package", &workspace.name, "--lib", "--target", tools::WASM, "--no-default-features"];
    clippy("client", &[client.as_slice(), &["--features", "hydrate"]].concat())?;
    let count = copy.test(tests)?;
    copy.take_out()?;
    Ok(count)
}

/// The sources in a folder of their own, which shares the compiled dependencies.
struct Copy<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
}

impl Copy<'_> {
    /// Writes only what differs, so that cargo compiles only that, and takes away what an earlier run has written.
    fn make(&self) -> Result<()> {
        let step = Step::begin("generated feature: copying the sources");
        let mut git = Command::new("git");
        git.current_dir(&self.workspace.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names: BTreeSet<String> = process::output(&mut git)?.split_terminator('\0').map(str::to_owned).collect();
        let mut wanted = BTreeSet::new();
        for name in names {
            // Deleted but not committed: nothing to copy.
            let Ok(bytes) = fs::read(self.workspace.root.join(&name)) else { continue };
            let path = self.folder.join(name);
            if fs::read(&path).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(path.parent().context("a file without a folder")?)?;
                fs::write(&path, bytes)?;
            }
            wanted.insert(path);
        }
        self.sweep(&self.folder, &wanted)?;
        // The checks ask git what is in the repository; the one around ignores this folder.
        site::remove(&self.folder.join(".git"))?;
        self.git(&["init", "--quiet"])?;
        self.git(&["add", "--all"])?;
        let name = ["-c", "user.name=xtask", "-c", "user.email=xtask@example.com", "-c", "core.hooksPath="];
        self.git(&[name.as_slice(), &["commit", "--quiet", "--message", "The sources"]].concat())?;
        step.done();
        Ok(())
    }

    fn sweep(&self, folder: &Path, wanted: &BTreeSet<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_kept = [".git", ".data", "node_modules"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && !is_kept {
                self.sweep(&path, wanted)?;
            } else if path.is_file() && !wanted.contains(&path) {
                site::remove(&path)?;
            }
        }
        Ok(())
    }

    fn git(&self, arguments: &[&str]) -> Result<()> {
        process::run(Command::new("git").current_dir(&self.folder).args(arguments))
    }

    /// The command in the copy, with the target folder of the workspace.
    fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        process::forget_own_package(command);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.workspace.target).env_remove("DATABASE_URL")
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(process::cargo_program());
        self.at_home(&mut cargo).env("SQLX_OFFLINE", "true");
        cargo
    }

    /// What is left is what was there before, but for the migrations, which databases may have applied, and the changelog.
    fn take_out(&self) -> Result<()> {
        let step = Step::begin("generated feature: taking it out");
        let mut remove = Command::new(self.workspace.server(false));
        remove.args(["remove", "feature", "books", "--force"]);
        process::run(self.at_home(&mut remove))?;
        self.git(&["add", "--all"])?;
        self.git(&["diff", "--cached", "--exit-code", "HEAD", "--", ".", ":!CHANGELOG.md", ":!migrations"])?;
        step.done();
        Ok(())
    }

    fn test(&self, tests: &Tests<'_>) -> Result<Count> {
        let mut cargo = self.cargo();
        cargo.args(["nextest", "run", "--no-fail-fast", "--package", &self.workspace.name, "--package", "model"]);
        cargo.args(["-E", TESTS]);
        if let Some(folder) = tools::nextest(self.workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        tests.tell(&mut cargo)?;
        let mut count = None;
        let step = Step::begin("generated feature: its tests");
        let good = process::follow(&mut cargo, Output::Error, |line| count = count::nextest(line).or(count))?;
        step.done();
        Ok(count.context("the tests of the generated feature did not run")?.as_it_ended(good))
    }
}
