//! Where things are: read from `cargo metadata`, so that `CARGO_TARGET_DIR` and the root manifest are obeyed.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The workspace this program belongs to.
pub struct Workspace {
    /// The package that becomes the program.
    pub name: String,
    pub root: PathBuf,
    pub target: PathBuf,
    /// Tools that are kept from one checkout to the next.
    pub tools: PathBuf,
    pub leptos: Leptos,
    pub packages: Vec<Package>,
}

/// The part of `[package.metadata.leptos]` that a build needs; cargo-leptos reads the same lines.
pub struct Leptos {
    pub output_name: String,
    pub site_root: PathBuf,
    pub pkg_dir: String,
    pub style: PathBuf,
    pub assets: PathBuf,
    /// The features of the browser build, with commas between.
    pub client_features: String,
    pub dev_profile: String,
    pub release_profile: String,
}

/// A member of the workspace.
pub struct Package {
    pub name: String,
    pub folder: PathBuf,
    pub dependencies: Vec<String>,
}

impl Workspace {
    /// Asks cargo for the workspace around the current folder.
    pub fn load() -> Result<Self> {
        let mut cargo = Command::new(process::cargo_program());
        let text = process::output(cargo.args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&text)?;
        let root = PathBuf::from(text_at(&metadata, "/workspace_root")?);
        let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
        let program = packages.iter().find(|package| package.pointer("/metadata/leptos").is_some());
        let program = program.context("no package has [package.metadata.leptos]")?;
        Ok(Self {
            name: text_at(program, "/name")?,
            target: PathBuf::from(text_at(&metadata, "/target_directory")?),
            tools: tools_folder()?,
            leptos: Leptos::read(&root, &program["metadata"]["leptos"])?,
            packages: packages.iter().map(Package::read).collect::<Result<_>>()?,
            root,
        })
    }

    /// A cargo command at the workspace root that needs no database.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(process::cargo_program());
        process::forget_own_package(&mut cargo);
        cargo.current_dir(&self.root).env("SQLX_OFFLINE", "true");
        cargo
    }

    /// The server's binary, as cargo writes it.
    pub fn server(&self, release: bool) -> PathBuf {
        let profile = if release { "release" } else { "debug" };
        self.target.join(profile).join(format!("{}{}", self.name, env::consts::EXE_SUFFIX))
    }

    /// The folder of what belongs to this checkout only: clusters and the seeded logins.
    pub fn data(&self) -> PathBuf {
        self.root.join(".data")
    }

    /// The one version of a crate in `Cargo.lock`.
    pub fn locked_version(&self, name: &str) -> Result<String> {
        let lock = fs::read_to_string(self.root.join("Cargo.lock"))?;
        let head = format!("name = \"{name}\"\nversion = \"");
        let start = lock.find(&head).with_context(|| format!("Cargo.lock has no {name}"))? + head.len();
        let version = lock[start..].split('"').next().unwrap_or_default();
        Ok(version.to_owned())
    }
}

impl Leptos {
    fn read(root: &Path, settings: &Value) -> Result<Self> {
        Ok(Self {
            output_name: text_at(settings, "/output-name")?,
            site_root: root.join(text_at(settings, "/site-root")?),
            pkg_dir: text_at(settings, "/site-pkg-dir")?,
            style: root.join(text_at(settings, "/tailwind-input-file")?),
            assets: root.join(text_at(settings, "/assets-dir")?),
            client_features: client_features(settings)?,
            dev_profile: text_at(settings, "/lib-profile-dev")?,
            release_profile: text_at(settings, "/lib-profile-release")?,
        })
    }

    /// The profile the client is compiled with.
    pub fn profile(&self, release: bool) -> &str {
        if release { &self.release_profile } else { &self.dev_profile }
    }
}

impl Package {
    fn read(package: &Value) -> Result<Self> {
        let manifest = PathBuf::from(text_at(package, "/manifest_path")?);
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        Ok(Self {
            name: text_at(package, "/name")?,
            folder: manifest.parent().context("a manifest without a folder")?.to_owned(),
            dependencies: dependencies.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect(),
        })
    }
}

fn client_features(settings: &Value) -> Result<String> {
    let features = settings["lib-features"].as_array().context("[package.metadata.leptos] has no lib-features")?;
    Ok(features.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
}

fn text_at(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("cargo metadata has no {pointer}"))?.to_owned())
}

fn tools_folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("STARTER_TOOLS") {
        return Ok(PathBuf::from(folder));
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|folder| folder.is_absolute()).or_else(|| env::home_dir().map(|home| home.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("starter").join("tools"))
}

/// All files below a folder whose names end in `.kind`, in order; none where there is no folder.
pub fn files(folder: &Path, kind: &str) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, kind)?);
        } else if path.extension().is_some_and(|one| one == kind) {
            found.insert(path);
        }
    }
    Ok(found)
}
