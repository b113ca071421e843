//! `check`: everything that can be judged without running the program.

mod asvs;
mod budgets;
mod licence;
mod policy;
mod sizes;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::prepare;
use crate::process::{self, Fault};
use crate::tools;
use crate::workspace::Workspace;

/// How much to check.
#[derive(Args)]
pub struct Options {
    /// Only what takes seconds: format, budgets, forbidden words
    #[arg(long)]
    quick: bool,
}

type Part = (&'static str, fn(&Workspace) -> Result<()>);

const QUICK: [Part; 4] =
    [("format", format), ("budgets", budgets::check), ("words", words::check), ("security", asvs::check)];

const FULL: [Part; 7] = [
    ("dependencies", policy::check),
    ("clippy, server", clippy),
    ("clippy, client", clippy_client),
    ("clippy, without passkeys", clippy_without_passkeys),
    ("docs", docs),
    ("queries", queries),
    ("sizes", sizes::check),
];

/// Runs all parts, also after one has failed, and says of each how it went.
pub fn check(workspace: &Workspace, options: &Options) -> Result<()> {
    let parts: Vec<Part> = if options.quick { QUICK.to_vec() } else { [QUICK.as_slice(), FULL.as_slice()].concat() };
    let (mut lines, mut failed) = (Vec::new(), false);
    for (name, part) in parts {
        let begun = Instant::now();
        let outcome = part(workspace);
        let took = process::seconds(begun);
        let line = match &outcome {
            Ok(()) => format!("✓ {name} ({took})"),
            Err(error) => format!("✗ {name} ({took}): {error:#}"),
        };
        failed |= outcome.is_err();
        eprintln!("{line}");
        lines.push(line);
    }
    if lines.len() > QUICK.len() {
        // Again, because cargo has written a lot between them.
        println!("\n{}", lines.join("\n"));
    }
    if failed { Err(Fault.into()) } else { Ok(()) }
}

fn format(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// What enters the browser; clippy looks at `app` and `model` on the way.
fn clippy_client(workspace: &Workspace) -> Result<()> {
    tools::wasm_target(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--package", &workspace.name, "--lib", "--target", tools::WASM]);
    cargo.args(["--no-default-features", "--features", &workspace.leptos.client_features, "--", "-D", "warnings"]);
    process::run(&mut cargo)
}

/// Both builds as they are without the one feature that can be left out.
fn clippy_without_passkeys(workspace: &Workspace) -> Result<()> {
    let server: &[&str] = &["--workspace", "--all-targets", "--features", "ssr"];
    let client = ["--package", &workspace.name, "--lib", "--target", tools::WASM, "--features", "hydrate"];
    for build in [server, &client] {
        let mut cargo = workspace.cargo();
        process::run(cargo.args(["clippy", "--no-default-features"]).args(build).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn docs(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    process::run(
        cargo.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--cfg erase_components -D warnings"),
    )
}

fn queries(workspace: &Workspace) -> Result<()> {
    prepare::prepare(workspace, &prepare::Options { check: true })
}

/// The files that are, or would be, in the repository: name from the root, and text.
fn sources(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut git = Command::new("git");
    git.current_dir(&workspace.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    // A file in conflict is listed more than once.
    let names: BTreeSet<String> = process::output(&mut git)?.split_terminator('\0').map(str::to_owned).collect();
    let mut sources = Vec::new();
    for name in names {
        let path: PathBuf = workspace.root.join(&name);
        // Deleted but not committed, or a picture: nothing to read.
        if let Ok(text) = fs::read_to_string(path) {
            sources.push((name, text));
        }
    }
    Ok(sources)
}

/// Fails with all that was found, a line each.
fn nothing_found(found: &[String], what: &str) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    for line in found {
        eprintln!("  {line}");
    }
    bail!("{} {what}", found.len());
}
