//! The programs that are measured, installed below `target/bench` and never in the product.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::systems::{Program, System};
use crate::npm;
use crate::process::{Step, succeeds};
use crate::workspace::Workspace;

const NPM: [&str; 3] = ["graphile-worker@0.17.3", "pg-boss@10.4.2", "pg@8.23.1"];
const PYPI: [&str; 5] =
    ["procrastinate==3.10.0", "pgqueuer==1.6.0", "asyncpg==0.32.0", "psycopg[binary]==3.3.9", "psycopg-pool==3.3.3"];

/// Where they are.
pub struct Programs {
    folder: PathBuf,
    queue_bench: PathBuf,
}

impl Programs {
    /// Builds our program, and installs the peers that `systems` need.
    pub fn provide(workspace: &Workspace, systems: &[&System]) -> Result<Self> {
        let target = workspace.target.join("bench");
        let programs = Self { folder: target.join("peers"), queue_bench: target.join("release/queue-bench") };
        let mut cargo = workspace.cargo();
        cargo.current_dir(workspace.root.join("bench/queue")).env("CARGO_TARGET_DIR", &target);
        Step::begin("bench: building queue-bench").stream(cargo.args(["build", "--release", "--locked"]))?;
        fs::create_dir_all(&programs.folder)?;
        for entry in fs::read_dir(workspace.root.join("bench/queue/peers"))? {
            let entry = entry?;
            fs::copy(entry.path(), programs.folder.join(entry.file_name()))?;
        }
        if systems.iter().any(|system| matches!(system.program, Program::Node(_))) {
            programs.install_from_npm()?;
        }
        if systems.iter().any(|system| matches!(system.program, Program::Python(_))) {
            programs.install_from_pypi()?;
        }
        Ok(programs)
    }

    /// The program of a system, at one of its verbs.
    pub fn of(&self, system: &System, verb: &str) -> Command {
        match system.program {
            Program::Rust(name) => {
                let mut command = self.ours(verb);
                command.arg(name);
                command
            }
            Program::Node(file) => self.run("node".into(), file, verb),
            Program::Python(file) => self.run(self.folder.join("venv/bin/python"), file, verb),
        }
    }

    /// `queue-bench` at a verb that belongs to no system.
    pub fn ours(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.queue_bench);
        command.arg(verb);
        command
    }

    /// Where the statements for pgbench are written.
    pub fn script(&self) -> PathBuf {
        self.folder.join("roofline.sql")
    }

    fn run(&self, program: PathBuf, file: &str, verb: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).arg(file).arg(verb);
        command
    }

    fn install_from_npm(&self) -> Result<()> {
        npm::need_node()?;
        let stamp = self.folder.join("node_modules/.installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == NPM.join(" ")) {
            return Ok(());
        }
        let mut npm = npm::command(&self.folder);
        npm.args(["install", "--prefix", ".", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]);
        Step::begin("bench: installing the peers from npm").quietly(npm.arg("--loglevel=error").args(NPM))?;
        fs::write(stamp, NPM.join(" ")).context("the stamp could not be written")
    }

    fn install_from_pypi(&self) -> Result<()> {
        let python = self.folder.join("venv/bin/python");
        let stamp = self.folder.join("venv/.installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == PYPI.join(" ")) {
            return Ok(());
        }
        if !succeeds(Command::new(&python).args(["-m", "pip", "--version"])) {
            let mut venv = Command::new("python3");
            Step::begin("bench: making a place for Python")
                .quietly(venv.current_dir(&self.folder).args(["-m", "venv", "venv"]))?;
        }
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYPI);
        Step::begin("bench: installing the peers from PyPI").quietly(&mut pip)?;
        fs::write(stamp, PYPI.join(" ")).context("the stamp could not be written")
    }
}
