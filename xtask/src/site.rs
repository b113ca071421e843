//! `target/site`: the files the server hands out, exactly those of the last build.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::client::Client;
use crate::npm;
use crate::process::Step;
use crate::workspace::Workspace;

const COMPRESSIBLE: [&str; 6] = ["css", "js", "json", "svg", "txt", "wasm"];
const COMPRESS: &str = include_str!("compress.js");

/// Puts the client where the server looks. A release gets names with a hash, and compressed twins.
pub fn publish(workspace: &Workspace, client: &Client, release: bool) -> Result<()> {
    let mut files = BTreeMap::new();
    add_folder(&mut files, &workspace.leptos.assets, Path::new(""))?;
    add_client(&mut files, workspace, client, release)?;

    let site = &workspace.leptos.site_root;
    for (name, source) in &files {
        write_changed(&site.join(name), source)?;
    }
    let mut kept: Vec<PathBuf> = files.into_keys().collect();
    if release {
        let wanted: Vec<_> = kept.iter().filter(|name| compressible(name)).map(|name| site.join(name)).collect();
        kept.extend(kept.clone().iter().flat_map(|name| twins(name)));
        compress(&wanted)?;
    }
    remove_others(site, Path::new(""), &kept)
}

/// Removes a file or a folder that may not be there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context(format!("removing {}", path.display())),
        _ => Ok(()),
    }
}

/// Writes `.br` and `.gz` beside each file, where that is smaller and not done yet.
pub fn compress(files: &[PathBuf]) -> Result<()> {
    let waiting: Vec<_> = files.iter().filter(|file| !has_newer_twins(file)).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    // Node's zlib has brotli at full speed, which this program, built without optimisation, would not have.
    npm::need_node()?;
    let mut node = Command::new("node");
    Step::begin("site: compressing").quietly(node.args(["--eval", COMPRESS, "--"]).args(waiting))
}

fn add_client(
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
    workspace: &Workspace,
    client: &Client,
    release: bool,
) -> Result<()> {
    let pkg = PathBuf::from(&workspace.leptos.pkg_dir);
    let name = &workspace.leptos.output_name;
    let main =
        [client.folder.join(format!("{name}.js")), client.folder.join(format!("{name}.wasm")), client.style.clone()];
    for file in main {
        let content = fs::read(&file).with_context(|| format!("{} is missing", file.display()))?;
        let kind = file.extension().unwrap_or_default().to_string_lossy();
        let hash = npm::digest(&content);
        let public = if release { format!("{name}.{}.{kind}", &hash[..16]) } else { format!("{name}.{kind}") };
        files.insert(pkg.join(public), content);
    }
    // Named by wasm-bindgen with a hash of their own.
    add_folder(files, &client.folder.join("snippets"), &pkg.join("snippets"))
}

fn add_folder(files: &mut BTreeMap<PathBuf, Vec<u8>>, folder: &Path, public: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = public.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            add_folder(files, &entry.path(), &name)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Leaves an equal file alone, so that its time says when it changed.
fn write_changed(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::create_dir_all(file.parent().context("a file without a folder")?)?;
    for twin in twins(file) {
        remove(&twin)?;
    }
    fs::write(file, content).with_context(|| format!("writing {}", file.display()))
}

fn compressible(name: &Path) -> bool {
    name.extension().is_some_and(|kind| COMPRESSIBLE.iter().any(|one| kind == *one))
}

fn twins(name: &Path) -> [PathBuf; 2] {
    ["br", "gz"].map(|kind| PathBuf::from(format!("{}.{kind}", name.display())))
}

fn has_newer_twins(file: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    twins(file).iter().all(|twin| time(twin).is_some_and(|twin| time(file).is_some_and(|file| twin >= file)))
}

fn remove_others(site: &Path, inside: &Path, kept: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(site.join(inside))? {
        let entry = entry?;
        let name = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(site, &name, kept)?;
        } else if !kept.contains(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
