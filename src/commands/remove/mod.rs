//! `starter remove`: takes a feature out of the checkout in the current folder, and the rest still compiles and passes its tests.
//!
//! A feature's files go by their names, its lines by naming it in the feature lists, and its words by nobody else using them. All of that
//! is judged before anything is written.

mod database;
mod dependencies;
mod documents;
mod feature;
mod lines;
mod wiring;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::commands::feature::Checkout;
use documents::Named;
use feature::Feature;

/// What can be taken out.
#[derive(Subcommand)]
pub enum Remove {
    /// A feature: its files, its lines in the feature lists, and by a new migration its tables.
    Feature(Options),
}

/// Which, and how.
#[derive(Args)]
pub struct Options {
    /// Its name, as its folders have it
    name: String,
    /// Only list what would be changed
    #[arg(long)]
    dry_run: bool,
    /// Also while there are uncommitted changes
    #[arg(long)]
    force: bool,
    /// Write no migration: the tables stay in the database
    #[arg(long)]
    keep_tables: bool,
}

/// Takes it out.
pub fn run(remove: &Remove) -> Result<()> {
    let Remove::Feature(options) = remove;
    let mut checkout = Checkout::here()?;
    let feature = Feature::find(&checkout, &options.name)?;
    if !options.force && !options.dry_run {
        checkout.refuse_uncommitted()?;
    }
    take_out(&mut checkout, &feature, options.keep_tables)?;
    println!("{}", checkout.changes().join("\n"));
    if options.dry_run {
        return Ok(());
    }
    checkout.write()?;
    checkout.run("cargo", &["fmt", "--all"])?;
    // The lock files forget what nobody uses any more.
    checkout.run(
        "cargo",
        &["metadata", "--offline", "--quiet", "--format-version", "1", "--manifest-path", "Cargo.toml"],
    )?;
    let still = documents::still_tell(&checkout, &feature);
    if !still.is_empty() {
        println!(
            "These documents have the word {}; reword what tells of the feature: {}",
            feature.name,
            still.join(", ")
        );
    }
    println!("{} is taken out. Judge it by `cargo xtask check` and `cargo xtask test`, and commit.", feature.name);
    Ok(())
}

/// All changes, in memory.
fn take_out(checkout: &mut Checkout, feature: &Feature, keep_tables: bool) -> Result<()> {
    let named = Named::read(checkout, feature);
    let text = |path: &String| Some((path.clone(), checkout.files.get(path)?.clone()));
    let gone: Vec<(String, String)> = feature.files.iter().filter_map(text).collect();
    wiring::cut(checkout, feature);
    documents::cut(checkout, feature, &named);
    let left = wiring::left_over(checkout, feature);
    if !left.is_empty() {
        bail!("{} is used where only a person can decide; change that first:\n{}", feature.name, left.join("\n"));
    }
    let texts: Vec<String> = gone.iter().map(|(_, text)| text.clone()).collect();
    database::forget_queries(checkout, &texts);
    dependencies::drop_unused(checkout, &gone);
    if !keep_tables {
        database::drop_tables(checkout, feature)?;
    }
    Ok(())
}
