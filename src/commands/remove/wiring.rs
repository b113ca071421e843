//! The lines of a feature in the lists, and what still uses it when they are gone.

use super::feature::{Feature, has_word, is_letter, is_tool};
use super::lines::{code, without};
use crate::commands::feature::Checkout;
use crate::commands::feature::lists::LISTS;

/// Takes its files and its lines out.
pub fn cut(checkout: &mut Checkout, feature: &Feature) {
    checkout.files.retain(|path, _| !feature.is_own(path));
    for file in LISTS {
        checkout.edit(file, |text| without(text, |line| names(line, feature)));
    }
    for (list, words) in &feature.words {
        for file in [list.declared].iter().chain(list.also) {
            let is_meant = |line: &str| words.iter().any(|word| is_about(line, list.name, word));
            checkout.edit(file, |text| without(text, is_meant));
        }
    }
}

/// Whether a line of a list names the feature: by its module, its address, its style or its name.
fn names(line: &str, feature: &Feature) -> bool {
    let name = feature.name.as_str();
    let is_module = |word: &str| word == name || is_test(word, feature);
    let before_path = line.match_indices("::").map(|(at, _)| last_word(&line[..at]));
    let modules = before_path.chain(line.trim().strip_suffix(';').map(last_word));
    let is_named = modules.into_iter().any(is_module) && !line.contains("::self");
    // As addresses and tags spell it.
    let url = name.replace('_', "-");
    let address = |lead: &str| {
        let with_lead = format!("{lead}{url}");
        line.match_indices(&with_lead).any(|(at, _)| line[at + with_lead.len()..].starts_with(['"', '/']))
    };
    is_named
        || address("\"/")
        || address(" /api/v1/")
        || line.contains(&format!("name = \"{url}\""))
        || line.trim_start().starts_with(&format!("\"{url}\":"))
        || line.contains(&format!("./{name}.css"))
}

/// Whether a module is one of the feature's tests.
fn is_test(word: &str, feature: &Feature) -> bool {
    feature.is_own(&format!("tests/all/{word}.rs"))
}

fn last_word(text: &str) -> &str {
    &text[text.rfind(|letter| !is_letter(letter)).map_or(0, |at| at + 1)..]
}

/// Whether a line declares a word of an enum, or is about it.
fn is_about(line: &str, list: &str, word: &str) -> bool {
    let is_declared = line.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with([',', '(', ' ']));
    is_declared || has_word(line, &format!("Self::{word}")) || has_word(line, &format!("{list}::{word}"))
}

/// Where the feature is used outside of the lists, a place each: what nobody but a person can decide about.
pub fn left_over(checkout: &Checkout, feature: &Feature) -> Vec<String> {
    let words: Vec<String> = feature
        .words
        .iter()
        .flat_map(|(list, words)| words.iter().map(|word| format!("{}::{word}", list.name)))
        .collect();
    let sources = checkout.files.iter().filter(|(path, _)| !is_tool(path));
    let sources = sources.filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".ts"));
    let mut places = Vec::new();
    for (path, text) in sources {
        for (number, line) in text.lines().enumerate() {
            let code = code(line);
            let is_module = code.match_indices("::").any(|(at, _)| last_word(&code[..at]) == feature.name);
            let is_imported = path.ends_with(".ts") && line.contains(&format!("support/{}\"", feature.name));
            if is_module || is_imported || words.iter().any(|word| has_word(&code, word)) {
                places.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> Checkout {
        Checkout::of(&[
            (
                "model/src/rbac.rs",
                "pub enum Action {\n    ReadTask,\n    ReadNote,\n}\nconst FEATURES: &[&[Rule]] = &[\n    // One a line.\n    crate::notes::RULES,\n    crate::notifications::RULES,\n];\n",
            ),
            ("model/src/notes/mod.rs", "Action::ReadNote\n"),
            ("model/src/lib.rs", "pub mod notes;\npub mod notifications;\n"),
            ("app/src/layout.rs", "    (\"/tasks\", \"Tasks\"),\n    (\"/notes\", \"Notes\"),\n"),
            (
                "tests/all/commands.rs",
                "    \"get /api/v1/notes\",\n    \"get /api/v1/notes/{id}\",\n    \"get /api/v1/notesx\",\n",
            ),
            ("tests/all/main.rs", "mod notes;\nmod notes_pages;\nmod tasks;\n"),
            ("tests/all/notes_pages.rs", ""),
            ("tests/all/people.rs", "    super::notes_pages::is_tried,\n    super::tasks::is_tried,\n"),
        ])
    }

    #[test]
    fn its_lines_go_and_those_of_others_stay() {
        let mut checkout = checkout();
        let feature = Feature::find(&checkout, "notes").unwrap();
        cut(&mut checkout, &feature);
        let lines = |file: &str| checkout.text(file).unwrap().lines().map(str::trim).collect::<Vec<_>>().join(" ");
        assert_eq!(
            lines("model/src/rbac.rs"),
            "pub enum Action { ReadTask, } const FEATURES: &[&[Rule]] = &[ // One a line. crate::notifications::RULES, ];"
        );
        assert_eq!(lines("model/src/lib.rs"), "pub mod notifications;");
        assert_eq!(lines("app/src/layout.rs"), "(\"/tasks\", \"Tasks\"),");
        assert_eq!(lines("tests/all/commands.rs"), "\"get /api/v1/notesx\",");
        assert_eq!(lines("tests/all/main.rs"), "mod tasks;");
        assert_eq!(lines("tests/all/people.rs"), "super::tasks::is_tried,");
        assert!(left_over(&checkout, &feature).is_empty());
    }

    #[test]
    fn a_feature_of_two_words_has_a_dash_in_its_addresses() {
        let mut checkout = Checkout::of(&[
            ("model/src/rbac.rs", "    crate::tv_shows::RULES,\n"),
            ("app/src/layout.rs", "    (\"/tasks\", \"Tasks\"),\n    (\"/tv-shows\", \"Tv shows\"),\n"),
            ("tests/all/commands.rs", "    \"get /api/v1/tv-shows\",\n    \"get /api/v1/tv-shows/{id}\",\n"),
            ("src/web/api_docs.rs", "        (name = \"tv-shows\", description = \"Tv shows\"),\n"),
            ("tests/schemathesis/hooks.py", "    \"tv-shows\": {},\n"),
        ]);
        let feature = Feature::find(&checkout, "tv_shows").unwrap();
        cut(&mut checkout, &feature);
        let left: String = checkout.files.values().map(String::as_str).collect();
        assert_eq!(left.trim(), "(\"/tasks\", \"Tasks\"),");
    }

    #[test]
    fn what_uses_it_elsewhere_is_told_by_its_place() {
        let mut checkout = checkout();
        checkout.files.insert("server/src/tasks/mod.rs".into(), "// notes::list\nnotes::list(app)\n".into());
        let feature = Feature::find(&checkout, "notes").unwrap();
        cut(&mut checkout, &feature);
        assert_eq!(left_over(&checkout, &feature), ["server/src/tasks/mod.rs:2: notes::list(app)"]);
    }
}
