//! What the reports about pages share: the facts at their head, a percentile, and where they are written.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// Of what and where something was measured.
pub struct Facts {
    commit: String,
    pub date: String,
    is_optimised: bool,
}

impl Facts {
    pub fn read(workspace: &Workspace, is_optimised: bool) -> Result<Self> {
        let mut git = Command::new("git");
        let commit = process::output(git.current_dir(&workspace.root).args(["describe", "--always", "--dirty"]))?;
        let date = process::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
        Ok(Self { commit: commit.trim().to_owned(), date: date.trim().to_owned(), is_optimised })
    }

    /// The first lines of the list of facts.
    pub fn lines(&self) -> String {
        let cores = thread::available_parallelism().map_or(0, usize::from);
        let how = if self.is_optimised { "" } else { ", not optimised" };
        let (commit, os, arch) = (&self.commit, std::env::consts::OS, std::env::consts::ARCH);
        format!("- commit: {commit}{how}\n- machine: {cores} cores, {os} {arch}\n")
    }

    /// Prints a report and writes it to a file, whose name git ignores when it is not of the whole measurement.
    pub fn publish(&self, workspace: &Workspace, name: &str, is_whole: bool, text: &str) -> Result<()> {
        let folder = workspace.root.join("bench/results");
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{name}-{}{}.md", self.date, if is_whole { "" } else { "-part" }));
        fs::write(&file, text).with_context(|| format!("{} could not be written", file.display()))?;
        println!("{text}");
        Ok(())
    }
}

/// Of times in order.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_taken() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!([0.5, 0.95, 1.0].map(|share| percentile(&times, share).as_millis()), [50, 95, 100]);
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
