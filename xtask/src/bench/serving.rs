//! The program under measurement, on a PostgreSQL of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::talk::Talk;
use crate::workspace::Workspace;
use crate::{postgres, site};

/// For the program to start on an empty folder.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program without a worker, with its default settings but those that are given.
pub struct Serving {
    talk: Talk,
    folder: PathBuf,
    pub address: String,
}

impl Serving {
    /// Starts it in a folder of this name below `.data`, which is emptied before.
    pub fn start(workspace: &Workspace, name: &str, release: bool, settings: &[(&str, &str)]) -> Result<Self> {
        let folder = workspace.data().join(name);
        let data_dir = folder.join("postgres");
        postgres::remove(&data_dir)?;
        site::remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let mut command = Command::new(workspace.server(release));
        // Settings of the developer would change what is measured.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STARTER__") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--port", "0"]).current_dir(&folder).env_remove("DATABASE_URL").env("RUST_LOG", "error");
        for (name, value) in settings {
            command.env(format!("STARTER__{name}"), value);
        }
        command.env("STARTER__DATABASE__DATA_DIR", &data_dir);
        command.env("STARTER__SERVER__SITE_ROOT", &workspace.leptos.site_root);
        postgres::provide(workspace, &mut command)?;
        let talk = Talk::begin(&mut command)?;
        let address = talk.after("starter is ready on http://", Instant::now() + PATIENCE)?;
        Ok(Self { talk, folder, address: address.context("the program does not say that it is ready")? })
    }

    /// The folder of its cluster.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// Stops it and removes what it left.
    pub fn stop(self) -> Result<()> {
        let data_dir = self.data_dir();
        self.talk.terminate()?;
        postgres::remove(&data_dir)?;
        site::remove(&self.folder)
    }
}
