//! Chromium, for the end-to-end tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{self, Step};
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
    if tools::on_path("apt-get").is_none() {
        bail!("there is no Chromium: install it, or set CHROMIUM to the program");
    }
    for arguments in [&["update"][..], &["install", "-y", "--no-install-recommends", "chromium", "chromium-driver"]] {
        let title = format!("tools: apt-get {}", arguments.join(" "));
        Step::begin(title).quietly(&mut apt_get(arguments)?)?;
    }
    match installed() {
        Some(found) => Ok(found),
        None => bail!("apt-get installed chromium, but it is not on PATH: set CHROMIUM to the program"),
    }
}

fn installed() -> Option<PathBuf> {
    let mac = Path::new(ON_A_MAC);
    NAMES.iter().find_map(|name| tools::on_path(name)).or_else(|| mac.exists().then(|| mac.to_owned()))
}

fn apt_get(arguments: &[&str]) -> Result<Command> {
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else if process::succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    } else {
        bail!(
            "there is no Chromium, and this account may not install it: `sudo apt-get install chromium chromium-driver`"
        );
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
