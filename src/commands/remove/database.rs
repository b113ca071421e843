//! What a feature has in the database: a migration that drops it, and the answers about its queries in `.sqlx`.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::feature::{Feature, has_word, is_tool};
use crate::commands::feature::Checkout;

/// What a migration made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    kind: &'static str,
    name: String,
}

/// Adds a migration that drops what the migrations of the feature made and nobody else uses; the answer is its file. The old migrations stay:
/// databases have applied them, and compare them at each start.
///
/// # Errors
/// Refused when a table of somebody else refers to one that would go.
pub fn drop_tables(checkout: &mut Checkout, feature: &Feature) -> Result<Option<String>> {
    let is_own = |path: &str| migration_of(path).is_some_and(|theme| theme == feature.name);
    let mut made: Vec<Object> = Vec::new();
    for (path, text) in checkout.files.iter().filter(|(path, _)| path.starts_with("migrations/")) {
        let gone = objects(text, "drop ");
        made.retain(|object| !gone.contains(object));
        // A table of the feature's name is its own, whichever migration made it.
        let new = objects(text, "create ").into_iter().filter(|object| is_own(path) || object.name == feature.name);
        made.extend(new);
    }
    let mut dropped = Vec::new();
    for object in made {
        match user_of(checkout, feature, &object, &is_own) {
            Some((path, true)) => bail!("{path} refers to the table {}: remove that feature first", object.name),
            Some((_, false)) => {}
            None => dropped.push(object),
        }
    }
    if dropped.is_empty() {
        return Ok(None);
    }
    // What was made last may refer to what was made before.
    let lines: String = dropped.iter().rev().map(|object| format!("drop {} {};\n", object.kind, object.name)).collect();
    let number = checkout.files.keys().filter_map(|path| migration_number(path)).max().unwrap_or_default() + 1;
    let path = format!("migrations/{number:04}_without_{}.sql", feature.name);
    let why = format!("-- The feature {} is not part of the program any more.\n\n", feature.name);
    checkout.files.insert(path.clone(), why + &lines);
    Ok(Some(path))
}

/// The theme of a migration, by its name.
fn migration_of(path: &str) -> Option<&str> {
    let file = path.strip_prefix("migrations/")?.strip_suffix(".sql")?;
    Some(file.split_once('_')?.1)
}

fn migration_number(path: &str) -> Option<u32> {
    path.strip_prefix("migrations/")?.split('_').next()?.parse().ok()
}

/// The tables, types and functions that a migration makes, or drops.
fn objects(sql: &str, verb: &str) -> Vec<Object> {
    let named = |line: &str| {
        let line = line.trim_start().to_lowercase();
        let rest = line.strip_prefix(verb)?;
        let rest = rest.strip_prefix("or replace ").unwrap_or(rest);
        let kind = ["table", "type", "function", "sequence", "view"].into_iter().find(|kind| rest.starts_with(kind))?;
        let rest = rest[kind.len()..].trim_start();
        let rest = rest.strip_prefix("if not exists ").or_else(|| rest.strip_prefix("if exists ")).unwrap_or(rest);
        let name: String = rest.chars().take_while(|letter| super::feature::is_letter(*letter)).collect();
        Some(Object { kind, name })
    };
    sql.lines().filter_map(named).collect()
}

/// Who else uses it: a file, and whether that is a table which refers to it.
fn user_of(
    checkout: &Checkout,
    feature: &Feature,
    object: &Object,
    is_own: &impl Fn(&str) -> bool,
) -> Option<(String, bool)> {
    let phrases =
        |verbs: &[&str]| -> Vec<String> { verbs.iter().map(|verb| format!("{verb}{}", object.name)).collect() };
    // Another migration may have made, changed or dropped it; only what stands on it needs it.
    let (in_migrations, in_code) = (
        phrases(&["references ", "from ", "join "]),
        phrases(&["from ", "join ", "into ", "update ", "table ", "references ", "truncate ", "::", "type_name = \""]),
    );
    let is_comment = |line: &str| line.trim_start().starts_with("--") || line.trim_start().starts_with("//");
    let uses = |path: &str, text: &str| {
        let phrases = if path.starts_with("migrations/") { &in_migrations } else { &in_code };
        text.lines()
            .any(|line| !is_comment(line) && phrases.iter().any(|phrase| has_word(&line.to_lowercase(), phrase)))
    };
    let theirs = checkout.files.iter().filter(|(path, _)| !feature.is_own(path) && !is_own(path) && !is_tool(path));
    let mut sources = theirs.filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".sql"));
    sources.find(|(path, text)| uses(path, text)).map(|(path, text)| {
        let refers = format!("references {}", object.name);
        (path.clone(), path.starts_with("migrations/") && has_word(text, &refers))
    })
}

/// Takes out of `.sqlx` what the feature asked the database and nobody else asks. `gone` are the texts of its files.
pub fn forget_queries(checkout: &mut Checkout, gone: &[String]) {
    let asked = |name: &str, text: &str| -> Option<String> {
        let answer: serde_json::Value = name.starts_with(".sqlx/").then(|| serde_json::from_str(text).ok())??;
        Some(answer["query"].as_str()?.to_owned())
    };
    let queries: Vec<(String, String)> =
        checkout.files.iter().filter_map(|(name, text)| Some((name.clone(), asked(name, text)?))).collect();
    for (name, query) in queries {
        let is_in = |text: &str| text.contains(&query) || is_composed(&query, text);
        let sources = || checkout.files.iter().filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".sql"));
        let is_theirs = || sources().any(|(path, text)| !path.starts_with("migrations/") && is_in(text));
        if gone.iter().any(|text| is_in(text)) && !is_theirs() {
            checkout.files.remove(&name);
        }
    }
}

/// Whether the texts of a source, raw or not, make the query when they are put one behind the other, as macros do.
fn is_composed(query: &str, source: &str) -> bool {
    // Without the quotes inside of them, texts are what stands between two quotes.
    let (query, source) = (query.replace('"', ""), source.replace("\\\"", "\""));
    let pieces: BTreeSet<&str> = source.split('"').filter(|piece| !piece.is_empty()).collect();
    let mut reached = BTreeSet::from([0]);
    while let Some(place) = reached.pop_first().filter(|place| *place < query.len()) {
        let next = pieces.iter().filter(|piece| query[place..].starts_with(**piece));
        reached.extend(next.map(|piece| place + piece.len()));
        if reached.contains(&query.len()) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(other: &str) -> Checkout {
        Checkout::of(&[
            ("model/src/rbac.rs", "    crate::notes::RULES,\n"),
            (
                "migrations/0012_notes.sql",
                "create table notes (\n);\ncreate type note_permission as enum ('read');\n\
                 create table note_shares (\n    note_id uuid references notes (id)\n);\ncreate table notifications (\n);\n",
            ),
            ("server/src/notes/rows.rs", "select id from notes where id = $1"),
            ("server/src/notifications/mod.rs", other),
            (".sqlx/query-1.json", "{\"query\": \"select id from notes where id = $1\"}"),
            (".sqlx/query-2.json", "{\"query\": \"select 2\"}"),
        ])
    }

    #[test]
    fn what_only_the_feature_uses_is_dropped_by_a_migration_of_the_next_number_the_newest_first() {
        let mut checkout = checkout("insert into notifications (id) values ($1)\n/// From notes and others.");
        let feature = Feature::find(&checkout, "notes").unwrap();
        let path = drop_tables(&mut checkout, &feature).unwrap().unwrap();
        assert_eq!(path, "migrations/0013_without_notes.sql");
        let text = checkout.text(&path).unwrap();
        assert!(
            text.ends_with("\n\ndrop table note_shares;\ndrop type note_permission;\ndrop table notes;\n"),
            "{text}"
        );
        assert!(checkout.files.contains_key("migrations/0012_notes.sql"));
    }

    #[test]
    fn a_table_of_its_name_goes_with_it_whichever_migration_made_it_and_only_while_it_is_there() {
        let mut checkout = checkout("");
        checkout.files.insert("model/src/rbac.rs".into(), "    crate::notifications::RULES,\n".into());
        let feature = Feature::find(&checkout, "notifications").unwrap();
        let path = drop_tables(&mut checkout, &feature).unwrap().unwrap();
        assert!(checkout.text(&path).unwrap().ends_with("\n\ndrop table notifications;\n"));
        assert_eq!(drop_tables(&mut checkout, &feature).unwrap(), None, "it is gone already");
        checkout.files.insert("migrations/0014_notifications.sql".into(), "create table notifications (\n);\n".into());
        let again = drop_tables(&mut checkout, &feature).unwrap().unwrap();
        assert_eq!(again, "migrations/0015_without_notifications.sql");
    }

    #[test]
    fn a_table_that_another_one_refers_to_is_not_dropped_behind_its_back() {
        let mut checkout = checkout("");
        checkout
            .files
            .insert("migrations/0013_tags.sql".into(), "create table tags (id uuid references notes (id));".into());
        let feature = Feature::find(&checkout, "notes").unwrap();
        let refused = drop_tables(&mut checkout, &feature).unwrap_err().to_string();
        assert_eq!(refused, "migrations/0013_tags.sql refers to the table notes: remove that feature first");
    }

    #[test]
    fn answers_about_its_queries_are_forgotten_and_no_others() {
        let mut checkout = checkout("sqlx::query!(\"select 2\")");
        let gone = checkout.files.remove("server/src/notes/rows.rs").unwrap();
        forget_queries(&mut checkout, &[gone + "select 2"]);
        let left: Vec<_> = checkout.files.keys().filter(|name| name.starts_with(".sqlx")).collect();
        assert_eq!(left, [".sqlx/query-2.json"]);
    }

    #[test]
    fn a_query_that_a_macro_puts_together_is_found_in_its_parts() {
        let query = "select count(*) as \"count!\" from notes limit $1";
        let source = r##"of_list!(r#"select count(*) as "count!""#, " limit $1"), $begin + " from notes" + $end"##;
        assert!(is_composed(query, source));
        assert!(is_composed("select 'a' as \"a\"", r#"query!("select 'a' as \"a\"")"#));
        assert!(!is_composed(query, &source.replace(" limit $1", " limit $2")));
        assert!(!is_composed(query, "select count(*)"));
    }
}
