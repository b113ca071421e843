//! One durable cluster for all, with a fresh database for each measurement.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use embedded_postgres::{Embedded, Options};

use super::programs::Programs;
use super::talk::Talk;
use crate::postgres;
use crate::workspace::Workspace;

/// What differs from PostgreSQL's own defaults, the same for everybody.
pub const SETTINGS: [&str; 3] = ["shared_buffers=512MB", "max_wal_size=8GB", "max_connections=300"];
/// What must be on, told by the server itself.
pub const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];
const DATABASE: &str = "bench";
/// For a single statement.
const PATIENCE: Duration = Duration::from_secs(600);

pub struct Cluster {
    embedded: Embedded,
    pub binaries: PathBuf,
}

impl Cluster {
    pub fn start(workspace: &Workspace) -> Result<Self> {
        let binaries = postgres::binaries(workspace)?;
        let options = Options {
            data_dir: workspace.data().join("bench-postgres"),
            database: "postgres".into(),
            durable: true,
            binaries: Some(binaries.clone()),
            settings: SETTINGS.map(str::to_owned).to_vec(),
        };
        Ok(Self { embedded: postgres::start_anew(options)?, binaries })
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        self.embedded.database_url().replacen("/postgres?", &format!("/{database}?"), 1)
    }

    /// An empty database in place of the last one.
    pub fn fresh(&self, programs: &Programs) -> Result<Database> {
        let mut admin = Client::connect(programs, &self.url("postgres"))?;
        admin.ask(&format!("drop database if exists {DATABASE} with (force)"))?;
        admin.ask(&format!("create database {DATABASE}"))?;
        self.another(programs)
    }

    /// Another session in the database of this measurement.
    pub fn another(&self, programs: &Programs) -> Result<Database> {
        let url = self.url(DATABASE);
        Ok(Database { client: Client::connect(programs, &url)?, url })
    }

    /// Values of the server's settings, by name.
    pub fn settings(&self, programs: &Programs) -> Result<Vec<(String, String)>> {
        let mut client = Client::connect(programs, &self.url("postgres"))?;
        let own = SETTINGS.iter().filter_map(|one| one.split('=').next());
        let names = ["server_version"].into_iter().chain(DURABLE).chain(own);
        names.map(|name| Ok((name.to_owned(), client.ask(&format!("show {name}"))?))).collect()
    }
}

/// The database of one measurement.
pub struct Database {
    pub url: String,
    client: Client,
}

impl Database {
    pub fn ask(&mut self, statement: &str) -> Result<String> {
        self.client.ask(statement)
    }

    pub fn count(&mut self, statement: &str) -> Result<u64> {
        let answer = self.ask(statement)?;
        answer.parse().with_context(|| format!("{answer} is no number"))
    }

    /// Bytes of WAL that the cluster has ever written.
    pub fn wal_bytes(&mut self) -> Result<u64> {
        self.count("select (pg_current_wal_insert_lsn() - '0/0')::bigint")
    }

    /// Transactions committed in this database. A session tells its own at its end, or after a second.
    pub fn commits(&mut self) -> Result<u64> {
        self.count("select xact_commit from pg_stat_database where datname = current_database()")
    }

    /// For a program of the benchmark.
    pub fn with<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DATABASE_URL", &self.url)
    }
}

/// A session that is spoken to by way of `queue-bench sql`.
struct Client(Talk);

impl Client {
    fn connect(programs: &Programs, url: &str) -> Result<Self> {
        Ok(Self(Talk::begin(programs.ours("sql").env("DATABASE_URL", url))?))
    }

    fn ask(&mut self, statement: &str) -> Result<String> {
        self.0.say(statement)?;
        let answer = self.0.next(Instant::now() + PATIENCE)?;
        let answer = answer.with_context(|| format!("no answer to `{statement}`"))?;
        match answer.strip_prefix("error:") {
            Some(why) => bail!("`{statement}`:{why}"),
            None => Ok(answer),
        }
    }
}
