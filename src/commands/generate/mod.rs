//! `starter generate`: writes a new feature into the checkout in the current folder, and puts it into every list that has one line per
//! feature. A developer's command; it needs no settings and no database of its own.

mod field;
mod names;
mod reserved;
mod taken;
mod templates;
mod wires;
mod wiring;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use crate::commands::feature::Checkout;
use field::Field;
use names::Names;

/// What to write.
#[derive(Subcommand)]
pub enum Generate {
    /// A feature whose things belong to a user: model, migration, service, REST, pages, tests
    Feature(Feature),
}

/// A feature, as it is asked for.
#[derive(Args)]
pub struct Feature {
    /// Its things in the plural, in snake case: `books`, `tv_shows`
    name: String,
    /// `name:type`; a `?` at the end for what may be missing. Types: string, text, int, float, bool, date, datetime. The first string is
    /// what lists and headings show
    #[arg(long = "field", value_name = "NAME:TYPE", required = true)]
    fields: Vec<String>,
    /// One of its things, where the rules of English do not lead there
    #[arg(long)]
    singular: Option<String>,
    /// Print what would be written, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite the files of this feature, if this command has written it before
    #[arg(long)]
    force: bool,
}

/// Runs it in the current folder.
pub fn run(generate: &Generate) -> Result<()> {
    let Generate::Feature(feature) = generate;
    let mut checkout = Checkout::here()?;
    for line in write_into(&mut checkout, feature)? {
        println!("{line}");
    }
    if feature.dry_run {
        return Ok(());
    }
    checkout.write()?;
    // The layout of the code, and what the compiler must know of the new statements.
    for arguments in [&["fmt", "--all"][..], &["xtask", "prepare"]] {
        let again = || format!("the feature {} is written; mend it, and run this again", feature.name);
        checkout.run("cargo", arguments).with_context(again)?;
    }
    println!(
        "The feature {} is complete. Judge it by `cargo xtask check` and `cargo xtask test`, and commit.",
        feature.name
    );
    Ok(())
}

/// Writes everything, in memory; the answer is what, a line each. So whatever is wrong is found before anything is written.
fn write_into(checkout: &mut Checkout, feature: &Feature) -> Result<Vec<String>> {
    let names = Names::of(&feature.name, feature.singular.as_deref())?;
    let fields = field::all(&feature.fields)?;
    let before = taken::generated(checkout, &names);
    if before.is_none() {
        taken::refuse(checkout, &names)?;
    }
    let may_overwrite = before.is_some();
    let migration = before.unwrap_or_else(|| taken::next_migration(checkout, &names));
    let files = templates::files(&names, &fields, &migration)?;
    let there: Vec<_> =
        files.iter().map(|(path, _)| path.as_str()).filter(|path| checkout.files.contains_key(*path)).collect();
    ensure!(
        there.is_empty() || feature.force && may_overwrite,
        "these files exist already: {}{}",
        there.join(", "),
        if may_overwrite { "; --force overwrites them" } else { "" }
    );
    if may_overwrite {
        // The one line that is about the fields.
        let own = format!("\"{}\":", names.url());
        let is_kept = |line: &&str| !line.trim_start().starts_with(&own);
        checkout.edit(wires::HOOKS, |text| text.split_inclusive('\n').filter(is_kept).collect());
    }
    let mut lines = Vec::new();
    for (path, text) in files {
        lines.push(format!("file  {path} ({} lines)", text.lines().count()));
        checkout.files.insert(path, text);
    }
    for wire in wires::all(&names, &fields) {
        let before = checkout.text(wire.file)?;
        let after = wire.apply(before).with_context(|| format!("{} is not as expected", wire.file))?;
        if after != before {
            lines.extend(wire.text.lines().map(|line| format!("line  {}: {}", wire.file, line.trim())));
            checkout.files.insert(wire.file.to_owned(), after);
        }
    }
    Ok(lines)
}

/// The text of a field by which all of a feature is shown.
fn head(fields: &[Field]) -> &Field {
    // There is one: `field::all` refuses a list without.
    fields.iter().find(|field| field.is_head).unwrap_or(&fields[0])
}

#[cfg(test)]
mod tests;
