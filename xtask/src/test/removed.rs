//! Features that are taken out: of a copy of the sources, of which the rest must pass the checks and its own tests without a hand edit.

use std::process::Command;

use anyhow::Result;

use super::Tests;
use super::copy::Copy;
use super::count::Count;
use crate::postgres;

/// What can be taken out as the program comes. Notifications stay: a kind of task tells people by them.
const FEATURES: [&str; 1] = ["notes"];
/// The tests that look over all of the program.
const TESTS: &str = "test(/^matrix::/) | test(/permissions/) | test(/^commands::/) | test(/^people::/) | test(/^limits::/) | package(model)";

/// Takes each of them out, and judges what is left.
pub fn run(tests: &Tests<'_>) -> Result<Count> {
    let copy = Copy::make(tests.workspace, "removed feature")?;
    let mut sum = Count::default();
    for feature in FEATURES {
        let mut remove = Command::new(copy.program());
        remove.args(["remove", "feature", feature, "--force"]);
        postgres::provide(copy.workspace, &mut remove)?;
        copy.begin(&format!("taking {feature} out")).telling(copy.at_home(&mut remove))?;
        copy.git(&["add", "--all"])?;
        copy.check()?;
        sum = sum + copy.test(tests, TESTS)?;
    }
    Ok(sum)
}
