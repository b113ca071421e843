//! Sizes that a reader can take in: lines of a file, lines of a function.

use anyhow::Result;

use super::{nothing_found, sources};
use crate::workspace::Workspace;

const FILE: usize = 400;
const TEST_FILE: usize = 500;
const FUNCTION: usize = 70;
const COMPONENT: usize = 110;
const KINDS: [&str; 5] = ["css", "js", "rs", "sql", "ts"];

/// Finds files and functions over their budget.
pub fn check(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    for (name, text) in sources(workspace)? {
        let kind = name.rsplit('.').next().unwrap_or_default();
        if !KINDS.contains(&kind) {
            continue;
        }
        let (lines, budget) = (text.lines().count(), if is_test(&name) { TEST_FILE } else { FILE });
        if lines > budget {
            found.push(format!("{name}: {lines} lines, allowed are {budget}"));
        }
        if kind == "rs" {
            let long = functions(&text).into_iter().filter(|function| function.lines > function.budget);
            found.extend(long.map(|function| function.complaint(&name)));
        }
    }
    nothing_found(&found, "over their budget of lines")
}

fn is_test(name: &str) -> bool {
    name.starts_with("end2end/") || name.split('/').any(|part| part == "tests" || part == "tests.rs")
}

#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
    budget: usize,
}

impl Function {
    fn complaint(&self, file: &str) -> String {
        let Self { name, line, lines, budget } = self;
        format!("{file}:{line}: `{name}` has {lines} lines, allowed are {budget}")
    }
}

/// Reads the layout instead of the language: the format is checked before, so a function ends at the first line that
/// closes a brace where the function began.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let own = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with(['}', ')', '{']));
        let is_over = |line: &&str| line.ends_with(';') || line.ends_with('}');
        let end =
            if is_over(line) { Some(0) } else { lines[index..].iter().position(|line| own(line) && is_over(line)) };
        let is_component = lines[..index].iter().rev().take_while(|line| !line.trim().is_empty() && !is_over(line));
        let is_component = is_component.into_iter().any(|line| line.trim_start().starts_with("#[component"));
        let budget = if is_component { COMPONENT } else { FUNCTION };
        found.extend(end.map(|end| Function { name: name.to_owned(), line: index + 1, lines: end + 1, budget }));
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_item = before.split_whitespace().all(|word| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub(")
    });
    let end = after.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    (is_item && end > 0).then(|| &after[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> Vec<(String, usize, usize)> {
        functions(text).into_iter().map(|one| (one.name, one.lines, one.budget)).collect()
    }

    #[test]
    fn a_function_ends_where_its_own_brace_closes() {
        let text = "pub(crate) async fn ada(\n    x: u8,\n) -> u8 {\n    if x {\n    }\n}\n\nfn grace() {}\n";

        assert_eq!(measured(text), [("ada".to_owned(), 6, FUNCTION), ("grace".to_owned(), 1, FUNCTION)]);
    }

    #[test]
    fn a_promise_without_a_body_is_no_long_function() {
        let text = "trait Work {\n    fn run(\n        &self,\n    ) -> u8;\n    fn stop(&self);\n}\n";

        assert_eq!(measured(text), [("run".to_owned(), 3, FUNCTION), ("stop".to_owned(), 1, FUNCTION)]);
    }

    #[test]
    fn a_component_may_be_longer() {
        let text = "/// Shows.\n#[component]\npub fn Page() -> impl IntoView {\n    view! {}\n}\n";

        assert_eq!(measured(text), [("Page".to_owned(), 3, COMPONENT)]);
    }
}
