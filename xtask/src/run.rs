//! `run`: from a clone to a page in the browser.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::build;
use crate::postgres;
use crate::site;
use crate::workspace::Workspace;

/// How to run it.
#[derive(Args)]
pub struct Options {
    /// The optimised single binary
    #[arg(long)]
    release: bool,
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Begin with an empty database: deletes `.data/` first
    #[arg(long)]
    fresh: bool,
}

/// Installs, builds and becomes the server.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let server = build::build(workspace, &build::Options { release: options.release })?;
    if options.fresh {
        postgres::remove(&workspace.data().join("postgres"))?;
        site::remove(&workspace.data())?;
    }
    let mut command = Command::new(&server);
    command.current_dir(&workspace.root).args(["serve", "--worker", "--seed", "--port"]).arg(options.port.to_string());
    postgres::provide(workspace, &mut command)?;
    become_it(command).with_context(|| format!("{} could not be started", server.display()))
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<()> {
    crate::process::run(&mut command)
}
