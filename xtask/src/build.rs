//! `build`: the client in `target/site`, and the server.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::client;
use crate::process::Step;
use crate::site;
use crate::workspace::Workspace;

/// What to build.
#[derive(Args)]
pub struct Options {
    /// Optimised, with the assets inside of the one binary
    #[arg(long)]
    pub release: bool,
}

/// Builds the client and the server, and returns the server's binary.
pub fn build(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    // The client comes first: a release takes its files into the binary.
    let client = client::compile(workspace, options.release)?;
    site::publish(workspace, &client, options.release)?;
    server(workspace, options.release)
}

fn server(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", &workspace.name, "--bin", &workspace.name]);
    if release {
        cargo.args(["--release", "--features", "embed"]);
    }
    Step::begin("server: compiling").stream(&mut cargo)?;
    Ok(workspace.server(release))
}
