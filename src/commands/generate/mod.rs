//! `starter generate`: writes a new feature into the checkout in the current folder, and puts it into every list that has one line per
//! feature. A developer's command; it needs no settings and no database of its own.

mod checkout;
mod field;
mod names;
mod reserved;
mod templates;
mod wires;
mod wiring;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use checkout::{Checkout, Draft};
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
    let checkout = Checkout::at(PathBuf::from("."))?;
    let draft = drafted(&checkout, feature)?;
    print!("{draft}");
    if feature.dry_run {
        println!("Nothing was changed.");
        return Ok(());
    }
    checkout.write(&draft)?;
    finish(&checkout, &feature.name)
}

/// All that is to be written. Whatever is wrong is found here, before anything is.
fn drafted(checkout: &Checkout, feature: &Feature) -> Result<Draft> {
    let names = Names::of(&feature.name, feature.singular.as_deref())?;
    let fields = field::all(&feature.fields)?;
    let is_ours = checkout.has_generated(&names)?;
    if !is_ours {
        checkout.refuse_taken(&names)?;
    }
    let migration = checkout.migration_of(&names)?;
    let files = templates::files(&names, &fields, &migration)?;
    let there: Vec<_> = files.iter().map(|(path, _)| path.as_str()).filter(|path| checkout.has(path)).collect();
    ensure!(
        there.is_empty() || feature.force && is_ours,
        "these files exist already, and nothing was changed: {}{}",
        there.join(", "),
        if is_ours { "; --force overwrites them" } else { "" }
    );
    let mut draft = Draft::default();
    for (path, text) in files {
        draft.add_file(path, text);
    }
    for wire in wires::all(&names, &fields) {
        draft.wire(checkout, &wire)?;
    }
    Ok(draft)
}

/// What only cargo can do: the layout of the code, and what the compiler must know of the new statements.
fn finish(checkout: &Checkout, name: &str) -> Result<()> {
    for arguments in [&["fmt", "--all"][..], &["xtask", "prepare"]] {
        println!("running `cargo {}`", arguments.join(" "));
        let done = checkout.cargo(arguments).status().context("cargo could not be started")?;
        ensure!(
            done.success(),
            "the feature {name} is written, but `cargo {}` failed: see above, and run it again",
            arguments.join(" ")
        );
    }
    println!("The feature {name} is complete: see `git diff`, and run `cargo xtask check` and `cargo xtask test`.");
    Ok(())
}

/// The text of a field by which all of a feature is shown.
fn head(fields: &[Field]) -> &Field {
    // There is one: `field::all` refuses a list without.
    fields.iter().find(|field| field.is_head).unwrap_or(&fields[0])
}

#[cfg(test)]
mod tests;
