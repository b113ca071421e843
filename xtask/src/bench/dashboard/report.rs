//! The findings as Markdown.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Dashboard, Found};
use crate::bench::result::{Facts, percentile};
use crate::workspace::Workspace;

/// What each page may take in 95 of 100 requests (issue 6).
const GOAL: Duration = Duration::from_millis(50);

/// Prints them and writes a file, whose name git ignores when it is not the whole measurement.
///
/// # Errors
/// When a page is late. Nobody waits for the unoptimised program, so it may be.
pub fn write(workspace: &Workspace, options: &Dashboard, found: &[Found]) -> Result<()> {
    let facts = Facts::read(workspace, !options.debug)?;
    let is_whole =
        !options.debug && options.history >= 1_000_000 && options.ready >= 100_000 && options.requests >= 100;
    let late = late(found);
    let text = format!(
        "# The pages of the queue, {}\n\n\
         {}- tasks: {} in the history, {} ready, {} dead\n\
         - requests: {} of each page, one after the other, as HTML\n\n{}\n\
         **{} of {} pages within the goal** (p95 of {} ms)\n",
        facts.date,
        facts.lines(),
        options.history,
        options.ready,
        options.dead,
        options.requests,
        table(found),
        found.len() - late.len(),
        found.len(),
        GOAL.as_millis(),
    );
    facts.publish(workspace, "dashboard", is_whole, &text)?;
    ensure!(late.is_empty() || options.debug, "later than {} ms at p95: {}", GOAL.as_millis(), late.join(", "));
    Ok(())
}

/// The pages that are not within the goal.
fn late(found: &[Found]) -> Vec<String> {
    let late = found.iter().filter(|one| percentile(&one.took, 0.95) > GOAL);
    late.map(|one| format!("{} of the {}", one.path, one.by)).collect()
}

fn table(found: &[Found]) -> String {
    let mut text =
        String::from("| Page | Asked for by the | p50 | p95 | longest | bytes |\n|---|---|---|---|---|---|\n");
    for one in found {
        let times =
            [0.5, 0.95, 1.0].map(|share| format!("{:.1} ms", percentile(&one.took, share).as_secs_f64() * 1000.0));
        text += &format!("| `{}` | {} | {} | {} |\n", one.path, one.by, times.join(" | "), one.bytes);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_late_when_more_than_five_in_a_hundred_requests_are() {
        let page = |path, late| {
            let took = (0..100).map(|turn| if turn < 100 - late { GOAL } else { GOAL * 2 }).collect();
            Found { by: "user", path, took, bytes: 0 }
        };
        let found = [page("/tasks", 5), page("/tasks/dead", 6)];
        assert_eq!(late(&found), ["/tasks/dead of the user"]);
    }
}
