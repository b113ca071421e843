//! The findings as Markdown.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Dashboard, Found};
use crate::process;
use crate::workspace::Workspace;

/// What each page may take in 95 of 100 requests (issue 6).
const GOAL: Duration = Duration::from_millis(50);

/// Prints them and writes a file, whose name git ignores when it is not the whole measurement.
pub fn write(workspace: &Workspace, options: &Dashboard, found: &[Found]) -> Result<()> {
    let mut git = Command::new("git");
    let commit = process::output(git.current_dir(&workspace.root).args(["describe", "--always", "--dirty"]))?;
    let date = process::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let (commit, date) = (commit.trim(), date.trim());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let is_whole =
        !options.debug && options.history >= 1_000_000 && options.ready >= 100_000 && options.requests >= 100;
    let late = found.iter().filter(|one| percentile(&one.took, 0.95) > GOAL).count();
    let text = format!(
        "# The pages of the queue, {date}\n\n\
         - commit: {commit}{}\n- machine: {cores} cores, {} {}\n- tasks: {} in the history, {} ready, {} dead\n\
         - requests: {} of each page, one after the other, as HTML for an administrator\n\n{}\n\
         **{} of {} pages within the goal** (p95 of {} ms)\n",
        if options.debug { ", not optimised" } else { "" },
        std::env::consts::OS,
        std::env::consts::ARCH,
        options.history,
        options.ready,
        options.dead,
        options.requests,
        table(found),
        found.len() - late,
        found.len(),
        GOAL.as_millis(),
    );
    let folder = workspace.root.join("bench/results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("dashboard-{date}{}.md", if is_whole { "" } else { "-part" }));
    fs::write(&file, &text).with_context(|| format!("{} could not be written", file.display()))?;
    println!("{text}");
    Ok(())
}

fn table(found: &[Found]) -> String {
    let mut text = String::from("| Page | p50 | p95 | longest | bytes |\n|---|---|---|---|---|\n");
    for one in found {
        let times =
            [0.5, 0.95, 1.0].map(|share| format!("{:.1} ms", percentile(&one.took, share).as_secs_f64() * 1000.0));
        text += &format!("| `{}` | {} | {} |\n", one.path, times.join(" | "), one.bytes);
    }
    text
}

/// Of times in order.
fn percentile(sorted: &[Duration], share: f64) -> Duration {
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
