//! How many tests passed: read from what the runners say.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Add;

use serde_json::Value;

/// The outcome of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

impl Count {
    /// A run that ended badly without a failed test, as by a compiler error, has failed all the same.
    pub fn as_it_ended(self, good: bool) -> Self {
        let failed = if good { self.failed } else { self.failed.max(1) };
        Self { failed, ..self }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Reads `Summary [1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 0 skipped`.
pub fn nextest(line: &str) -> Option<Count> {
    let line = without_colours(line);
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

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
pub fn libtest(line: &str) -> Option<Count> {
    let line = without_colours(line);
    let (_, outcomes) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let mut all = outcomes.split("; ");
        all.find_map(|outcome| outcome.trim().strip_suffix(word)?.trim().parse().ok())
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

/// Reads the sums of Playwright's report; what passed at a second attempt has passed.
pub fn playwright(report: &Value) -> Option<Count> {
    let sum = |name: &str| report["stats"][name].as_u64();
    // An error outside of a test, as in a file that cannot be read, is in no sum.
    let errors = report["errors"].as_array().map_or(0, Vec::len) as u64;
    Some(Count { passed: sum("expected")? + sum("flaky")?, failed: sum("unexpected")? + errors })
}

/// Reads the report of Schemathesis: an operation has passed when no request to it has failed.
pub fn schemathesis(report: &Value) -> Option<Count> {
    let tested = report["operations"]["tested"].as_u64()?;
    let of = |group: &Value| group["operations"].as_array().cloned().unwrap_or_default();
    let failed: BTreeSet<String> =
        report["failures"].as_array()?.iter().flat_map(of).map(|one| one.to_string()).collect();
    let errors: u64 = report["errors"].as_array()?.iter().filter_map(|group| group["count"].as_u64()).sum();
    let failed = failed.len() as u64 + errors;
    Some(Count { passed: tested.saturating_sub(failed), failed })
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_fail_counts() {
        let line =
            "     Summary [   2.350s] 14/20 tests run: 10 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 6 skipped";

        assert_eq!(nextest(line), Some(Count { passed: 10, failed: 3 }));
        assert_eq!(nextest("        PASS [   0.004s] xtask a_test"), None);
    }

    #[test]
    fn colours_do_not_hide_the_sum() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.0s] \u{1b}[1m6\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped";

        assert_eq!(nextest(line), Some(Count { passed: 6, failed: 0 }));
    }

    #[test]
    fn documentation_is_counted_per_crate() {
        let line = "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";

        assert_eq!(libtest(line), Some(Count { passed: 3, failed: 1 }));
    }

    #[test]
    fn an_error_outside_of_a_test_is_a_failure() {
        let report = serde_json::json!({
            "stats": { "expected": 4, "unexpected": 1, "flaky": 1, "skipped": 2 },
            "errors": [{ "message": "no such file" }],
        });

        assert_eq!(playwright(&report), Some(Count { passed: 5, failed: 2 }));
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

        assert_eq!(schemathesis(&report), Some(Count { passed: 2, failed: 3 }));
        assert_eq!(schemathesis(&serde_json::json!({ "operations": null })), None);
    }

    #[test]
    fn a_run_that_broke_off_has_failed() {
        assert_eq!(Count::default().as_it_ended(false).failed, 1);
        assert_eq!(Count { passed: 1, failed: 2 }.as_it_ended(false).failed, 2);
    }
}
