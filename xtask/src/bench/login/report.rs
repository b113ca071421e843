//! The findings as Markdown.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::load::{Outcome, percentile};
use super::{Found, LOOKS, Login};
use crate::bench::result::Facts;
use crate::workspace::Workspace;

/// How much slower the page may become (issue 4).
const GOAL: f64 = 2.0;

/// Prints them and writes a file, whose name git ignores when it is not the whole measurement of what people get.
pub fn write(workspace: &Workspace, options: &Login, found: &[Found]) -> Result<()> {
    let facts = Facts::read(workspace, !options.debug)?;
    let is_whole = !options.debug && options.set.is_empty() && options.seconds >= 30 && options.rate >= 100;
    let ratio = median(found.iter().map(ratio).collect());
    let text = format!(
        "# The tasks page beside logins, {}\n\n\
         {}- settings: {}\n- logins: {} in each second for {} s\n\
         - looks at `/tasks`: {LOOKS} in each second, quiet and under load for as long\n\n{}\n{}\n\
         **p99 under load: {ratio:.2} × the quiet one** (the median of {}; the goal is {GOAL} × at most)\n",
        facts.date,
        facts.lines(),
        if options.set.is_empty() { "those of the program".to_owned() } else { options.set.join(", ") },
        options.rate,
        options.seconds,
        pages(found),
        logins(found, options.seconds),
        found.len(),
    );
    facts.publish(workspace, "login", is_whole, &text)
}

fn ratio(found: &Found) -> f64 {
    percentile(&found.loaded, 0.99).as_secs_f64() / percentile(&found.quiet, 0.99).as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn pages(found: &[Found]) -> String {
    let mut text = String::from(
        "| Pair | quiet p50 | p99 | under load p50 | p99 | ratio of p99 | answers |\n|---|---|---|---|---|---|---|\n",
    );
    for (place, one) in found.iter().enumerate() {
        let all: Vec<_> = one.quiet.iter().chain(&one.loaded).copied().collect();
        let cells =
            [&one.quiet, &one.loaded].map(|looks| [0.5, 0.99].map(|part| ms(percentile(looks, part))).join(" | "));
        text += &format!("| {} | {} | {:.2} | {} |\n", place + 1, cells.join(" | "), ratio(one), statuses(&all));
    }
    text
}

fn logins(found: &[Found], seconds: u32) -> String {
    let mut text = String::from(
        "| Pair | logins | served | in each second | p50 | p99 | refused with 503, p50 | p99 |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (place, one) in found.iter().enumerate() {
        let of =
            |status: u16| -> Vec<_> { one.logins.iter().filter(|login| login.status == status).copied().collect() };
        let (served, refused) = (of(200), of(503));
        let share = 100.0 * served.len() as f64 / one.logins.len().max(1) as f64;
        let rate = served.len() as f64 / f64::from(seconds);
        let times = [&served, &refused].map(|logins| [0.5, 0.99].map(|part| ms(percentile(logins, part))).join(" | "));
        let (answers, times) = (statuses(&one.logins), times.join(" | "));
        text += &format!("| {} | {answers} | {share:.0} % | {rate:.1} | {times} |\n", place + 1);
    }
    text
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// How many were answered with what.
fn statuses(outcomes: &[Outcome]) -> String {
    let mut counts = BTreeMap::<u16, usize>::new();
    outcomes.iter().for_each(|one| *counts.entry(one.status).or_default() += 1);
    let counts: Vec<_> = counts.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    counts.join(", ")
}
