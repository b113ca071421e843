//! What breaks, when: chosen by the seed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use server::db;
use sqlx::{Connection, PgConnection};

use super::proxy::{Proxy, Treatment};
use super::team::Team;
use super::{LEASE_SECONDS, Sabotage, Scene, Torture, judge};

/// PostgreSQL gets this long to recover before it is killed again.
const BETWEEN_CRASHES: Duration = Duration::from_secs(10);
/// The run looks so often whether it is broken already, at most for this part of its time.
const LOOK_EVERY: Duration = Duration::from_secs(4);
const LOOK_PART: u32 = 20;

#[derive(Clone, Copy, Debug)]
enum Fault {
    KillWorker,
    StopWorker,
    TellToLeave,
    Cut,
    Delay,
    Swallow,
    LoseAnswers,
    LoseCommits,
    LoseSettlements,
    HoldSettlements,
    JumpClock,
    TerminateBackends,
    KillDatabase,
    ShutDownDatabase,
    FillDisk,
    HoldTransaction,
    ExhaustConnections,
}

/// The file that fills the volume.
pub const BALLAST: &str = "ballast";

/// Each as often as its weight.
const WEIGHTS: &[(Fault, u32)] = &[
    (Fault::KillWorker, 80),
    (Fault::StopWorker, 12),
    (Fault::TellToLeave, 6),
    (Fault::Cut, 8),
    (Fault::Delay, 6),
    (Fault::Swallow, 3),
    (Fault::LoseAnswers, 20),
    (Fault::LoseCommits, 12),
    (Fault::LoseSettlements, 8),
    (Fault::HoldSettlements, 20),
    (Fault::JumpClock, 6),
    (Fault::TerminateBackends, 4),
    (Fault::KillDatabase, 3),
    (Fault::ShutDownDatabase, 3),
    (Fault::FillDisk, 2),
    (Fault::HoldTransaction, 2),
    (Fault::ExhaustConnections, 2),
];

/// Without the fence. A worker that is killed sends nothing twice, so nobody is: settlements are sent once more, when the task may run again,
/// perhaps on the same worker.
const WITHOUT_FENCE: &[(Fault, u32)] = &[(Fault::LoseSettlements, 1)];

pub struct Faults {
    scene: Scene,
    proxy: Proxy,
    rng: StdRng,
    weights: &'static [(Fault, u32)],
    may_crash_database: bool,
    /// A small volume that holds nothing but the cluster, so it may be filled up.
    volume: Option<PathBuf>,
    crashed_at: Instant,
    /// What has not been made yet; it comes before what the dice give, so that also a short run has each.
    unmade: VecDeque<Fault>,
}

impl Faults {
    pub fn new(scene: Scene, proxy: Proxy, options: &Torture) -> Self {
        let rng = StdRng::seed_from_u64(options.seed);
        let (may_crash_database, volume) = (!options.copy, options.volume.clone());
        let weights = match options.sabotage {
            Some(Sabotage::Fencing | Sabotage::Completion) => WITHOUT_FENCE,
            Some(Sabotage::Rescue) | None => WEIGHTS,
        };
        let unmade = weights.iter().map(|(fault, _)| *fault).collect();
        Self { scene, proxy, rng, weights, may_crash_database, volume, crashed_at: Instant::now(), unmade }
    }

    /// Makes faults until the time is over, or until something is seen to be broken.
    pub async fn make(mut self, team: &mut Team, time: Duration, dir: &Path) -> Result<Option<String>> {
        let begun = Instant::now();
        let mut look_at = begun + LOOK_EVERY;
        while begun.elapsed() < time {
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(50..600))).await;
            self.next(team).await?;
            team.fill(&self.scene).await?;
            let looked_at = Instant::now();
            if looked_at >= look_at {
                if let Some(broken) = judge::look(self.scene.db(), dir).await? {
                    return Ok(Some(broken));
                }
                look_at = Instant::now() + LOOK_EVERY.max(looked_at.elapsed() * LOOK_PART);
            }
        }
        for _ in 0..self.proxy.lost_commits() {
            self.scene.did("answers to a COMMIT that were lost");
        }
        Ok(None)
    }

    /// What the dice give, unless there is something that has not been made yet and can be made now.
    async fn next(&mut self, team: &mut Team) -> Result<()> {
        let (chosen, _) = *self.weights.choose_weighted(&mut self.rng, |(_, weight)| *weight)?;
        if let Some(fault) = self.unmade.pop_front() {
            if self.one(fault, team).await? {
                return Ok(());
            }
            if self.is_possible(fault, team) {
                self.unmade.push_back(fault);
            }
        }
        self.one(chosen, team).await?;
        Ok(())
    }

    /// Whether this fault can be made here at all.
    fn is_possible(&self, fault: Fault, team: &Team) -> bool {
        match fault {
            Fault::KillDatabase | Fault::ShutDownDatabase => self.may_crash_database,
            Fault::FillDisk => self.volume.is_some(),
            Fault::JumpClock => team.can_jump_clocks(),
            _ => true,
        }
    }

    /// Makes it, where it can be made now; says whether it was.
    async fn one(&mut self, fault: Fault, team: &mut Team) -> Result<bool> {
        let few = self.rng.random_range(1..4);
        let delay = Duration::from_millis(self.rng.random_range(20..400));
        Ok(match fault {
            Fault::KillWorker => told(&self.scene, team.kill(&mut self.rng), "workers killed by SIGKILL"),
            Fault::StopWorker => told(&self.scene, team.stop(&mut self.rng), "workers stopped beyond their lease"),
            Fault::TellToLeave => told(&self.scene, team.tell_to_leave(&mut self.rng), "workers told to leave"),
            Fault::Cut => self.treat(few, Treatment::Cut, "connections cut"),
            Fault::Delay => self.treat(few, Treatment::Delay(delay), "connections delayed"),
            Fault::Swallow => self.treat(few, Treatment::Swallow, "connections swallowed"),
            Fault::LoseAnswers => self.treat(few * 5, Treatment::LoseAnswer, "connections that lost answers"),
            // Told of when a commit has come by.
            Fault::LoseCommits => self.proxy.treat(&mut self.rng, few * 5, Treatment::LoseCommit) > 0,
            Fault::LoseSettlements => {
                self.treat(few, Treatment::LoseSettlement, "connections that lose the answer to a settlement")
            }
            Fault::HoldSettlements => {
                let late = Treatment::HoldSettlement(self.late());
                self.treat(few * 3, late, "connections that hold a settlement back")
            }
            Fault::JumpClock => told(&self.scene, team.jump_clock(&mut self.rng)?, "jumps of a worker's clock"),
            Fault::FillDisk => self.fill_disk(),
            Fault::TerminateBackends => self.terminate_backends().await,
            Fault::KillDatabase => self.crash_database(Signal::KILL, "crashes of PostgreSQL by SIGKILL").await?,
            // What SIGQUIT means to it.
            Fault::ShutDownDatabase => self.crash_database(Signal::QUIT, "immediate shutdowns of PostgreSQL").await?,
            Fault::HoldTransaction => self.hold_transaction(),
            Fault::ExhaustConnections => self.exhaust_connections(),
        })
    }

    /// Sometimes longer than a worker waits for an answer, sometimes longer than its lease.
    fn late(&mut self) -> Duration {
        let lease = Duration::from_secs(LEASE_SECONDS.into());
        let part = if self.rng.random_bool(0.7) { 0.5..1.0 } else { 1.2..2.5 };
        lease.mul_f64(self.rng.random_range(part))
    }

    fn treat(&mut self, count: usize, treatment: Treatment, what: &'static str) -> bool {
        let treated = self.proxy.treat(&mut self.rng, count, treatment);
        (0..treated).for_each(|_| self.scene.did(what));
        treated > 0
    }

    async fn terminate_backends(&self) -> bool {
        let all = "select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()";
        told(&self.scene, sqlx::query(all).execute(self.scene.db()).await.is_ok(), "storms of pg_terminate_backend")
    }

    /// The program starts its cluster again by itself.
    async fn crash_database(&mut self, signal: Signal, what: &'static str) -> Result<bool> {
        if !self.may_crash_database || self.crashed_at.elapsed() < BETWEEN_CRASHES {
            return Ok(false);
        }
        let Ok(folder) = sqlx::query_scalar::<_, String>("show data_directory").fetch_one(self.scene.db()).await else {
            return Ok(false);
        };
        let pid_file =
            std::fs::read_to_string(Path::new(&folder).join("postmaster.pid")).context("reading postmaster.pid")?;
        let pid = pid_file.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
        let is_done = told(&self.scene, pid.is_some_and(|pid| kill_process(pid, signal).is_ok()), what);
        if is_done {
            self.crashed_at = Instant::now();
        }
        Ok(is_done)
    }

    /// Fills the volume of the cluster up to its last byte for a moment.
    fn fill_disk(&mut self) -> bool {
        let Some(ballast) = self.volume.as_ref().map(|volume| volume.join(BALLAST)) else { return false };
        let (scene, time) = (self.scene.clone(), Duration::from_millis(self.rng.random_range(300..2000)));
        scene.did("times that the disk was full");
        tokio::spawn(async move {
            let file = ballast.clone();
            // It ends with an error: that is the point.
            let filled = tokio::task::spawn_blocking(move || {
                std::fs::File::create(file).and_then(|mut file| std::io::copy(&mut std::io::repeat(1), &mut file))
            });
            drop(filled.await);
            scene.pause(time).await;
            drop(std::fs::remove_file(ballast));
        });
        true
    }

    /// Keeps vacuum from cleaning up for a while.
    fn hold_transaction(&mut self) -> bool {
        let (scene, time) = (self.scene.clone(), Duration::from_secs(self.rng.random_range(5..20)));
        scene.did("transactions held open");
        tokio::spawn(async move {
            let held = async {
                let mut tx = db::begin(scene.db()).await?;
                sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
                sqlx::query("select count(*) from tasks").execute(&mut *tx).await?;
                scene.pause(time).await;
                tx.rollback().await
            };
            // It may be ended by another fault, and that is fine.
            drop::<sqlx::Result<()>>(held.await);
        });
        true
    }

    /// Takes every connection that PostgreSQL has, for a moment.
    fn exhaust_connections(&mut self) -> bool {
        let (scene, time) = (self.scene.clone(), Duration::from_millis(self.rng.random_range(300..2000)));
        scene.did("times that connections were exhausted");
        tokio::spawn(async move {
            let options = scene.db().connect_options();
            let mut taken = Vec::new();
            while taken.len() < 500 {
                match PgConnection::connect_with(&options).await {
                    Ok(conn) => taken.push(conn),
                    Err(_) => break,
                }
            }
            scene.pause(time).await;
        });
        true
    }
}

/// Counts what was done.
fn told(scene: &Scene, is_done: bool, what: &'static str) -> bool {
    if is_done {
        scene.did(what);
    }
    is_done
}
