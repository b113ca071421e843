//! Python packages, for a tool that is written in it: exactly those of a lock file, in a folder below `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::npm;
use crate::process::{self, Step};
use crate::site;
use crate::tools;

/// The oldest version that the packages of our lock files run on.
const OLDEST: (u32, u32) = (3, 11);
const STAMP: &str = "installed-lock";

/// A Python that has the packages of `lock`, or what is missing on this machine.
pub fn with_packages(folder: &Path, lock: &Path) -> Result<Result<PathBuf, String>> {
    let (major, minor) = OLDEST;
    let Some(python) = interpreter() else { return Ok(Err(format!("Python {major}.{minor} or newer is missing"))) };
    let wanted = npm::digest(&fs::read(lock).with_context(|| format!("{} cannot be read", lock.display()))?);
    let own = folder.join("bin").join("python");
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && is_recent(&own) {
        return Ok(Ok(own));
    }
    site::remove(folder)?;
    let Some(mut pip) = environment(&python, folder, &own) else {
        return Ok(Err("Python can make no environment: install its venv or pip (Debian: `python3-venv`)".to_owned()));
    };
    pip.args(["install", "--disable-pip-version-check", "--no-input", "--require-hashes", "--requirement"]).arg(lock);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    Step::begin(format!("tools: installing {name} for Python")).quietly(&mut pip)?;
    fs::write(stamp, wanted)?;
    Ok(Ok(own))
}

/// The machine's Python, or Debian's, installed now.
fn interpreter() -> Option<PathBuf> {
    let found = || ["python3", "python"].into_iter().filter_map(tools::on_path).find(|program| is_recent(program));
    if let Some(python) = found() {
        return Some(python);
    }
    from_debian(&["python3", "python3-venv"]);
    found()
}

/// Where that fails, the machine simply lacks it.
fn from_debian(packages: &[&str]) {
    if let Err(error) = tools::apt_get_install(packages) {
        eprintln!("warning: {error:#}");
    }
}

fn is_recent(python: &Path) -> bool {
    let test = format!("import sys; sys.exit(sys.version_info < {OLDEST:?})");
    process::succeeds(Command::new(python).args(["-c", &test]))
}

/// Makes the folder, and returns the pip that installs into it. Debian's Python comes without what gives an environment its own one.
fn environment(python: &Path, folder: &Path, own: &Path) -> Option<Command> {
    let venv = |arguments: &[&str]| {
        process::succeeds(Command::new(python).args(["-m", "venv", "--clear"]).args(arguments).arg(folder))
    };
    let mut pip = Command::new(own);
    pip.args(["-m", "pip"]);
    if venv(&[]) {
        return Some(pip);
    }
    let has_pip = process::succeeds(Command::new(python).args(["-m", "pip", "--version"]));
    if has_pip && venv(&["--without-pip"]) {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "--python"]).arg(own);
        return Some(pip);
    }
    from_debian(&["python3-venv"]);
    venv(&[]).then_some(pip)
}
