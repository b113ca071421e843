//! The worker processes, and what is done to them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::ledger::{self, Killed};
use super::proxy::Proxy;
use super::{LEASE_SECONDS, Scene};

/// What the workers log.
pub const LOG: &str = "workers.log";
/// How long a worker that was told to end may take.
const LEAVES_WITHIN: Duration = Duration::from_secs(20);

pub struct Team {
    size: usize,
    proxy: Proxy,
    dir: PathBuf,
    members: Vec<Member>,
    /// The library that gives a worker a wall clock of its own; none where it is not installed.
    faketime: Option<PathBuf>,
    started: usize,
    killed: Vec<Killed>,
}

struct Member {
    child: Child,
    /// Holds how far its wall clock is off.
    clock: PathBuf,
    /// Until then it is stopped, and then goes on as if nothing had been.
    stopped_until: Option<Instant>,
    /// Told to leave, or killed.
    is_leaving: bool,
}

impl Team {
    pub fn new(size: usize, proxy: Proxy, dir: &Path) -> Self {
        let faketime = faketime();
        if faketime.is_none() {
            println!("torture: libfaketime is not installed, so no clock jumps");
        }
        Self { size, proxy, dir: dir.to_owned(), members: Vec::new(), faketime, started: 0, killed: Vec::new() }
    }

    /// Wakes up who was stopped for long enough, and replaces who is gone.
    pub async fn fill(&mut self, scene: &Scene) -> Result<()> {
        let is_calm = scene.calm.is_cancelled();
        let mut left = Vec::new();
        for mut member in std::mem::take(&mut self.members) {
            if member.stopped_until.is_some_and(|until| is_calm || until <= Instant::now()) {
                member.signal(Signal::CONT);
                member.stopped_until = None;
            }
            match member.child.try_wait()? {
                None => left.push(member),
                Some(status) if status.code() == Some(0) => scene.did("workers left in order"),
                Some(_) => scene.did("workers died"),
            }
        }
        self.members = left;
        while self.members.len() < self.size {
            let member = self.start()?;
            self.members.push(member);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<Member> {
        self.started += 1;
        let clock = self.dir.join(format!("{}.clock", self.started));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join(LOG))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["chaos", "worker", "--ledger"]).arg(&self.dir);
        command.env("DATABASE_URL", self.proxy.url()?).env("STARTER__DATABASE__MAX_CONNECTIONS", "8");
        command
            .env("STARTER__WORKER__LEASE_SECONDS", LEASE_SECONDS.to_string())
            .env("STARTER__WORKER__GRACE_SECONDS", "1");
        command.env("STARTER__WORKER__POLL_INTERVAL_MS", "200").env("STARTER__LOG__FORMAT", "json");
        if let Some(library) = &self.faketime {
            std::fs::write(&clock, "+0s")?;
            // Leases go by the time since boot, which no administrator can set.
            command.env("LD_PRELOAD", library).env("DONT_FAKE_MONOTONIC", "1");
            command.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_CACHE_DURATION", "1");
        }
        // It ends when this pipe does, so that none outlives the torture.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let child = command.spawn().context("a worker cannot be started")?;
        Ok(Member { child, clock, stopped_until: None, is_leaving: false })
    }

    /// One of those that run.
    fn one<'a>(&'a mut self, rng: &mut StdRng) -> Option<&'a mut Member> {
        self.members.iter_mut().filter(|member| member.stopped_until.is_none() && !member.is_leaving).choose(rng)
    }

    /// `kill -9`.
    pub fn kill(&mut self, rng: &mut StdRng) -> bool {
        let at = ledger::now();
        let killed = self.one(rng).filter(|member| member.signal(Signal::KILL)).and_then(|member| {
            // It may still be there at the next fault, and must not be counted twice.
            member.is_leaving = true;
            member.child.id()
        });
        self.killed.extend(killed.map(|pid| Killed { pid, at }));
        killed.is_some()
    }

    /// Whom [`Team::kill`] has killed.
    pub fn killed(&self) -> &[Killed] {
        &self.killed
    }

    /// Stops a worker for longer than its lease; then it goes on, and believes that it still holds its tasks.
    pub fn stop(&mut self, rng: &mut StdRng) -> bool {
        let lease = Duration::from_secs(LEASE_SECONDS.into());
        let longer = lease.mul_f64(rng.random_range(1.2..2.5));
        self.one(rng).is_some_and(|member| {
            member.stopped_until = Some(Instant::now() + longer);
            member.signal(Signal::STOP)
        })
    }

    /// Tells a worker to leave, as a deployment does.
    pub fn tell_to_leave(&mut self, rng: &mut StdRng) -> bool {
        self.one(rng).is_some_and(|member| {
            member.is_leaving = true;
            member.signal(Signal::TERM)
        })
    }

    /// Whether the library is there that it takes.
    pub fn can_jump_clocks(&self) -> bool {
        self.faketime.is_some()
    }

    /// Sets the wall clock of a worker up to an hour ahead or back.
    pub fn jump_clock(&mut self, rng: &mut StdRng) -> Result<bool> {
        let seconds = rng.random_range(-3600..=3600);
        let Some(member) = self.faketime.is_some().then(|| self.one(rng)).flatten() else { return Ok(false) };
        std::fs::write(&member.clock, format!("{seconds:+}s"))?;
        Ok(true)
    }

    /// Tells all to leave, and kills who does not.
    pub async fn end(&mut self) {
        for member in &self.members {
            member.signal(Signal::CONT);
            member.signal(Signal::TERM);
        }
        for member in &mut self.members {
            if tokio::time::timeout(LEAVES_WITHIN, member.child.wait()).await.is_err() {
                member.signal(Signal::KILL);
                drop(member.child.wait().await);
            }
        }
        self.members.clear();
    }
}

/// Where distributions put the library of libfaketime for programs with threads.
fn faketime() -> Option<PathBuf> {
    let beside = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let below = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    beside.into_iter().chain(below).map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|file| file.exists())
}

impl Member {
    fn signal(&self, signal: Signal) -> bool {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}
