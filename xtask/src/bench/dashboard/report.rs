//! The findings as Markdown.

use std::time::Duration;

use anyhow::Result;

use super::{Dashboard, Found};
use crate::bench::result::{Facts, percentile};
use crate::workspace::Workspace;

/// What each page may take in 95 of 100 requests (issue 6).
const GOAL: Duration = Duration::from_millis(50);

/// Prints them and writes a file, whose name git ignores when it is not the whole measurement.
pub fn write(workspace: &Workspace, options: &Dashboard, found: &[Found]) -> Result<()> {
    let facts = Facts::read(workspace, !options.debug)?;
    let is_whole =
        !options.debug && options.history >= 1_000_000 && options.ready >= 100_000 && options.requests >= 100;
    let late = found.iter().filter(|one| percentile(&one.took, 0.95) > GOAL).count();
    let text = format!(
        "# The pages of the queue, {}\n\n\
         {}- tasks: {} in the history, {} ready, {} dead\n\
         - requests: {} of each page, one after the other, as HTML for an administrator\n\n{}\n\
         **{} of {} pages within the goal** (p95 of {} ms)\n",
        facts.date,
        facts.lines(),
        options.history,
        options.ready,
        options.dead,
        options.requests,
        table(found),
        found.len() - late,
        found.len(),
        GOAL.as_millis(),
    );
    facts.publish(workspace, "dashboard", is_whole, &text)
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
