//! Tools that a new machine lacks: each is looked for first, and installed under the tools folder by its version.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, Step};
use crate::workspace::Workspace;

/// The target of the client.
pub const WASM: &str = "wasm32-unknown-unknown";
const NEXTEST: &str = "0.9.143";
const CARGO_LEPTOS: &str = "0.3.10";

/// A program on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Installs packages of Debian where there is apt-get and this account may use it; nothing otherwise.
pub fn apt_get_install(packages: &[&str]) -> Result<()> {
    if on_path("apt-get").is_none() {
        return Ok(());
    }
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root && !process::succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Ok(());
    }
    for arguments in [&["update"][..], &[&["install", "-y", "--no-install-recommends"], packages].concat()] {
        let mut command = if is_root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "apt-get"]);
            sudo
        };
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        Step::begin(format!("tools: apt-get {}", arguments.join(" "))).quietly(&mut command)?;
    }
    Ok(())
}

/// Makes sure that rustc can compile for the browser.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", WASM]);
    let folder = process::output(&mut rustc)?;
    if Path::new(folder.trim()).exists() {
        return Ok(());
    }
    if on_path("rustup").is_none() {
        bail!(
            "rustc has no {WASM} library and there is no rustup to add it: install rustup, or your distribution's package"
        );
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(&workspace.root).args(["target", "add", WASM]);
    Step::begin(format!("tools: adding {WASM}")).stream(&mut rustup)
}

/// wasm-bindgen in exactly the version that the client is linked with.
pub fn wasm_bindgen(workspace: &Workspace) -> Result<PathBuf> {
    let version = workspace.locked_version("wasm-bindgen")?;
    // It rewrites 20 MB at every edit, so some optimisation pays; more would only delay the first start.
    install(workspace, "wasm-bindgen-cli", "wasm-bindgen", &version, "1")
}

/// Puts cargo-nextest where cargo finds it, and returns the folder if it is one of ours.
pub fn nextest(workspace: &Workspace) -> Result<Option<PathBuf>> {
    if process::succeeds(workspace.cargo().args(["nextest", "--version"])) {
        return Ok(None);
    }
    let program = install(workspace, "cargo-nextest", "cargo-nextest", NEXTEST, "0")?;
    Ok(program.parent().map(Path::to_owned))
}

/// cargo-leptos, which only `watch` needs.
pub fn cargo_leptos(workspace: &Workspace) -> Result<PathBuf> {
    install(workspace, "cargo-leptos", "cargo-leptos", CARGO_LEPTOS, "0")
}

/// `PATH` with our own folders before it.
pub fn path_with(folders: &[PathBuf]) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&path));
    env::join_paths(all).context("a folder of PATH has a separator in its name")
}

fn install(workspace: &Workspace, krate: &str, program: &str, version: &str, opt_level: &str) -> Result<PathBuf> {
    let root = workspace.tools.join(format!("{program}-{version}"));
    let installed = root.join("bin").join(format!("{program}{}", env::consts::EXE_SUFFIX));
    if installed.exists() {
        return Ok(installed);
    }
    fs::create_dir_all(&root)?;
    // Outside of the checkout, so that its build flags do not reach the tool.
    let build = workspace.tools.join("build").join(krate);
    let mut cargo = Command::new(process::cargo_program());
    process::forget_own_package(&mut cargo);
    cargo.current_dir(&root).args(["install", krate, "--version", version, "--locked", "--force", "--root"]).arg(&root);
    cargo.env("CARGO_TARGET_DIR", &build);
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level);
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    Step::begin(format!("tools: installing {krate} {version} (once, some minutes)")).stream(&mut cargo)?;
    fs::remove_dir_all(&build)?;
    Ok(installed)
}
