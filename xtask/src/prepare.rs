//! `prepare`: the answers of a real database to each checked query, so that a clone builds without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use clap::Args;
use embedded_postgres::Embedded;

use crate::postgres;
use crate::process::Step;
use crate::site;
use crate::workspace::{self, Workspace};

const DATABASE: &str = "prepare";
const MACROS: [&str; 4] = ["query!(", "query_as!(", "query_scalar!(", "query_file"];

/// Write it, or look only.
#[derive(Args)]
pub struct Options {
    /// Change nothing, and fail if `.sqlx` is not what would be written
    #[arg(long)]
    pub check: bool,
}

/// Asks a throw-away cluster about every query, and replaces `.sqlx` by its answers.
pub fn prepare(workspace: &Workspace, options: &Options) -> Result<()> {
    let answers = workspace.target.join("sqlx");
    site::remove(&answers)?;
    fs::create_dir_all(&answers)?;

    let data_dir = workspace.data().join("prepare-postgres");
    let cluster = migrated_cluster(workspace, &data_dir)?;
    let asked = ask(workspace, &cluster.database_url(), &answers);
    drop(cluster);
    if let Err(error) = postgres::remove(&data_dir) {
        // The next start removes it as well.
        eprintln!("sqlx: {error:#}");
    }
    asked?;

    let (old, new) = (read(&workspace.root.join(".sqlx"))?, read(&answers)?);
    if options.check { compare(&old, &new) } else { replace(&workspace.root.join(".sqlx"), &old, &new) }
}

fn migrated_cluster(workspace: &Workspace, data_dir: &Path) -> Result<Embedded> {
    let step = Step::begin("sqlx: migrating a fresh database");
    postgres::remove(data_dir)?;
    let binaries = postgres::binaries(workspace)?;
    embedded_postgres::init_cluster(&binaries, data_dir, false)?;
    let run = |database: &str, sql: &str| embedded_postgres::run_single_user(&binaries, data_dir, database, sql);
    run("postgres", &format!("create database {DATABASE}"))?;
    for file in migrations(workspace)? {
        // As sqlx does it: each file is a transaction of its own.
        run(DATABASE, &fs::read_to_string(&file)?).with_context(|| format!("{} failed", file.display()))?;
    }
    let cluster = postgres::start(data_dir, DATABASE, binaries)?;
    step.done();
    Ok(cluster)
}

fn migrations(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let files: BTreeSet<_> = workspace::files(&workspace.root.join("migrations"), "sql")?;
    Ok(files.into_iter().filter(|file| !file.to_string_lossy().ends_with(".down.sql")).collect())
}

fn ask(workspace: &Workspace, database_url: &str, answers: &Path) -> Result<()> {
    let (packages, files) = with_queries(workspace)?;
    if packages.is_empty() {
        return Ok(());
    }
    let mut cargo = workspace.cargo();
    cargo.args(["check", "--all-targets"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.env("DATABASE_URL", database_url).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", answers);
    let _touched = files.into_iter().map(Touched::now).collect::<Result<Vec<_>>>()?;
    Step::begin("sqlx: asking about each query").stream(&mut cargo)
}

/// The packages that have checked queries, and the files these are in.
fn with_queries(workspace: &Workspace) -> Result<(Vec<&str>, Vec<PathBuf>)> {
    let (mut packages, mut files) = (Vec::new(), Vec::new());
    for package in workspace.packages.iter().filter(|package| package.dependencies.iter().any(|name| name == "sqlx")) {
        let before = files.len();
        for folder in ["src", "tests"].map(|name| package.folder.join(name)) {
            for file in workspace::files(&folder, "rs")? {
                let text = fs::read_to_string(&file)?;
                if MACROS.iter().any(|name| text.contains(name)) {
                    files.push(file);
                }
            }
        }
        if files.len() > before {
            packages.push(package.name.as_str());
        }
    }
    Ok((packages, files))
}

/// A source file that looks edited for as long as this lives. The macros ask only when they are compiled, and cargo compiles only
/// what is newer; given back its time, the file does not make later builds compile it again.
struct Touched {
    file: File,
    was: SystemTime,
}

impl Touched {
    fn now(path: PathBuf) -> Result<Self> {
        let file = File::options().append(true).open(&path).with_context(|| format!("opening {}", path.display()))?;
        let was = file.metadata()?.modified()?;
        file.set_modified(SystemTime::now())?;
        Ok(Self { file, was })
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        // If it fails, one build is slower.
        let _ = self.file.set_modified(self.was);
    }
}

type Answers = BTreeMap<String, Vec<u8>>;

fn read(folder: &Path) -> Result<Answers> {
    let files = workspace::files(folder, "json")?.into_iter();
    files
        .map(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, fs::read(&file)?))
        })
        .collect()
}

fn replace(folder: &Path, old: &Answers, new: &Answers) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        site::remove(&folder.join(name))?;
    }
    for (name, answer) in new.iter().filter(|(name, answer)| old.get(*name) != Some(answer)) {
        fs::write(folder.join(name), answer)?;
    }
    eprintln!("sqlx: {} queries in .sqlx", new.len());
    Ok(())
}

fn compare(old: &Answers, new: &Answers) -> Result<()> {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let stale: Vec<_> = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
    if stale.is_empty() {
        return Ok(());
    }
    for name in &stale {
        let state = match (old.contains_key(*name), new.contains_key(*name)) {
            (true, true) => "outdated",
            (true, false) => "no longer used",
            _ => "missing",
        };
        eprintln!("  .sqlx/{name}: {state}");
    }
    bail!("{} of the files in .sqlx are stale: run `cargo xtask prepare` and commit", stale.len());
}
