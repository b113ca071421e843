//! npm packages: the style's tools at the root, Playwright in `end2end/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::process::Step;
use crate::tools;

const STAMP: &str = "node_modules/.installed-lock";

/// Installs what `folder/package-lock.json` lists, unless exactly that is there.
pub fn install(folder: &Path) -> Result<()> {
    need_node()?;
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let wanted = digest(&lock);
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // Not `npm ci`: it refuses a lock without the optional packages of other platforms, and a registry that
    // mirrors one platform never gave us those. Versions and hashes of all the others are the lock's here too.
    let mut npm = command(folder);
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    Step::begin(format!("npm: installing packages of {name}")).quietly(&mut npm)?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// npm in a folder. No package may fetch a browser: the machine's Chromium is used.
pub fn command(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}

/// Says what to do on a machine without Node.js.
pub fn need_node() -> Result<()> {
    for program in ["node", "npm"] {
        if tools::on_path(program).is_none() {
            bail!("{program} is missing: install Node.js 20 or newer with npm (Debian: `apt-get install nodejs npm`)");
        }
    }
    Ok(())
}

/// The SHA-256 of a text, in hexadecimal.
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
