//! A generated feature: written into a copy of the sources, where it must pass the checks and its own tests without a hand edit, and from
//! which it must be taken out again without a trace.

use std::process::Command;

use anyhow::Result;

use super::Tests;
use super::copy::Copy;
use super::count::Count;
use crate::postgres;
use crate::process::{self, Step};

/// A field of each type, with and without the mark of what may be missing.
const FIELDS: [&str; 7] = [
    "title:string",
    "pages:int",
    "blurb:text?",
    "price:float?",
    "is_signed:bool",
    "printed_on:date?",
    "read_at:datetime?",
];
/// The tests of the feature, and those that look over all features.
const TESTS: &str = "test(/books/) | test(/every_/) | test(the_document) | test(permissions) | package(model)";

/// Generates, checks, tests.
pub fn run(tests: &Tests<'_>) -> Result<Count> {
    let workspace = tests.workspace;
    let copy = Copy::make(workspace, "generated feature")?;
    let mut generate = Command::new(copy.program());
    generate.args(["generate", "feature", "books"]);
    for field in FIELDS {
        generate.args(["--field", field]);
    }
    postgres::provide(workspace, &mut generate)?;
    Step::begin("generated feature: writing it").telling(copy.at_home(&mut generate))?;
    copy.git(&["add", "--all"])?;
    copy.check()?;
    let count = copy.test(tests, TESTS)?;
    take_out(&copy)?;
    Ok(count)
}

/// What is left is what was there before, but for the migrations, which databases may have applied, and the changelog.
fn take_out(copy: &Copy<'_>) -> Result<()> {
    let step = Step::begin("generated feature: taking it out");
    let mut remove = Command::new(copy.program());
    remove.args(["remove", "feature", "books", "--force"]);
    process::run(copy.at_home(&mut remove))?;
    copy.git(&["add", "--all"])?;
    copy.git(&["diff", "--cached", "--exit-code", "HEAD", "--", ".", ":!CHANGELOG.md", ":!migrations"])?;
    step.done();
    Ok(())
}
