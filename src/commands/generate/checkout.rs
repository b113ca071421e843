//! The checkout that is written into: what it has, and writing all or nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::names::{Names, capital};
use super::reserved::ADDRESSES;
use super::wiring::{self, Wire};

/// What every checkout of this program has; where one is missing, this is none.
const MARKS: [&str; 6] =
    ["Cargo.toml", "model/src/rbac.rs", "server/src/lib.rs", "app/src/lib.rs", "src/web.rs", "xtask/Cargo.toml"];

/// A folder with the sources of the program.
pub struct Checkout {
    root: PathBuf,
}

/// The files to write, with their texts: new ones, and lists that get a line.
#[derive(Default)]
pub struct Draft {
    files: BTreeMap<String, String>,
    wired: BTreeMap<String, Wired>,
}

struct Wired {
    text: String,
    added: Vec<String>,
}

impl Checkout {
    /// The checkout at `root`.
    ///
    /// # Errors
    /// When it is none.
    pub fn at(root: PathBuf) -> Result<Self> {
        for mark in MARKS {
            ensure!(root.join(mark).is_file(), "the current folder is not the root of a checkout: it has no {mark}");
        }
        Ok(Self { root })
    }

    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("{path} can not be read"))
    }

    /// A command of cargo in the checkout, without what cargo told this program when it ran it.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_PRIMARY_PACKAGE"
            {
                cargo.env_remove(&name);
            }
        }
        cargo.current_dir(&self.root).args(arguments);
        cargo
    }

    /// The migrations, by name.
    fn migrations(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join("migrations")).context("migrations can not be read")? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// The migration of a feature that this command has written, known by its first line.
    fn generated_migration(&self, names: &Names) -> Result<Option<String>> {
        let end = format!("_{}.sql", names.many);
        for name in self.migrations()?.into_iter().filter(|name| name.ends_with(&end)) {
            let path = format!("migrations/{name}");
            if self.read(&path)?.starts_with(&first_line(names)) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Whether this command has written the feature, and nobody has removed it.
    pub fn has_generated(&self, names: &Names) -> Result<bool> {
        let has_model = self.has(&format!("model/src/{}.rs", names.many));
        Ok(has_model && self.generated_migration(names)?.is_some())
    }

    /// The file for the migration: that of the feature where it is there already, else the next free number.
    pub fn migration_of(&self, names: &Names) -> Result<String> {
        if self.has_generated(names)?
            && let Some(path) = self.generated_migration(names)?
        {
            return Ok(path);
        }
        let numbers = self.migrations()?.into_iter().filter_map(|name| name.split('_').next()?.parse::<u32>().ok());
        let next = numbers.max().unwrap_or_default() + 1;
        Ok(format!("migrations/{next:04}_{}.sql", names.many))
    }

    /// Refuses a name that something else has already.
    ///
    /// # Errors
    /// One sentence that says what has it.
    pub fn refuse_taken(&self, names: &Names) -> Result<()> {
        let Names { many, one } = names;
        for package in ["model", "server", "app"] {
            for name in [many, one] {
                let is_there = [format!("{package}/src/{name}.rs"), format!("{package}/src/{name}")]
                    .iter()
                    .any(|path| self.has(path));
                ensure!(!is_there, "`{many}` is refused: {package}/src has a module `{name}` already");
            }
        }
        let dependencies = self.read("Cargo.toml")?;
        let is_crate =
            |line: &str| line.split(['=', '.']).next().is_some_and(|name| name.trim().replace('-', "_") == *many);
        ensure!(
            !dependencies.lines().any(is_crate),
            "`{many}` is refused: a crate that the workspace uses is called so"
        );
        ensure!(
            !self.has(&format!("tests/all/{many}.rs")),
            "`{many}` is refused: tests/all/{many}.rs is there already"
        );
        let mut tables = String::new();
        for name in self.migrations()? {
            tables += &self.read(&format!("migrations/{name}"))?;
        }
        for what in ["table", "type", "view"] {
            let is_there = tables.contains(&format!("create {what} {many} "));
            let is_dropped = tables.contains(&format!("drop {what} {many};"));
            ensure!(!is_there || is_dropped, "`{many}` is refused: the database has a {what} of this name already");
        }
        let (url, pages) = (names.url(), self.read("app/src/lib.rs")?);
        let is_page =
            [format!("path!(\"/{url}\")"), format!("path!(\"/{url}/")].iter().any(|path| pages.contains(path));
        ensure!(!is_page && !ADDRESSES.contains(&url.as_str()), "`{many}` is refused: /{url} is an address already");
        let routes = self.read("tests/all/commands.rs")?;
        let is_route = [format!("/api/v1/{url}\""), format!("/api/v1/{url}/")].iter().any(|path| routes.contains(path));
        ensure!(!is_route, "`{many}` is refused: /api/v1/{url} is a route already");
        self.refuse_taken_types(names)
    }

    /// Types of the same name would be told apart by nobody, and schemas of the API not at all.
    fn refuse_taken_types(&self, names: &Names) -> Result<()> {
        let (many, one) = (names.type_of_many(), names.type_of_one());
        let wanted = ["", "Input", "Form", "Filter", "Sort"].map(|end| format!("{one}{end}"));
        for package in ["model", "server"] {
            for (path, text) in rust_files(&self.root.join(package).join("src"))? {
                for line in text.lines().map(|line| line.trim_start().trim_start_matches("pub ")) {
                    let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                    let is_type = matches!(words.next(), Some("struct" | "enum" | "type" | "trait"));
                    let name = words.next().unwrap_or_default();
                    let path = path.strip_prefix(&self.root).unwrap_or(&path).display();
                    ensure!(
                        !(is_type && wanted.iter().any(|one| one == name)),
                        "`{}` is refused: {path} has a type `{name}` already",
                        names.many
                    );
                }
            }
        }
        for (path, list, mut taken) in [
            ("model/src/problem.rs", "pub enum Thing", vec![one.clone()]),
            ("server/src/audit/mod.rs", "pub enum Subject", vec![one.clone()]),
            (
                "model/src/rbac.rs",
                "pub enum Action",
                ["Create", "Read", "Edit", "Delete"].map(|verb| format!("{verb}{one}")).to_vec(),
            ),
            (
                "model/src/rbac/scope.rs",
                "pub enum Scope",
                ["Read", "Write"].map(|verb| format!("{many}{verb}")).to_vec(),
            ),
        ] {
            let text = self.read(path)?;
            let variants = wiring::inside(&text, &[list]).with_context(|| format!("{path} has no `{list}`"))?;
            taken.retain(|name| variants.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == name));
            ensure!(taken.is_empty(), "`{}` is refused: `{list}` has `{}` already", names.many, taken.join("`, `"));
        }
        Ok(())
    }

    /// Writes everything. After a failure what was there before is there again.
    pub fn write(&self, draft: &Draft) -> Result<()> {
        let texts = draft.texts();
        let mut before: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
        for (path, text) in texts {
            let path = self.root.join(path);
            before.push((path.clone(), fs::read(&path).ok()));
            let folder = path.parent().context("a file without a folder")?;
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
            if let Err(error) = written {
                put_back(&before);
                return Err(error)
                    .with_context(|| format!("{} can not be written; nothing was changed", path.display()));
            }
        }
        Ok(())
    }
}

/// As well as it can be done: the error that led here is the one to tell.
fn put_back(before: &[(PathBuf, Option<Vec<u8>>)]) {
    for (path, text) in before {
        drop(match text {
            Some(text) => fs::write(path, text),
            None => fs::remove_file(path),
        });
    }
}

/// The first line of a migration that this command writes.
pub fn first_line(names: &Names) -> String {
    format!("-- {}, each its owner's.\n", capital(&names.words()))
}

/// Every Rust file below a folder, with its text.
fn rust_files(folder: &std::path::Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} can not be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("{} can not be read", path.display()))?;
            found.push((path, text));
        }
    }
    Ok(found)
}

impl Draft {
    pub fn add_file(&mut self, path: String, text: String) {
        self.files.insert(path, text);
    }

    /// Adds a line to a list.
    ///
    /// # Errors
    /// When the place of the list is not found; then nothing may be written.
    pub fn wire(&mut self, checkout: &Checkout, wire: &Wire) -> Result<()> {
        let before = match self.wired.get(wire.file) {
            Some(wired) => wired.text.clone(),
            None => checkout.read(wire.file)?,
        };
        let text = wire
            .apply(&before)
            .with_context(|| format!("nothing was changed, because {} is not as expected", wire.file))?;
        if text != before {
            let wired =
                self.wired.entry(wire.file.to_owned()).or_insert(Wired { text: String::new(), added: Vec::new() });
            wired.text = text;
            wired.added.push(wire.text.clone());
        }
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let wired = self.wired.iter().map(|(path, wired)| (path.as_str(), wired.text.as_str()));
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).chain(wired)
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, text) in &self.files {
            writeln!(f, "file  {path} ({} lines)", text.lines().count())?;
        }
        for (path, wired) in &self.wired {
            for line in wired.added.iter().flat_map(|text| text.trim().lines()) {
                writeln!(f, "line  {path}: {}", line.trim())?;
            }
        }
        Ok(())
    }
}
