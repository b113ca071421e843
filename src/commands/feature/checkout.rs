//! The sources in the current folder, changed in memory first: a command that is refused half-way has changed nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// All texts of a checkout, by their path from its root.
pub struct Checkout {
    root: PathBuf,
    before: BTreeMap<String, String>,
    pub files: BTreeMap<String, String>,
}

impl Checkout {
    /// The checkout of which the current folder is the root.
    ///
    /// # Errors
    /// Any other folder is refused.
    pub fn here() -> Result<Self> {
        let root = std::env::current_dir()?;
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
        let is_ours = manifest.contains("name = \"starter\"") && root.join("model/src/rbac.rs").is_file();
        ensure!(is_ours, "{} is not the root of a checkout of this program", root.display());
        let prefix = git(&root, &["rev-parse", "--show-prefix"]).context("what is not in git can not be taken back")?;
        ensure!(prefix.trim().is_empty(), "{} is not the root of its git repository", root.display());
        let names = git(&root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        // What is no text, or deleted but not committed, is nothing to edit.
        let text = |name: &str| Some((name.to_owned(), fs::read_to_string(root.join(name)).ok()?));
        let before: BTreeMap<_, _> = names.split_terminator('\0').filter_map(text).collect();
        Ok(Self { files: before.clone(), before, root })
    }

    /// A checkout of these texts, for tests.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let before: BTreeMap<_, _> = files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        Self { root: PathBuf::new(), files: before.clone(), before }
    }

    /// Refuses while something is not committed: the changes of this program could not be told from others.
    pub fn refuse_uncommitted(&self) -> Result<()> {
        let changed = git(&self.root, &["status", "--porcelain"])?;
        ensure!(changed.is_empty(), "there are uncommitted changes; commit them first, or give --force:\n{changed}");
        Ok(())
    }

    /// The text of a file that must be there.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.files.get(name).map(String::as_str).with_context(|| format!("{name} is missing"))
    }

    /// Changes the text of a file, if it is there.
    pub fn edit(&mut self, name: &str, edit: impl FnOnce(&str) -> String) {
        if let Some(text) = self.files.get_mut(name) {
            *text = edit(text);
        }
    }

    /// What would be written, a line each.
    pub fn changes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, before) in &self.before {
            let count = |text: &str| text.lines().count();
            match self.files.get(name) {
                None => lines.push(format!("delete {name} ({} lines)", count(before))),
                Some(after) if after != before => {
                    lines.push(format!("edit   {name} ({} lines, were {})", count(after), count(before)));
                }
                Some(_) => {}
            }
        }
        let made = self.files.keys().filter(|name| !self.before.contains_key(*name));
        lines.extend(made.map(|name| format!("create {name}")));
        lines
    }

    /// Writes what was changed.
    pub fn write(&self) -> Result<()> {
        for name in self.before.keys().filter(|name| !self.files.contains_key(*name)) {
            let path = self.root.join(name);
            fs::remove_file(&path).with_context(|| format!("deleting {name}"))?;
            // The folder goes with its last file; one that holds more stays.
            if let Some(folder) = path.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
        for (name, text) in self.files.iter().filter(|(name, text)| self.before.get(*name) != Some(text)) {
            let path = self.root.join(name);
            fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            fs::write(&path, text).with_context(|| format!("writing {name}"))?;
        }
        Ok(())
    }

    /// Runs a program in the checkout, for what it does and not for what it prints.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        println!("{program} {}", arguments.join(" "));
        let mut command = Command::new(program);
        let status = command.args(arguments).current_dir(&self.root).stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("{program} could not be started"))?;
        ensure!(status.success(), "{program} {} ended badly ({status})", arguments.join(" "));
        Ok(())
    }
}

fn git(root: &PathBuf, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root).output().context("git could not be started")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
