//! Text that must not be in the repository.

use anyhow::Result;

use super::{nothing_found, sources};
use crate::workspace::Workspace;

/// A text, where it is looked for, and what to do instead. Cut in two here, so that this file may stay.
struct Rule {
    text: &'static str,
    applies: fn(&str) -> bool,
    instead: &'static str,
}

const REASON: &str = "use `#[expect(…, reason = …)]`, or mend it";
const UNFINISHED: &str = "finish it";
const WAIT: &str = "wait for the state, or move the row";

const RULES: [Rule; 13] = [
    // A begin that is dropped before its answer leaves an open transaction in the pool.
    Rule { text: concat!("db.beg", "in()"), applies: is_rust, instead: "use `server::db::begin`" },
    // Leptos 0.8 does not escape what is inside of it on the server.
    Rule { text: concat!("<text", "area"), applies: is_raw_view, instead: "use the TextArea component" },
    Rule { text: concat!("#[al", "low"), applies: is_rust, instead: REASON },
    Rule { text: concat!("#![al", "low"), applies: is_rust, instead: REASON },
    Rule { text: concat!("#[ign", "ore"), applies: is_rust, instead: REASON },
    Rule { text: concat!("to", "do!"), applies: is_rust, instead: UNFINISHED },
    Rule { text: concat!("unimpl", "emented!"), applies: is_rust, instead: UNFINISHED },
    Rule { text: concat!("db", "g!"), applies: is_rust, instead: UNFINISHED },
    Rule { text: concat!("FIX", "ME"), applies: is_rust, instead: UNFINISHED },
    Rule { text: concat!("thread::", "sleep"), applies: is_test, instead: WAIT },
    Rule { text: concat!("time::", "sleep"), applies: is_test, instead: WAIT },
    Rule { text: concat!("waitFor", "Timeout"), applies: is_test, instead: WAIT },
    // It would tie every clone to the mirror of whoever wrote it.
    Rule { text: concat!("\"resol", "ved\": \"http"), applies: is_npm_lock, instead: "let .npmrc omit it" },
];

/// Folders of one machine; a path below them means nothing on another.
const MACHINE: [&str; 4] = ["farm", "root", "tmp", "work"];

/// Finds forbidden text.
pub fn check(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    for (name, text) in sources(workspace)? {
        for (index, line) in text.lines().enumerate() {
            found.extend(complaint(&name, line).map(|why| format!("{name}:{}: {why}", index + 1)));
        }
    }
    nothing_found(&found, "forbidden texts")
}

fn complaint(file: &str, line: &str) -> Option<String> {
    let rule = RULES.iter().find(|rule| (rule.applies)(file) && line.contains(rule.text));
    if let Some(Rule { text, instead, .. }) = rule {
        return Some(format!("`{text}`: {instead}"));
    }
    let is_path = !file.ends_with(".lock") && MACHINE.iter().any(|folder| names_path(line, folder));
    is_path.then(|| "a path of one machine".to_owned())
}

fn names_path(line: &str, folder: &str) -> bool {
    let start = format!("/{folder}/");
    line.match_indices(&start)
        .any(|(at, _)| line[at + start.len()..].starts_with(|next: char| next.is_ascii_lowercase()))
}

fn is_rust(file: &str) -> bool {
    file.ends_with(".rs")
}

fn is_raw_view(file: &str) -> bool {
    file.starts_with("app/src/") && file != "app/src/ui/text_area.rs"
}

fn is_test(file: &str) -> bool {
    file.contains("tests") || file.starts_with("end2end/")
}

fn is_npm_lock(file: &str) -> bool {
    file.ends_with("package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_only_where_it_applies() {
        let line = concat!("<text", "area>");

        assert!(complaint("app/src/notes/page.rs", line).is_some());
        assert_eq!(complaint("app/src/ui/text_area.rs", line), None);
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_others_are_not() {
        let path = ["", "tmp", "x"].join("/");

        assert!(complaint("README.md", &format!("see {path}")).is_some());
        assert_eq!(complaint("README.md", "see target/site/pkg and mktemp"), None);
    }
}
