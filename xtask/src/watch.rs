//! `watch`: rebuild and reload at every edit, by cargo-leptos.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::npm;
use crate::postgres;
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Gives cargo-leptos the tools it would otherwise download by itself, and starts it.
pub fn watch(workspace: &Workspace) -> Result<()> {
    tools::wasm_target(workspace)?;
    npm::install(&workspace.root)?;
    let folder_of = |program: PathBuf| program.parent().map(Path::to_owned).context("a program without a folder");
    let folders = [
        folder_of(tools::wasm_bindgen(workspace)?)?,
        folder_of(tools::cargo_leptos(workspace)?)?,
        workspace.root.join("node_modules/.bin"),
    ];
    let mut cargo = workspace.cargo();
    cargo.args(["leptos", "watch", "--", "serve", "--worker", "--seed"]).env("PATH", tools::path_with(&folders)?);
    postgres::provide(workspace, &mut cargo)?;
    process::run(&mut cargo)
}
