//! What is written about a feature: settings, documentation, the expectations of generated requests, and the changelog.

use std::collections::BTreeSet;

use super::feature::{Feature, has_word};
use crate::commands::feature::Checkout;

/// The words of a feature that documents name.
#[derive(Debug, Default)]
pub struct Named {
    /// Its rows in the permission table.
    actions: BTreeSet<String>,
    /// In backticks: its scopes, and its kinds of task.
    quoted: BTreeSet<String>,
    /// Its limits among the settings.
    limits: BTreeSet<String>,
    /// Its guides.
    guides: Vec<String>,
}

impl Named {
    /// Read before anything is taken out.
    pub fn read(checkout: &Checkout, feature: &Feature) -> Self {
        let lines_of = |file: &str| checkout.files.get(file).map(String::as_str).unwrap_or_default().lines();
        let scopes = feature.words_of("Scope");
        let is_scope = |line: &&str| scopes.iter().any(|word| line.contains(&format!("Self::{word} => \"")));
        let mut quoted: BTreeSet<String> = lines_of("model/src/rbac/scope.rs")
            .filter(is_scope)
            .filter_map(text_in)
            .filter(|t| t.contains(':'))
            .collect();
        let own = checkout.files.iter().filter(|(path, _)| feature.is_own(path));
        let kinds = own.flat_map(|(_, text)| text.lines()).filter(|line| line.contains("const NAME: &'static str"));
        quoted.extend(kinds.filter_map(text_in));
        let words = feature.words_of("Limit");
        let is_limit = |line: &&str| words.iter().any(|word| has_word(line, &format!("Self::{word}")));
        let field = |line: &str| Some(line.split("limits.").nth(1)?.trim_end_matches(',').to_owned());
        let limits = lines_of("server/src/auth/limits.rs").filter(is_limit).filter_map(field).collect();
        let guides = feature.files.iter().filter_map(|path| path.strip_prefix("docs/guides/")).map(Into::into);
        Self { actions: feature.words_of("Action"), quoted, limits, guides: guides.collect() }
    }
}

fn text_in(line: &str) -> Option<String> {
    Some(line.split('"').nth(1)?.to_owned())
}

/// Takes out what tells of the feature, and says in the changelog that it is gone.
pub fn cut(checkout: &mut Checkout, feature: &Feature, named: &Named) {
    let limits = |line: &str| named.limits.iter().any(|limit| is_field(line, limit));
    checkout.edit("server/src/config/limits.rs", |text| super::lines::without(text, limits));
    checkout.edit("starter.example.toml", |text| settings(text, feature, &named.limits));
    checkout.edit("tests/schemathesis/schemathesis.toml", |text| requests(text, &feature.name));
    let documents: Vec<String> = checkout
        .files
        .keys()
        .filter(|path| *path == "README.md" || path.starts_with("docs/") && path.ends_with(".md"))
        .filter(|path| !path.starts_with("docs/decisions/"))
        .cloned()
        .collect();
    for path in documents {
        checkout.edit(&path, |text| document(text, named));
    }
    checkout.edit("CHANGELOG.md", |text| changelog(text, &feature.name));
}

fn is_field(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    line.strip_prefix("pub ").unwrap_or(line).strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
}

/// The paragraphs of a text, each with the blank line that follows it.
fn paragraphs(text: &str) -> Vec<&str> {
    text.split_inclusive("\n\n").collect()
}

/// The example of the settings without the section of the feature and its limits.
fn settings(text: &str, feature: &Feature, limits: &BTreeSet<String>) -> String {
    let head = format!("[{}]", feature.name);
    let mut is_inside = false;
    let is_kept = |paragraph: &&&str| {
        if let Some(section) = paragraph.lines().find(|line| line.starts_with('[')) {
            is_inside = section == head;
        }
        let is_limit = |line: &str| limits.iter().any(|limit| line.starts_with(&format!("# {limit} =")));
        !is_inside && !paragraph.lines().any(is_limit)
    };
    paragraphs(text).iter().filter(is_kept).copied().collect()
}

/// The expectations of generated requests without the routes of the feature; a block that names no other goes with its reason.
fn requests(text: &str, name: &str) -> String {
    let is_route = |line: &str| {
        let address = format!(" /api/v1/{}", name.replace('_', "-"));
        line.trim_start().starts_with('"')
            && line.split_once(&address).is_some_and(|(_, rest)| rest.starts_with(['"', '/']))
    };
    let cut = |paragraph: &&str| {
        let left: String = paragraph.split_inclusive('\n').filter(|line| !is_route(line)).collect();
        let is_empty = left.len() < paragraph.len() && !left.lines().any(|line| line.trim_start().starts_with('"'));
        (!is_empty).then_some(left)
    };
    paragraphs(text).iter().filter_map(cut).collect()
}

/// A document without the rows, items and sections that are about the feature, and without links to its guide.
fn document(text: &str, named: &Named) -> String {
    let is_quoted = |line: &str| named.quoted.iter().any(|word| line.contains(&format!("`{word}`")));
    let is_action = |line: &str| named.actions.iter().any(|action| line.starts_with(&format!("| {action} |")));
    let (mut left, mut hidden_below) = (String::new(), None);
    for line in text.lines() {
        let depth = line.chars().take_while(|letter| *letter == '#').count();
        if depth > 0 {
            if hidden_below.is_some_and(|hidden| depth <= hidden) {
                hidden_below = None;
            }
            if hidden_below.is_none() && is_quoted(line) {
                hidden_below = Some(depth);
            }
        }
        let is_row = line.starts_with("| ") || line.starts_with("- ");
        if hidden_below.is_none() && !(is_row && (is_quoted(line) || is_action(line))) {
            left.push_str(&named.guides.iter().fold(line.to_owned(), |line, guide| unlinked(line, guide)));
            left.push('\n');
        }
    }
    left
}

/// A line without its links to a guide: an item of a list goes, in a sentence the words stay.
fn unlinked(line: String, guide: &str) -> String {
    let Some(at) = line.find(guide) else { return line };
    let (Some(first), Some(end)) = (line[..at].rfind('['), line[at..].find(')')) else { return line };
    let (before, link, after) = (&line[..first], &line[first..at], &line[at + end + 1..]);
    let left = match (before.strip_suffix(", "), after.strip_prefix(", ")) {
        (Some(_), Some(after)) => format!("{before}{after}"),
        _ => format!("{before}{}{after}", link[1..].split(']').next().unwrap_or_default()),
    };
    unlinked(left, guide)
}

/// The changelog with a line about it, below what is not released yet.
fn changelog(text: &str, name: &str) -> String {
    let line = format!("- The feature {name}: its pages, its routes and its tables.\n");
    let Some(start) = text.find("## Unreleased\n") else { return text.to_owned() };
    let end = text[start + 3..].find("\n## ").map_or(text.len(), |at| start + 3 + at + 1);
    let (unreleased, released) = (&text[start..end], &text[end..]);
    let head = "### Removed\n\n";
    let unreleased = match unreleased.contains(head) {
        true => unreleased.replacen(head, &format!("{head}{line}"), 1),
        false => format!("{}\n\n{head}{line}{}", unreleased.trim_end(), if released.is_empty() { "" } else { "\n" }),
    };
    format!("{}{unreleased}{released}", &text[..start])
}

/// Documents that still tell of the feature, for a person to read.
pub fn still_tell(checkout: &Checkout, feature: &Feature) -> Vec<String> {
    let documents = checkout
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".md") && *path != "CHANGELOG.md" && !path.starts_with("docs/decisions/"));
    documents.filter(|(_, text)| has_word(text, &feature.name)).map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn settings_lose_the_section_and_the_limits_with_their_reasons() {
        let checkout = Checkout::of(&[("model/src/rbac.rs", "    crate::notes::RULES,\n")]);
        let feature = Feature::find(&checkout, "notes").unwrap();
        let text = "[limits]\n# Logins.\n# login = \"1/1h\"\n\n# Shares.\n# share = \"1/1h\"\n\n[notes]\n# Most.\n# most = 1\n\n# Least.\n# least = 1\n\n[log]\n# a = 1\n";
        let left = settings(text, &feature, &set(&["share"]));
        assert_eq!(left, "[limits]\n# Logins.\n# login = \"1/1h\"\n\n[log]\n# a = 1\n");
    }

    #[test]
    fn a_block_about_its_routes_only_goes_and_another_loses_the_lines() {
        let text = "# Of notes.\n[[operations]]\ninclude-name = [\n  \"GET /api/v1/notes\",\n]\n\n# Of both.\n[[operations]]\ninclude-name = [\n  \"PUT /api/v1/notes/{id}\",\n  \"GET /api/v1/notesx\",\n]\n";
        let left = requests(text, "notes");
        assert_eq!(left, "# Of both.\n[[operations]]\ninclude-name = [\n  \"GET /api/v1/notesx\",\n]\n");
    }

    #[test]
    fn documents_lose_rows_sections_and_links() {
        let named = Named {
            actions: set(&["ReadNote"]),
            quoted: set(&["notes:read", "note_shared"]),
            guides: vec!["06-notes.md".into()],
            ..Named::default()
        };
        let text = "| ReadNote | user |\n| ReadTask | user |\n| `notes:read` | see |\n### `mail`\nA letter.\n### `note_shared`\nTells.\n#### More\n## Next\nSee [tasks](04.md), [notes](docs/06-notes.md), [all](x.md).\n[Notes](06-notes.md#a) are one.\n";
        let left = document(text, &named);
        assert_eq!(
            left,
            "| ReadTask | user |\n### `mail`\nA letter.\n## Next\nSee [tasks](04.md), [all](x.md).\nNotes are one.\n"
        );
    }

    #[test]
    fn the_changelog_says_it_below_what_is_not_released() {
        let text = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Notes.\n\n## 0.1.0\n\n- All.\n";
        let once = changelog(text, "notes");
        assert!(
            once.contains(
                "- Notes.\n\n### Removed\n\n- The feature notes: its pages, its routes and its tables.\n\n## 0.1.0\n"
            ),
            "{once}"
        );
        assert!(changelog(&once, "books").contains("### Removed\n\n- The feature books"), "one head");
    }
}
