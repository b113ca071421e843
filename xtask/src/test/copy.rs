//! A copy of the sources that commands may change, and what must hold of it then.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Tests;
use super::count::{Count, Nextest};
use crate::process::{self, Output, Step};
use crate::site;
use crate::tools;
use crate::workspace::Workspace;

/// The sources in a folder of their own, which shares the compiled dependencies.
pub struct Copy<'a> {
    pub workspace: &'a Workspace,
    /// What is tried in it.
    what: &'static str,
    folder: PathBuf,
}

impl<'a> Copy<'a> {
    /// Makes it in a folder of the target folder. Only what differs is written, so that cargo compiles only that; what an earlier run has
    /// written is taken away.
    pub fn make(workspace: &'a Workspace, what: &'static str) -> Result<Self> {
        let copy = Self { workspace, what, folder: workspace.target.join(what.replace(' ', "-")) };
        fs::create_dir_all(&copy.folder)?;
        fs::copy(workspace.server(false), copy.program()).context("the program is not built")?;
        copy.forget()?;
        copy.fill()?;
        Ok(copy)
    }

    /// The program of the workspace, beside the copy.
    pub fn program(&self) -> PathBuf {
        self.folder.with_extension("program")
    }

    /// Takes away what is compiled of our own packages. Cargo names it by the path inside the workspace and compares times, so it would take
    /// that of a copy for that of the sources, and the other way round.
    fn forget(&self) -> Result<()> {
        for target in [None, Some(tools::WASM)] {
            let mut clean = self.workspace.cargo();
            clean.args(["clean", "--quiet"]).args(target.iter().flat_map(|target| ["--target", target]));
            clean.args(self.workspace.packages.iter().flat_map(|package| ["--package", &package.name]));
            process::run(&mut clean)?;
        }
        Ok(())
    }

    fn fill(&self) -> Result<()> {
        let step = self.begin("copying the sources");
        fs::create_dir_all(&self.folder)?;
        let mut git = Command::new("git");
        git.current_dir(&self.workspace.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names: BTreeSet<String> = process::output(&mut git)?.split_terminator('\0').map(str::to_owned).collect();
        let mut wanted = BTreeSet::new();
        // Cargo reads the settings of the folders around as well: flags given twice would be other flags, and compile everything again.
        let is_inside = self.folder.starts_with(&self.workspace.root);
        for name in names.into_iter().filter(|name| !(is_inside && name.starts_with(".cargo/"))) {
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

    pub fn git(&self, arguments: &[&str]) -> Result<()> {
        process::run(Command::new("git").current_dir(&self.folder).args(arguments))
    }

    /// The command in the copy, with the target folder of the workspace.
    pub fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        process::forget_own_package(command);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.workspace.target).env_remove("DATABASE_URL")
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(process::cargo_program());
        self.at_home(&mut cargo).env("SQLX_OFFLINE", "true");
        cargo
    }

    /// What is asked of every change: the quick checks, and no warning for the server, the tests and the client.
    pub fn check(&self) -> Result<()> {
        self.begin("quick checks").telling(self.cargo().args(["xtask", "check", "--quick"]))?;
        self.clippy("server", &["--workspace", "--all-targets"])?;
        tools::wasm_target(self.workspace)?;
        let client = ["--package", &self.workspace.name, "--lib", "--target", tools::WASM, "--no-default-features"];
        self.clippy("client", &[client.as_slice(), &["--features", "hydrate"]].concat())
    }

    fn clippy(&self, what: &str, arguments: &[&str]) -> Result<()> {
        let mut cargo = self.cargo();
        cargo.arg("clippy").args(arguments).args(["--", "-D", "warnings"]);
        self.begin(&format!("clippy, {what}")).telling(&mut cargo)
    }

    /// Says what is done with it.
    pub fn begin(&self, step: &str) -> Step {
        Step::begin(format!("{}: {step}", self.what))
    }

    /// Those of its tests that a filter of nextest names.
    pub fn test(&self, tests: &Tests<'_>, filter: &str) -> Result<Count> {
        let mut cargo = self.cargo();
        // Of the whole workspace: other packages would mean other features of what they use, and all of that compiled anew.
        cargo.args(["nextest", "run", "--no-fail-fast", "--workspace", "-E", filter]);
        if let Some(folder) = tools::nextest(self.workspace)? {
            cargo.env("PATH", tools::path_with(&[folder])?);
        }
        tests.tell(&mut cargo)?;
        let mut said = Nextest::default();
        let step = self.begin("tests");
        let good = process::follow(&mut cargo, Output::Error, |line| said.read(line))?;
        step.done();
        said.end(good)
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.forget() {
            eprintln!("error: what was compiled of the copy could not be taken away: {error:#}");
        }
    }
}
