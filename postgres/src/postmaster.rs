use crate::account::Account;
use crate::error::{Doing, Error};
use crate::keeper::reap;
use crate::place::Place;
use crate::{binaries, sys, wire};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::pid_file::PidFile;

/// Replaying the log after a crash may take a while; longer means that somebody has to look.
const PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// For how long the remains of a killed server may be in the way of a new one.
const REMAINS_PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_LOG: u64 = 16 << 20;
const TAIL_LINES: usize = 20;

/// What a server of `place` is started with.
pub(crate) struct Recipe<'a> {
    pub place: &'a Place,
    pub account: Account,
    pub binaries: &'a Path,
    pub socket_dir: &'a Path,
    pub durable: bool,
    pub settings: &'a [String],
}

/// Whether a server takes connections at `socket_dir`.
pub(crate) fn answers(socket_dir: &Path) -> bool {
    const STARTING_OR_STOPPING: &str = "57P03";
    match wire::connect(socket_dir, wire::MAINTENANCE) {
        // Any other refusal, such as "too many connections", comes from a server at work.
        Ok(Err(refusal)) => refusal.code != STARTING_OR_STOPPING,
        Ok(Ok(_)) => true,
        Err(_) => false,
    }
}

/// Joins the running server or starts one, and returns its socket folder when it takes connections.
///
/// The caller holds `start`.
pub(crate) fn bring_up(recipe: &Recipe) -> Result<PathBuf, Error> {
    let began = Instant::now();
    let mut log_from = 0;
    let mut child: Option<Child> = None;
    while began.elapsed() < PATIENCE {
        if let Some(pid_file) = PidFile::of_live_server(&recipe.place.cluster)? {
            let socket_dir = pid_file.socket_dir.filter(|folder| answers(folder));
            if let Some(socket_dir) = socket_dir {
                started(recipe.place, child);
                return Ok(socket_dir);
            }
        } else if child.is_none() {
            (child, log_from) = spawn(recipe).map(|(child, from)| (Some(child), from))?;
        }
        if let Some(running) = &mut child
            && running.try_wait().doing("wait for", Path::new("postgres"))?.is_some()
        {
            child = None;
            let tail = log_tail(recipe.place, log_from);
            let may_pass = tail.contains("is still in use") || tail.contains("already exists");
            if !may_pass || began.elapsed() > REMAINS_PATIENCE {
                started(recipe.place, None);
                return Err(Error::DidNotStart { log: recipe.place.log(), tail });
            }
        }
        std::thread::sleep(PAUSE);
    }
    started(recipe.place, child);
    Err(Error::NotReady {
        seconds: PATIENCE.as_secs(),
        log: recipe.place.log(),
        tail: log_tail(recipe.place, log_from),
    })
}

/// Stops the server of `cluster`, if one runs, and waits until it has written everything.
pub(crate) fn stop(cluster: &Path) -> Result<(), Error> {
    let began = Instant::now();
    let Some(first) = PidFile::of_live_server(cluster)? else { return Ok(()) };
    // SIGINT is the "fast" stop: sessions are ended, nothing is lost.
    sys::signal(first.pid, libc::SIGINT);
    while began.elapsed() < STOP_PATIENCE {
        match PidFile::of_live_server(cluster)? {
            Some(still) if still.pid == first.pid => std::thread::sleep(PAUSE),
            _ => return Ok(()),
        }
    }
    Err(Error::InUse(cluster.to_path_buf()))
}

/// The end of "starting": from here on the pid file tells the truth.
fn started(place: &Place, child: Option<Child>) {
    // A marker that stays only costs the keeper a few seconds.
    let _ = fs::remove_file(place.starting());
    if let Some(child) = child {
        reap(child);
    }
}

/// Starts a server in a session of its own; returns where in the log its words begin.
fn spawn(recipe: &Recipe) -> Result<(Child, u64), Error> {
    let Recipe { place, account, socket_dir, .. } = recipe;
    if *socket_dir != place.cluster {
        account.own_folder(socket_dir)?;
    }
    let starting = place.starting();
    let marked = OpenOptions::new().write(true).create(true).custom_flags(libc::O_NOFOLLOW).open(&starting);
    marked.doing("create", &starting)?;
    let (log, from) = open_log(place)?;
    account.own(&place.log())?;

    let postgres = binaries::program(recipe.binaries, "postgres");
    let mut command = account.command(&postgres);
    command.arg("-D").arg(&place.cluster);
    // Of a setting that is given twice PostgreSQL takes the last.
    for setting in settings(socket_dir, recipe.durable).iter().chain(recipe.settings) {
        command.arg("-c").arg(setting);
    }
    command.stdout(log.try_clone().doing("open", &place.log())?).stderr(Stdio::from(log));
    sys::own_session(&mut command);
    Ok((command.spawn().doing("run", &postgres)?, from))
}

fn settings(socket_dir: &Path, durable: bool) -> Vec<String> {
    let quoted = format!("\"{}\"", socket_dir.display().to_string().replace('"', "\"\""));
    let mut settings = vec![
        "listen_addresses=".to_string(),
        format!("unix_socket_directories={quoted}"),
        "unix_socket_permissions=0700".to_string(),
        "port=5432".to_string(),
        "max_connections=200".to_string(),
        "shared_buffers=128MB".to_string(),
        "timezone=UTC".to_string(),
        "log_timezone=UTC".to_string(),
        "logging_collector=off".to_string(),
        "log_destination=stderr".to_string(),
        "cluster_name=starter".to_string(),
    ];
    let safety = if durable { "on" } else { "off" };
    settings.extend(["fsync", "full_page_writes", "synchronous_commit"].map(|name| format!("{name}={safety}")));
    settings
}

/// The log, to append to. A long one makes room first.
fn open_log(place: &Place) -> Result<(File, u64), Error> {
    let path = place.log();
    if fs::symlink_metadata(&path).is_ok_and(|found| found.len() > LONGEST_LOG) {
        fs::rename(&path, path.with_extension("log.1")).doing("rename", &path)?;
    }
    // Root writes into somebody else's folder here, so a link is not followed.
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(&path);
    let file = opened.doing("open", &path)?;
    let length = file.metadata().doing("look at", &path)?.len();
    Ok((file, length))
}

fn log_tail(place: &Place, from: u64) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(place.log())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(16 << 10))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let words = read().unwrap_or_else(|error| format!("(unreadable: {error})"));
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
