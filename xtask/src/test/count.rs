//! How many tests passed, and which did not: read from what the runners say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Add;

use anyhow::{Context, Result};
use serde_json::Value;

/// The outcome of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    /// What failed and why, as far as the runner tells: whoever reads only the end of a long log is told.
    pub failures: BTreeSet<String>,
}

impl Count {
    /// A run that ended badly without a failed test, as by a compiler error, has failed all the same.
    pub fn ended(self, good: bool) -> Self {
        let failed = if good { self.failed } else { self.failed.max(1) };
        Self { failed, ..self }
    }
}

/// Lines that are kept of what a failed test says.
const LINES: usize = 50;

/// How the line begins that follows the message of a panic.
const AFTER_A_MESSAGE: [&str; 2] = ["note: run with `RUST_BACKTRACE", "stack backtrace:"];

/// What nextest has said so far.
#[derive(Default)]
pub struct Nextest {
    sums: Option<Count>,
    /// What failed, each with the message of its panic.
    failures: BTreeMap<String, Vec<String>>,
    /// Whose output is being read.
    current: String,
    is_in_message: bool,
}

impl Nextest {
    /// Reads one more line of it.
    pub fn read(&mut self, line: &str) {
        let line = without_colours(line);
        self.sums = sums(&line).or(self.sums.take());
        if let Some(name) = failed_test(&line) {
            self.failures.entry(name.clone()).or_default();
            (self.current, self.is_in_message) = (name, false);
            return;
        }
        let Some(message) = self.failures.get_mut(&self.current) else { return };
        let is_over = message.len() == LINES || AFTER_A_MESSAGE.iter().any(|end| line.trim_start().starts_with(end));
        match self.is_in_message {
            true if is_over => self.is_in_message = false,
            true => message.push(line.trim_end().to_owned()),
            // The last panic is why: one before it may have been meant.
            false if line.contains(" panicked at ") => {
                *message = vec![line.trim_end().to_owned()];
                self.is_in_message = true;
            }
            false => {}
        }
    }

    /// All that it said. An error when it did not come to the tests.
    pub fn end(self, good: bool) -> Result<Count> {
        let count = self.sums.context("the tests did not run")?;
        let told = |(name, message): (String, Vec<String>)| [vec![name], message].concat().join("\n");
        Ok(Count { failures: self.failures.into_iter().map(told).collect(), ..count }.ended(good))
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let failures = self.failures.into_iter().chain(other.failures).collect();
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed, failures }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Reads `Summary [1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 0 skipped`.
fn sums(line: &str) -> Option<Count> {
    let (_, outcomes) = line.trim_start().strip_prefix("Summary")?.split_once(" run: ")?;
    let mut count = Count::default();
    for outcome in outcomes.split(", ") {
        // In parentheses stand kinds of what has been counted before.
        let Some((number, word)) = outcome.split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word.split(" (").next()? {
            "passed" => count.passed += number,
            "failed" | "timed out" | "exec failed" => count.failed += number,
            _ => {}
        }
    }
    Some(count)
}

/// Reads `FAIL [   0.008s] ( 7/20) starter::all notes::a_test`.
fn failed_test(line: &str) -> Option<String> {
    let (outcome, rest) = line.trim_start().split_once(" [")?;
    let (_, name) = rest.split_once("] ")?;
    let name = name.trim_start().trim_start_matches(|at| matches!(at, '(' | ')' | '/' | ' ' | '0'..='9'));
    ["FAIL", "TIMEOUT", "SIGABRT", "SIGSEGV", "SIGKILL"].contains(&outcome).then(|| name.to_owned())
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
pub fn libtest(line: &str) -> Option<Count> {
    let line = without_colours(line);
    let (_, outcomes) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let mut all = outcomes.split("; ");
        all.find_map(|outcome| outcome.trim().strip_suffix(word)?.trim().parse().ok())
    };
    Some(Count { passed: number("passed")?, failed: number("failed")?, ..Count::default() })
}

/// Reads the sums of Playwright's report; what passed at a second attempt has passed.
pub fn playwright(report: &Value) -> Option<Count> {
    let sum = |name: &str| report["stats"][name].as_u64();
    // An error outside of a test, as in a file that cannot be read, is in no sum.
    let errors = report["errors"].as_array().map_or(0, Vec::len) as u64;
    let mut failures = BTreeSet::new();
    unexpected(&report["suites"], &mut failures);
    failures.extend(report["errors"].as_array().into_iter().flatten().filter_map(first_line));
    Some(Count { passed: sum("expected")? + sum("flaky")?, failed: sum("unexpected")? + errors, failures })
}

/// Goes through the files and groups of Playwright's report; its last attempt tells why a test failed.
fn unexpected(suites: &Value, failures: &mut BTreeSet<String>) {
    for suite in suites.as_array().into_iter().flatten() {
        for spec in suite["specs"].as_array().into_iter().flatten().filter(|spec| spec["ok"] == false) {
            let results = spec["tests"].as_array().into_iter().flatten();
            let results = results.filter_map(|test| test["results"].as_array()?.last());
            let why = results.flat_map(|result| result["errors"].as_array()).flatten().find_map(first_line);
            let [file, title] = [&spec["file"], &spec["title"]].map(|text| text.as_str().unwrap_or_default());
            failures.insert(format!("{file}: {title}: {}", why.unwrap_or_default()));
        }
        unexpected(&suite["suites"], failures);
    }
}

fn first_line(error: &Value) -> Option<String> {
    Some(without_colours(error["message"].as_str()?.lines().next()?))
}

/// Reads the report of Schemathesis: an operation has passed when no request to it has failed.
pub fn schemathesis(report: &Value) -> Option<Count> {
    let tested = report["operations"]["tested"].as_u64()?;
    let of = |group: &Value| group["operations"].as_array().cloned().unwrap_or_default();
    let failed: BTreeSet<String> =
        report["failures"].as_array()?.iter().flat_map(of).map(|one| one.to_string()).collect();
    let errors = report["errors"].as_array()?;
    let groups = report["failures"].as_array()?.iter().chain(errors);
    let failures = groups.map(|group| format!("{}: {}", group["title"], group["operations"])).collect();
    let errors: u64 = errors.iter().filter_map(|group| group["count"].as_u64()).sum();
    let failed = failed.len() as u64 + errors;
    Some(Count { passed: tested.saturating_sub(failed), failed, failures })
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: u64, failed: u64) -> Count {
        Count { passed, failed, failures: BTreeSet::new() }
    }

    fn read<const N: usize>(lines: [&str; N]) -> Result<Count> {
        let mut said = Nextest::default();
        lines.iter().for_each(|line| said.read(line));
        said.end(true)
    }

    #[test]
    fn what_failed_is_named_once() {
        let lines = [
            "        PASS [   0.004s] ( 1/20) starter::all notes::another",
            "\u{1b}[31;1m        FAIL\u{1b}[0m [   1.204s] ( 2/20) starter::all notes::a_test",
            "     TIMEOUT [ 240.004s] ( 3/20) xtask check::a_slow_one",
            "     Summary [   2.350s] 20 tests run: 18 passed, 1 failed, 1 timed out, 0 skipped",
            "        FAIL [   1.204s] ( 2/20) starter::all notes::a_test",
        ];

        let failures = read(lines).map(|count| count.failures.into_iter().collect::<Vec<_>>());

        assert_eq!(failures.ok(), Some(vec!["starter::all notes::a_test".into(), "xtask check::a_slow_one".into()]));
    }

    #[test]
    fn what_a_failed_test_said_stays_with_its_name() {
        let lines = [
            "        FAIL [   1.204s] ( 2/20) starter::all notes::a_test",
            "  stderr ───",
            "    thread 'a worker' (6) panicked at tests/all/notes.rs:11:5:",
            "    on purpose",
            "    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            "    thread 'notes::a_test' (7) panicked at tests/all/notes.rs:12:5:",
            "    assertion `left == right` failed",
            "      left: 1",
            "    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            "     Summary [   2.350s] 20 tests run: 19 passed, 1 failed, 0 skipped",
            "        FAIL [   1.204s] ( 2/20) starter::all notes::a_test",
        ];

        let failures = read(lines).map(|count| count.failures.into_iter().collect::<Vec<_>>());

        let told = [
            "starter::all notes::a_test",
            "    thread 'notes::a_test' (7) panicked at tests/all/notes.rs:12:5:",
            "    assertion `left == right` failed",
            "      left: 1",
        ];
        assert_eq!(failures.ok(), Some(vec![told.join("\n")]));
    }

    #[test]
    fn every_way_to_fail_counts() {
        let line =
            "     Summary [   2.350s] 14/20 tests run: 10 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 6 skipped";

        assert_eq!(read([line]).ok(), Some(count(10, 3)));
        assert!(read(["        PASS [   0.004s] xtask a_test"]).is_err());
    }

    #[test]
    fn colours_do_not_hide_the_sum() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.0s] \u{1b}[1m6\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped";

        assert_eq!(read([line]).ok(), Some(count(6, 0)));
    }

    #[test]
    fn documentation_is_counted_per_crate() {
        let line = "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";

        assert_eq!(libtest(line), Some(count(3, 1)));
    }

    #[test]
    fn an_error_outside_of_a_test_is_a_failure() {
        let report = serde_json::json!({
            "stats": { "expected": 4, "unexpected": 1, "flaky": 1, "skipped": 2 },
            "errors": [{ "message": "no such file" }],
            "suites": [{ "suites": [{ "specs": [
                { "ok": true, "file": "a.ts", "title": "stays" },
                { "ok": false, "file": "a.ts", "title": "breaks", "tests": [{ "results": [
                    { "errors": [{ "message": "at first" }] },
                    { "errors": [{ "message": "\u{1b}[2mtoo late\u{1b}[22m\nat a.ts:1" }] },
                ] }] },
            ] }] }],
        });
        let failures = ["a.ts: breaks: too late", "no such file"].map(str::to_owned).into();

        assert_eq!(playwright(&report), Some(Count { passed: 5, failed: 2, failures }));
    }

    #[test]
    fn an_operation_fails_once_however_often_and_variously_it_fails() {
        let report = serde_json::json!({
            "operations": { "tested": 5 },
            "failures": [
                { "title": "Server error", "count": 7, "operations": ["GET /a", "GET /b"] },
                { "title": "Undocumented HTTP status code", "count": 1, "operations": ["GET /a"] },
            ],
            "errors": [{ "title": "Network Error", "count": 1 }],
        });

        let sums = schemathesis(&report).map(|count| (count.passed, count.failed, count.failures.len()));
        assert_eq!(sums, Some((2, 3, 3)));
        assert_eq!(schemathesis(&serde_json::json!({ "operations": null })), None);
    }

    #[test]
    fn a_run_that_broke_off_has_failed() {
        assert_eq!(Count::default().ended(false).failed, 1);
        assert_eq!(count(1, 2).ended(false).failed, 2);
    }
}
