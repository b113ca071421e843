//! Chromium, for the end-to-end tests.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::tools;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ON_A_MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The browser: the one that `CHROMIUM` names, the machine's, or Debian's, installed now.
pub fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").map(PathBuf::from) {
        return Ok(named);
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    tools::apt_get_install(&["chromium", "chromium-driver"])?;
    match installed() {
        Some(found) => Ok(found),
        None => bail!(
            "there is no Chromium: install it (Debian: `apt-get install chromium`), or set CHROMIUM to the program"
        ),
    }
}

fn installed() -> Option<PathBuf> {
    let mac = Path::new(ON_A_MAC);
    NAMES.iter().find_map(|name| tools::on_path(name)).or_else(|| mac.exists().then(|| mac.to_owned()))
}
