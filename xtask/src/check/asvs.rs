//! `docs/security/asvs.toml`: every requirement is there once, with a verdict, and what a verdict rests on exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::nothing_found;
use crate::workspace::Workspace;

const FILE: &str = "docs/security/asvs.toml";
const VERDICTS: [&str; 4] = ["met", "partly", "not met", "not applicable"];
/// Chapters of ASVS 5.0.0, and how many requirements of levels 1 and 2 each has; 253 in all.
const CHAPTERS: [(u64, usize); 17] = [
    (1, 27),
    (2, 11),
    (3, 19),
    (4, 10),
    (5, 9),
    (6, 35),
    (7, 18),
    (8, 7),
    (9, 7),
    (10, 29),
    (11, 14),
    (12, 9),
    (13, 13),
    (14, 9),
    (15, 13),
    (16, 16),
    (17, 7),
];
/// Parts of this very check that a requirement may rest on.
const PARTS: &str = "xtask check: ";

/// Finds what is wrong with the file.
pub fn check(workspace: &Workspace) -> Result<()> {
    let text = fs::read_to_string(workspace.root.join(FILE)).with_context(|| format!("{FILE} cannot be read"))?;
    let exists = |test: &str| exists(&workspace.root, test);
    nothing_found(&complaints(&text, &exists), "faults in the list of security requirements")
}

/// The lines below a `[[kind]]`, by their keys.
struct Table {
    kind: String,
    line: usize,
    keys: BTreeMap<String, Value>,
}

fn complaints(text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let (tables, mut found) = read(text);
    let (mut seen, mut out) = (BTreeSet::new(), BTreeSet::new());
    for table in &tables {
        let mut complain = |what: String| found.push(format!("{FILE}:{}: {what}", table.line));
        if table.kind == "out" {
            out.insert(table.keys.get("chapter").and_then(Value::as_u64).unwrap_or_default());
            if table.text("reason").is_empty() {
                complain("a chapter is out without a reason".to_owned());
            }
            continue;
        }
        let id = table.text("id");
        if !seen.insert(id) {
            complain(format!("{id} is there twice"));
        }
        faults(table, exists).into_iter().for_each(|fault| complain(format!("{id}: {fault}")));
    }
    for (chapter, expected) in CHAPTERS {
        let start = format!("{chapter}.");
        let count = seen.iter().filter(|id| id.starts_with(&start)).count();
        if count != if out.contains(&chapter) { 0 } else { expected } {
            found.push(format!("{FILE}: chapter {chapter} has {expected} requirements, here are {count}"));
        }
    }
    found
}

/// What is wrong with one requirement by itself.
fn faults(table: &Table, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    if table.kind != "requirement" {
        found.push(format!("`[[{}]]` is no kind of entry", table.kind));
    }
    if !matches!(table.keys.get("level").and_then(Value::as_u64), Some(1 | 2)) {
        found.push("the level is 1 or 2".to_owned());
    }
    if table.text("asks").is_empty() {
        found.push("what it asks is missing".to_owned());
    }
    let verdict = table.text("verdict");
    if !VERDICTS.contains(&verdict) {
        found.push(format!("`{verdict}` is no verdict"));
    }
    let tests: Vec<_> = table.keys.get("tests").and_then(Value::as_array).into_iter().flatten().collect();
    let has_reason = !table.text("reason").is_empty();
    if verdict == "met" && tests.is_empty() && !has_reason {
        found.push("met, but by what? There is neither a test nor a reason".to_owned());
    }
    if verdict != "met" && !has_reason {
        found.push(format!("{verdict} needs a reason"));
    }
    let missing = tests.into_iter().filter_map(Value::as_str).filter(|test| !exists(test));
    found.extend(missing.map(|test| format!("there is no test `{test}`")));
    found
}

impl Table {
    fn text(&self, key: &str) -> &str {
        self.keys.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Reads the part of TOML that the file keeps to, one line a key with a value as JSON writes it, and says which lines are something else.
fn read(text: &str) -> (Vec<Table>, Vec<String>) {
    let (mut tables, mut found) = (Vec::<Table>::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(kind) = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            tables.push(Table { kind: kind.to_owned(), line: line_number, keys: BTreeMap::new() });
            continue;
        }
        let pair = line.split_once(" = ").and_then(|(key, value)| Some((key, serde_json::from_str(value).ok()?)));
        match (pair, tables.last_mut()) {
            (Some((key, value)), Some(table)) if !table.keys.contains_key(key) => {
                table.keys.insert(key.to_owned(), value);
            }
            _ => found.push(format!("{FILE}:{line_number}: not `key = value` of an entry, as JSON, once")),
        }
    }
    (tables, found)
}

/// `file::name`: a test function of Rust, or the title of a test of Playwright.
fn exists(root: &Path, test: &str) -> bool {
    if let Some(part) = test.strip_prefix(PARTS) {
        return super::QUICK.iter().chain(&super::FULL).any(|(name, _)| *name == part);
    }
    let Some((file, name)) = test.split_once("::") else { return false };
    let Ok(text) = fs::read_to_string(root.join(file)) else { return false };
    if file.ends_with(".ts") {
        return text.contains(&format!("test({name:?}"));
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let is_test = |at: usize| {
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        attributes.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    };
    lines.iter().enumerate().any(|(at, line)| line.contains(&head) && is_test(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that is wrong with this entry, beside all the requirements that are not there.
    fn wrong(entry: &str) -> Vec<String> {
        let all = complaints(entry, &|test| test == "tests/all/a.rs::it_holds");
        let own = all.into_iter().filter(|one| !one.contains("chapter "));
        own.map(|one| one.split_once(": ").unwrap().1.to_owned()).collect()
    }

    fn entry(id: &str, rest: &str) -> String {
        format!("[[requirement]]\nid = \"{id}\"\nlevel = 1\nasks = \"Something\"\n{rest}\n")
    }

    #[test]
    fn a_verdict_rests_on_a_test_that_exists_or_on_a_reason() {
        let good = [
            "verdict = \"met\"\ntests = [\"tests/all/a.rs::it_holds\"]",
            "verdict = \"met\"\nreason = \"there is none\"",
            "verdict = \"not applicable\"\nreason = \"there is none\"",
        ];
        assert!(good.iter().all(|rest| wrong(&entry("1.1.1", rest)).is_empty()));
        assert_eq!(wrong(&entry("1.1.1", "verdict = \"met\"")).len(), 1);
        assert_eq!(wrong(&entry("1.1.1", "verdict = \"partly\"\ntests = [\"tests/all/a.rs::it_holds\"]")).len(), 1);
        let gone = wrong(&entry("1.1.1", "verdict = \"met\"\ntests = [\"tests/all/a.rs::it_held\"]"));
        assert_eq!(gone, ["1.1.1: there is no test `tests/all/a.rs::it_held`"]);
    }

    #[test]
    fn what_is_unknown_doubled_or_unreadable_is_told() {
        let met = "verdict = \"met\"\nreason = \"so\"";
        assert_eq!(wrong(&entry("1.1.1", "verdict = \"fine\"\nreason = \"so\"")), ["1.1.1: `fine` is no verdict"]);
        assert_eq!(wrong(&(entry("1.1.1", met) + &entry("1.1.1", met))), ["1.1.1 is there twice"]);
        assert_eq!(wrong(&entry("1.1.1", &format!("{met}\nlevel = 2"))).len(), 1, "a key twice");
        assert_eq!(wrong(&entry("1.1.1", &format!("{met}\nmore = soon"))).len(), 1, "no JSON");
        assert_eq!(wrong("[[requirement]]\nid = \"1.1.1\"\n").len(), 4, "level, asks, verdict, reason");
    }

    #[test]
    fn a_requirement_that_is_missing_is_missed_unless_its_chapter_is_out() {
        let missing = |text: &str| complaints(text, &|_| true).len();
        assert_eq!(missing(""), CHAPTERS.len());
        assert_eq!(missing("[[out]]\nchapter = 17\nreason = \"none\"\n"), CHAPTERS.len() - 1);
        assert_eq!(missing("[[out]]\nchapter = 17\n"), CHAPTERS.len(), "a reason is missing instead");
    }

    #[test]
    fn a_test_is_a_function_with_its_attribute_or_a_title() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let here = |name: &str| exists(root, &format!("src/check/asvs.rs::{name}"));
        assert!(here("a_test_is_a_function_with_its_attribute_or_a_title"));
        assert!(!here("faults"), "no test");
        assert!(!here("nothing_of_this_name") && !exists(root, "src/check/gone.rs::any"));
        assert!(exists(root, "xtask check: budgets") && !exists(root, "xtask check: nothing"));
        let spec = "../end2end/tests/accounts.spec.ts::";
        assert!(exists(root, &format!("{spec}somebody logs out and in again, by email")));
        assert!(!exists(root, &format!("{spec}somebody logs out")));
    }
}
