//! What was really executed, written down outside of the database: one file a worker process, a line at each begin and end. A line is one
//! `write`, so it survives the `kill -9` of its process.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use uuid::Uuid;

/// The time of this boot in microseconds: the same for all processes, and no clock that jumps.
pub fn now() -> u64 {
    u64::try_from(server::tasks::since_boot().as_micros()).unwrap_or(u64::MAX)
}

/// Makes the folder, without the ledgers of an earlier run.
pub fn empty(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for file in files(dir)? {
        fs::remove_file(file)?;
    }
    Ok(())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "ledger") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The pen of one worker process.
pub struct Pen(File);

impl Pen {
    pub fn new(dir: &Path) -> Result<Self> {
        let path = dir.join(format!("{}-{}.ledger", std::process::id(), now()));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(Self(file))
    }

    /// `B`egins or `E`nds an execution.
    pub fn write(&self, mark: char, task: Uuid, epoch: i32, worker: i64, kind: &str) {
        let line = format!("{mark} {task} {epoch} {worker} {kind} {}\n", now());
        // A ledger with a hole would accuse the engine.
        if let Err(error) = (&self.0).write_all(line.as_bytes()) {
            eprintln!("the ledger cannot be written: {error}");
            std::process::abort();
        }
    }
}

/// One execution; without an end when its process was killed.
#[derive(Clone, Debug)]
pub struct Execution {
    pub task: Uuid,
    pub epoch: i32,
    pub worker: i64,
    /// The process of the worker.
    pub pid: u32,
    pub kind: String,
    pub began: u64,
    pub ended: Option<u64>,
}

/// A worker process that was killed, and when.
#[derive(Clone, Copy, Debug)]
pub struct Killed {
    pub pid: u32,
    pub at: u64,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub executions: Vec<Execution>,
}

/// All ledgers of a folder as they were at this moment. One file is read after the other while workers go on writing: without a common end
/// the next execution of a task could be seen, and the end of the one before it not.
pub fn read(dir: &Path) -> Result<Ledger> {
    let now = now();
    let mut written = Vec::new();
    for file in files(dir)? {
        written.push((pid_of(&file), fs::read_to_string(&file)?));
    }
    Ok(Ledger::of(&written, now))
}

/// A pen names its file by its process.
fn pid_of(file: &Path) -> u32 {
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('-').next().and_then(|pid| pid.parse().ok()).unwrap_or_default()
}

fn parse(line: &str, pid: u32) -> Option<(&str, Execution)> {
    let mut words = line.split(' ');
    let mark = words.next()?;
    let task = words.next()?.parse().ok()?;
    let epoch = words.next()?.parse().ok()?;
    let worker = words.next()?.parse().ok()?;
    let kind = words.next()?.to_owned();
    let began = words.next()?.parse().ok()?;
    Some((mark, Execution { task, epoch, worker, pid, kind, began, ended: None }))
}

impl Ledger {
    /// What processes have written until then, in the order of the begins.
    fn of(written: &[(u32, String)], until: u64) -> Self {
        let mut executions: HashMap<(Uuid, i32, i64), Execution> = HashMap::new();
        // The last line of a file may be cut.
        let lines = written.iter().flat_map(|(pid, lines)| lines.lines().filter_map(|line| parse(line, *pid)));
        for (mark, execution) in lines.filter(|(_, execution)| execution.began <= until) {
            let key = (execution.task, execution.epoch, execution.worker);
            if mark == "B" {
                executions.insert(key, execution);
            } else if let Some(begun) = executions.get_mut(&key) {
                begun.ended = Some(execution.began);
            }
        }
        let mut executions: Vec<_> = executions.into_values().collect();
        executions.sort_by_key(|execution| execution.began);
        Self { executions }
    }

    /// The executions of each task, in the order of their claims.
    pub fn by_task(&self) -> BTreeMap<Uuid, Vec<&Execution>> {
        let mut by_task: BTreeMap<Uuid, Vec<&Execution>> = BTreeMap::new();
        for execution in &self.executions {
            by_task.entry(execution.task).or_default().push(execution);
        }
        by_task.values_mut().for_each(|executions| executions.sort_by_key(|execution| execution.epoch));
        by_task
    }

    /// How long it took from the kill of a worker until each task that it was running began again, in microseconds, the shortest first. In
    /// it are the rest of the lease and whatever else was broken at that time.
    pub fn restarts(&self, killed: &[Killed]) -> Vec<u64> {
        let by_task = self.by_task();
        let pairs = by_task.values().flat_map(|executions| executions.windows(2));
        let mut restarts: Vec<_> = pairs
            .filter(|pair| pair[0].ended.is_none())
            .filter_map(|pair| {
                let kill = killed.iter().find(|kill| kill.pid == pair[0].pid && kill.at >= pair[0].began)?;
                pair[1].began.checked_sub(kill.at)
            })
            .collect();
        restarts.sort_unstable();
        restarts
    }
}

/// Microseconds as people read them.
pub fn words(micros: u64) -> String {
    format!("{:.3} s", Duration::from_micros(micros).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pid: u32, lines: &[(char, i32, u64)]) -> (u32, String) {
        let lines = lines.iter().map(|(mark, epoch, at)| format!("{mark} {} {epoch} {pid} kind {at}\n", Uuid::nil()));
        (pid, lines.collect())
    }

    #[test]
    fn what_is_written_while_the_files_are_read_is_not_seen() {
        let files =
            [written(1, &[('B', 1, 10), ('E', 1, 20), ('B', 3, 30), ('E', 3, 51)]), written(2, &[('B', 5, 55)])];
        let seen = Ledger::of(&files, 50);
        let spans: Vec<_> = seen.executions.iter().map(|one| (one.epoch, one.began, one.ended)).collect();
        assert_eq!(spans, [(1, 10, Some(20)), (3, 30, None)]);
    }

    #[test]
    fn a_restart_is_counted_from_the_kill_of_the_process_that_ran_the_task() {
        let files =
            [written(1, &[('B', 1, 10), ('E', 1, 20), ('B', 2, 30)]), written(2, &[('B', 4, 90), ('E', 4, 95)])];
        let killed = [Killed { pid: 1, at: 40 }, Killed { pid: 2, at: 99 }];
        assert_eq!(Ledger::of(&files, 100).restarts(&killed), [50]);
    }
}
