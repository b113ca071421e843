//! What a checkout has already: whether a feature is one that this command has written, and what would be there twice.

use anyhow::{Context, Result, ensure};

use super::names::{Names, capital};
use super::reserved::ADDRESSES;
use super::wiring;
use crate::commands::feature::Checkout;

/// Whether there is a module, as a file or as a folder.
fn has_module(checkout: &Checkout, package: &str, name: &str) -> bool {
    let (file, folder) = (format!("{package}/src/{name}.rs"), format!("{package}/src/{name}/"));
    checkout.files.keys().any(|path| *path == file || path.starts_with(&folder))
}

/// The first line of a migration that this command writes.
fn first_line(names: &Names) -> String {
    format!("-- {}, each its owner's.\n", capital(&names.words()))
}

/// The migration of the feature, if this command has written it and nobody has taken it out; it is known by its first line.
pub fn generated(checkout: &Checkout, names: &Names) -> Option<String> {
    let end = format!("_{}.sql", names.many);
    let is_ours = |path: &str, text: &str| {
        path.starts_with("migrations/") && path.ends_with(&end) && text.starts_with(&first_line(names))
    };
    let newest = checkout.files.iter().rev().find(|(path, text)| is_ours(path, text));
    newest.map(|(path, _)| path.clone()).filter(|_| has_module(checkout, "model", &names.many))
}

/// A file for a new migration, under the next free number.
pub fn next_migration(checkout: &Checkout, names: &Names) -> String {
    let number = |path: &String| path.strip_prefix("migrations/")?.split('_').next()?.parse::<u32>().ok();
    let next = checkout.files.keys().filter_map(number).max().unwrap_or_default() + 1;
    format!("migrations/{next:04}_{}.sql", names.many)
}

/// Refuses a name that something else has already.
///
/// # Errors
/// One sentence that says what has it.
pub fn refuse(checkout: &Checkout, names: &Names) -> Result<()> {
    let Names { many, one } = names;
    for package in ["model", "server", "app"] {
        for name in [many, one] {
            let is_there = has_module(checkout, package, name);
            ensure!(!is_there, "`{many}` is refused: {package}/src has a module `{name}` already");
        }
    }
    let is_crate =
        |line: &str| line.split(['=', '.']).next().is_some_and(|name| name.trim().replace('-', "_") == *many);
    ensure!(
        !checkout.text("Cargo.toml")?.lines().any(is_crate),
        "`{many}` is refused: a crate that the workspace uses is called so"
    );
    let migrations = checkout.files.iter().filter(|(path, _)| path.starts_with("migrations/"));
    let statements: String = migrations.map(|(_, text)| text.as_str()).collect();
    for what in ["table", "type", "view"] {
        let count = |verb: &str, end: &str| statements.matches(&format!("{verb} {what} {many}{end}")).count();
        let is_there = count("create", " ") > count("drop", ";");
        ensure!(!is_there, "`{many}` is refused: the database has a {what} of this name already");
    }
    let (url, pages) = (names.url(), checkout.text("app/src/lib.rs")?);
    let is_page = [format!("path!(\"/{url}\")"), format!("path!(\"/{url}/")].iter().any(|path| pages.contains(path));
    ensure!(!is_page && !ADDRESSES.contains(&url.as_str()), "`{many}` is refused: /{url} is an address already");
    let routes = checkout.text("tests/all/commands.rs")?;
    let is_route = [format!("/api/v1/{url}\""), format!("/api/v1/{url}/")].iter().any(|path| routes.contains(path));
    ensure!(!is_route, "`{many}` is refused: /api/v1/{url} is a route already");
    refuse_types(checkout, names)?;
    refuse_words(checkout, names)
}

/// Types of the same name would be told apart by nobody, and schemas of the API not at all.
fn refuse_types(checkout: &Checkout, names: &Names) -> Result<()> {
    let wanted = ["", "Input", "Form", "Filter", "Sort"].map(|end| format!("{}{end}", names.type_of_one()));
    let sources = checkout.files.iter().filter(|(path, _)| path.ends_with(".rs"));
    for (path, text) in sources.filter(|(path, _)| path.starts_with("model/src/") || path.starts_with("server/src/")) {
        for line in text.lines().map(|line| line.trim_start().trim_start_matches("pub ")) {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let is_type = matches!(words.next(), Some("struct" | "enum" | "type" | "trait"));
            let name = words.next().unwrap_or_default();
            let is_taken = is_type && wanted.iter().any(|one| one == name);
            ensure!(!is_taken, "`{}` is refused: {path} has a type `{name}` already", names.many);
        }
    }
    Ok(())
}

/// Words of the enums that all features share.
fn refuse_words(checkout: &Checkout, names: &Names) -> Result<()> {
    let (many, one) = (names.type_of_many(), names.type_of_one());
    let actions = ["Create", "Read", "Edit", "Delete"].map(|verb| format!("{verb}{one}")).to_vec();
    let scopes = ["Read", "Write"].map(|verb| format!("{many}{verb}")).to_vec();
    for (path, list, mut taken) in [
        ("model/src/problem.rs", "pub enum Thing", vec![one.clone()]),
        ("server/src/audit/mod.rs", "pub enum Subject", vec![one.clone()]),
        ("model/src/rbac.rs", "pub enum Action", actions),
        ("model/src/rbac/scope.rs", "pub enum Scope", scopes),
    ] {
        let variants =
            wiring::inside(checkout.text(path)?, &[list]).with_context(|| format!("{path} is not as expected"))?;
        taken.retain(|name| variants.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == name));
        ensure!(taken.is_empty(), "`{}` is refused: `{list}` has `{}` already", names.many, taken.join("`, `"));
    }
    Ok(())
}
