//! The client: Rust → WASM → what the browser loads, and the style sheet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::npm;
use crate::process::Step;
use crate::site;
use crate::tools;
use crate::workspace::Workspace;

/// What rustc emits for the browser; wasm-opt refuses a file that uses more than it was told of.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The compiled client, not yet where the server looks for it.
pub struct Client {
    /// Holds `starter.js`, `starter.wasm` and perhaps `snippets/`.
    pub folder: PathBuf,
    pub style: PathBuf,
}

/// Installs what is missing, and compiles the client.
pub fn compile(workspace: &Workspace, release: bool) -> Result<Client> {
    tools::wasm_target(workspace)?;
    npm::install(&workspace.root)?;
    let wasm_bindgen = tools::wasm_bindgen(workspace)?;

    let profile = workspace.leptos.profile(release);
    let folder = workspace.target.join("client").join(profile);
    fs::create_dir_all(&folder)?;
    let compiled = cargo(workspace, profile)?;
    bind(workspace, &wasm_bindgen, &compiled, &folder, release)?;
    let style = style(workspace, &folder, release)?;
    Ok(Client { folder: folder.join("bound"), style })
}

fn cargo(workspace: &Workspace, profile: &str) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", &workspace.name, "--lib", "--target", tools::WASM]);
    cargo.args(["--no-default-features", "--features", &workspace.leptos.client_features, "--profile", profile]);
    Step::begin("client: compiling").stream(&mut cargo)?;
    let name = workspace.leptos.output_name.replace('-', "_");
    Ok(workspace.target.join(tools::WASM).join(profile).join(format!("{name}.wasm")))
}

/// Makes the JavaScript beside the WASM, and in a release the WASM small; nothing when the compiled file is the same.
fn bind(workspace: &Workspace, program: &Path, compiled: &Path, folder: &Path, release: bool) -> Result<()> {
    let about = compiled.metadata().with_context(|| format!("{} was not built", compiled.display()))?;
    let stamp = format!("{} {} {:?}", program.display(), about.len(), about.modified()?.duration_since(UNIX_EPOCH)?);
    let stamp_file = folder.join("bound.stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    let bound = folder.join("bound");
    for old in [&stamp_file, &bound] {
        site::remove(old)?;
    }
    let name = &workspace.leptos.output_name;
    let mut command = Command::new(program);
    command.args(["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"]).arg(&bound).arg(compiled);
    Step::begin("client: wasm-bindgen").quietly(&mut command)?;

    let wasm = bound.join(format!("{name}.wasm"));
    fs::rename(bound.join(format!("{name}_bg.wasm")), &wasm)?;
    if release {
        let mut command = Command::new(workspace.root.join("node_modules/.bin/wasm-opt"));
        command.arg("-Oz").args(WASM_FEATURES).arg(&wasm).arg("-o").arg(&wasm);
        Step::begin("client: wasm-opt").quietly(&mut command)?;
    }
    fs::write(stamp_file, stamp)?;
    Ok(())
}

fn style(workspace: &Workspace, folder: &Path, release: bool) -> Result<PathBuf> {
    let style = folder.join(format!("{}.css", workspace.leptos.output_name));
    let mut tailwind = Command::new(workspace.root.join("node_modules/.bin/tailwindcss"));
    tailwind.current_dir(&workspace.root).arg("-i").arg(&workspace.leptos.style).arg("-o").arg(&style);
    if release {
        tailwind.arg("--minify");
    }
    Step::begin("client: style").quietly(&mut tailwind)?;
    Ok(style)
}
