//! Libraries that nobody but the feature used.

use super::feature::is_letter;
use crate::commands::feature::Checkout;

/// The crates of the program, each with its manifest and the folders that use it.
const CRATES: &[(&str, &[&str])] = &[
    ("model/Cargo.toml", &["model/src/"]),
    ("server/Cargo.toml", &["server/src/"]),
    ("app/Cargo.toml", &["app/src/"]),
];

/// Takes out of the manifests what the texts of the feature named and nobody in the same crate names any more. `gone` are its files.
pub fn drop_unused(checkout: &mut Checkout, gone: &[(String, String)]) {
    for (manifest, folders) in CRATES {
        let Some(text) = checkout.files.get(*manifest) else { continue };
        let is_in_crate = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
        let unused = |name: &str| {
            let path = format!("{}::", name.replace('-', "_"));
            let used_by = |text: &str| text.match_indices(&path).any(|(at, _)| !text[..at].ends_with(is_letter));
            gone.iter().any(|(file, text)| is_in_crate(file) && used_by(text))
                && !checkout.files.iter().any(|(file, text)| is_in_crate(file) && used_by(text))
        };
        let names: Vec<String> =
            text.lines().filter_map(dependency).filter(|name| unused(name)).map(Into::into).collect();
        checkout.edit(manifest, |text| without(text, &names));
        // The workspace says the version of those that a member takes from it.
        let elsewhere = |name: &String| {
            let mut manifests = checkout.files.iter().filter(|(path, _)| path.ends_with("/Cargo.toml"));
            let root = checkout.files.get("Cargo.toml").map(String::as_str).unwrap_or_default();
            let own = root.split("[package]").nth(1).unwrap_or_default();
            manifests.any(|(_, text)| text.lines().any(|line| dependency(line) == Some(name)))
                || own.lines().any(|line| dependency(line) == Some(name))
        };
        let names: Vec<String> = names.iter().filter(|name| !elsewhere(name)).cloned().collect();
        checkout.edit("Cargo.toml", |text| without(text, &names));
    }
}

/// The name of the library that a line of a manifest is about.
fn dependency(line: &str) -> Option<&str> {
    let name = line.split(['=', '.']).next()?.trim();
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    (is_name && line.contains('=')).then_some(name)
}

fn without(text: &str, names: &[String]) -> String {
    let is_gone = |line: &str| dependency(line).is_some_and(|name| names.iter().any(|gone| gone == name));
    text.lines().filter(|line| !is_gone(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_goes_with_the_last_that_used_it() {
        let mut checkout = Checkout::of(&[
            (
                "Cargo.toml",
                "[workspace.dependencies]\nammonia = \"4\"\nserde = \"1\"\nuuid = { version = \"1\" }\n[package]\n",
            ),
            (
                "server/Cargo.toml",
                "[dependencies]\nammonia.workspace = true\nserde.workspace = true\nuuid.workspace = true\n",
            ),
            ("app/Cargo.toml", "[dependencies]\nuuid.workspace = true\n"),
            ("server/src/users/mod.rs", "use serde::Serialize;\n"),
        ]);
        let gone = [(
            "server/src/notes/mod.rs".to_owned(),
            "use ammonia::Builder; use serde::Serialize; use uuid::Uuid;".to_owned(),
        )];
        drop_unused(&mut checkout, &gone);
        let has =
            |manifest: &str, name: &str| checkout.files[manifest].lines().any(|line| dependency(line) == Some(name));
        assert!(!has("server/Cargo.toml", "ammonia") && !has("Cargo.toml", "ammonia"));
        assert!(has("server/Cargo.toml", "serde") && has("Cargo.toml", "serde"));
        assert!(!has("server/Cargo.toml", "uuid") && has("Cargo.toml", "uuid"), "another member takes it");
    }
}
