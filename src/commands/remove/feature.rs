//! What a feature consists of: its files, by name, and the words that nobody else uses.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::commands::feature::Checkout;
use crate::commands::feature::lists::{ENUMS, Enum};

/// What is no feature, and why it stays.
const CORE: &[(&str, &str)] = &[
    ("api_keys", "programs sign in by them"),
    ("audit", "every change that somebody is allowed writes into it"),
    ("auth", "nobody could sign in without it"),
    ("config", "the program reads its settings by it"),
    ("db", "everything is stored by it"),
    ("error", "every service answers by it"),
    ("health", "load balancers and `starter doctor` ask for it"),
    ("home", "it is where people arrive"),
    ("http", "every route of the REST API goes through it"),
    ("live", "pages hear by it that something has changed"),
    ("mail", "accounts are verified and recovered by letters"),
    ("monitoring", "it says whether the program is well"),
    ("page", "every list is cut by it"),
    ("passkeys", "people sign in by them"),
    ("problem", "every refusal is one"),
    ("rbac", "it decides who may do what"),
    ("tasks", "letters, and what features do in the background, run as tasks"),
    ("two_factor", "accounts would be without their second factor"),
    ("ui", "every page is made of it"),
    ("users", "everything belongs to one"),
];

/// A feature of the checkout.
pub struct Feature {
    pub name: String,
    /// Its own files.
    pub files: BTreeSet<String>,
    /// Its words in each enum that features share.
    pub words: Vec<(&'static Enum, BTreeSet<String>)>,
}

impl Feature {
    /// Finds it.
    ///
    /// # Errors
    /// What is no feature is refused, and so is the core.
    pub fn find(checkout: &Checkout, name: &str) -> Result<Self> {
        if let Some((_, why)) = CORE.iter().find(|(core, _)| *core == name) {
            bail!("{name} belongs to the core and stays: {why}");
        }
        let features = features(checkout)?;
        if !features.contains(name) {
            bail!("there is no feature {name:?}; there are: {}", Vec::from_iter(features).join(", "));
        }
        let of_others = features.iter().filter(|other| other.starts_with(name) && *other != name);
        let of_others: Vec<&String> = of_others.collect();
        let is_own = |path: &&String| is_of(path, name) && !of_others.iter().any(|other| is_of(path, other));
        let files: BTreeSet<String> = checkout.files.keys().filter(is_own).cloned().collect();
        let mut feature = Self { name: name.to_owned(), files, words: Vec::new() };
        feature.words = ENUMS.iter().map(|list| (list, feature.own_words(checkout, list))).collect();
        Ok(feature)
    }

    pub fn is_own(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Its words in an enum.
    pub fn words_of(&self, name: &str) -> BTreeSet<String> {
        self.words.iter().filter(|(list, _)| list.name == name).flat_map(|(_, words)| words.clone()).collect()
    }

    /// What is declared, and used in files of the feature only.
    fn own_words(&self, checkout: &Checkout, list: &Enum) -> BTreeSet<String> {
        let declared = checkout.files.get(list.declared).map(|text| declared(text, list.name)).unwrap_or_default();
        let sources = || checkout.files.iter().filter(|(path, _)| path.ends_with(".rs") && !is_tool(path));
        let used = |is_own: bool| -> BTreeSet<String> {
            let theirs = sources().filter(|(path, _)| {
                self.is_own(path) == is_own && *path != list.declared && !list.also.contains(&path.as_str())
            });
            theirs.flat_map(|(_, text)| words_after(text, list.name)).collect()
        };
        let (own, others) = (used(true), used(false));
        declared.into_iter().filter(|word| own.contains(word) && !others.contains(word)).collect()
    }
}

/// The features of the checkout: those that bring rules of their own.
fn features(checkout: &Checkout) -> Result<BTreeSet<String>> {
    let rules = checkout.text("model/src/rbac.rs")?.lines();
    let name = |line: &str| Some(line.trim().strip_prefix("crate::")?.strip_suffix("::RULES,")?.to_owned());
    Ok(rules.filter_map(name).collect())
}

/// Whether a file is a feature's by its name.
fn is_of(path: &str, name: &str) -> bool {
    let dashed = name.replace('_', "-");
    let folders = ["model/src", "server/src", "app/src", "tests/all", "tests/all/matrix", "tests/all/support"];
    for folder in folders {
        let Some(rest) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let tail = rest.strip_prefix(name).unwrap_or_default();
        if tail == ".rs" || tail.starts_with('/') || folder == "tests/all" && tail.starts_with('_') {
            return true;
        }
    }
    let spec = |name: &str| {
        let tail = path.strip_prefix("end2end/tests/").and_then(|rest| rest.strip_prefix(name)).unwrap_or_default();
        tail == ".spec.ts" || tail.starts_with('-')
    };
    let guide = path.strip_prefix("docs/guides/").map(|file| file.trim_start_matches(|c: char| c.is_ascii_digit()));
    spec(name)
        || spec(&dashed)
        || [name, dashed.as_str()].iter().any(|name| path == format!("end2end/support/{name}.ts"))
        || path == format!("style/{name}.css")
        || guide.is_some_and(|file| file.trim_start_matches('-') == format!("{dashed}.md"))
}

/// Whether a file is of the commands that make features and take them out, whose samples and tests speak of features.
pub fn is_tool(path: &str) -> bool {
    ["feature", "generate", "remove"].iter().any(|tool| path.starts_with(&format!("src/commands/{tool}/")))
}

/// The words of an enum where it is declared.
fn declared(text: &str, name: &str) -> BTreeSet<String> {
    let head = format!("pub enum {name}");
    let body = text.lines().skip_while(|line| !line.starts_with(&head)).skip(1).take_while(|line| *line != "}");
    let word = |line: &str| {
        let word: String = line.strip_prefix("    ")?.chars().take_while(|letter| is_letter(*letter)).collect();
        word.starts_with(|letter: char| letter.is_ascii_uppercase()).then_some(word)
    };
    body.filter_map(word).collect()
}

/// The words that stand behind the name of an enum, one by one or in braces.
fn words_after(text: &str, name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, _) in text.match_indices(&format!("{name}::")) {
        if text[..at].ends_with(is_letter) {
            continue;
        }
        let rest = &text[at + name.len() + 2..];
        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((group, _)) => words.extend(group.split(',').map(|word| word.trim().to_owned())),
            None => words.push(rest.chars().take_while(|letter| is_letter(*letter)).collect()),
        }
    }
    words
}

/// Whether a word stands in a text, and not within another one.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_letter) && !after.starts_with(is_letter)
    })
}

pub fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_a_features_by_their_names() {
        for path in [
            "model/src/notes.rs",
            "model/src/notes/rules.rs",
            "server/src/notes/list.sql",
            "tests/all/notes_pages.rs",
            "tests/all/matrix/notes.rs",
            "end2end/tests/notes-plain.spec.ts",
            "end2end/support/notes.ts",
            "style/notes.css",
            "docs/guides/06-notes.md",
        ] {
            assert!(is_of(path, "notes"), "{path}");
        }
        for path in
            ["model/src/notes_of_mine.rs", "app/src/notesx/list.rs", "migrations/0012_notes.sql", "docs/notes.md"]
        {
            assert!(!is_of(path, "notes"), "{path}");
        }
    }

    #[test]
    fn a_word_is_a_features_when_nobody_else_uses_it() {
        let checkout = Checkout::of(&[
            (
                "model/src/rbac.rs",
                "pub enum Action {\n    ReadTask,\n    /// Its text.\n    ReadNote,\n    EditNote,\n}\n    crate::notes::RULES,\n    crate::notes_of_mine::RULES,\n",
            ),
            ("model/src/notes/rules.rs", "Action::ReadNote, Action::EditNote, Action::ReadTask, Reaction::Odd"),
            ("tests/all/notes_of_mine.rs", "use model::rbac::Action::{EditNote, ReadTask};"),
        ]);
        let feature = Feature::find(&checkout, "notes").unwrap();
        assert_eq!(Vec::from_iter(&feature.files), ["model/src/notes/rules.rs"], "what is another feature's stays");
        assert_eq!(Vec::from_iter(feature.words_of("Action")), ["ReadNote"]);
    }

    #[test]
    fn the_core_and_what_is_not_there_are_refused_with_the_reason() {
        let checkout = Checkout::of(&[("model/src/rbac.rs", "    crate::notes::RULES,\n")]);
        let refused = |name: &str| Feature::find(&checkout, name).err().expect("it is refused").to_string();
        assert_eq!(refused("users"), "users belongs to the core and stays: everything belongs to one");
        assert_eq!(refused("../x"), "there is no feature \"../x\"; there are: notes");
    }
}
