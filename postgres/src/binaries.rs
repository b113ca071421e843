use crate::error::{Doing, Error};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const OLDEST: u32 = 14;
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// A folder `bin` for one version each lies in these.
const BY_VERSION: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
const PLAIN: [&str; 5] =
    ["/usr/local/pgsql/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/pgsql/bin", "/usr/local/postgresql/bin"];

/// The folder with `initdb`, `pg_ctl` and `postgres`: the one given, or that of `STARTER_POSTGRES_BIN`, or the first on
/// `PATH`, or where systems usually put them, newest first. Versions before 14 are passed over.
pub fn find_binaries(explicit: Option<&Path>) -> Result<PathBuf, Error> {
    let mut reason = None;
    for folder in candidates(explicit)? {
        let unfit = match version(&folder) {
            Ok(major) if major >= OLDEST => return Ok(folder),
            Ok(major) => Error::TooOld { binaries: folder, major },
            Err(error) => error,
        };
        reason.get_or_insert(unfit);
    }
    Err(reason.unwrap_or_else(|| nothing_in(String::new())))
}

/// Like [`find_binaries`], but only what can open the data that `major` has written.
pub(crate) fn find_for(major: u32, explicit: Option<&Path>, data_dir: &Path) -> Result<PathBuf, Error> {
    let first = find_binaries(explicit)?;
    let found = version(&first)?;
    if found == major {
        return Ok(first);
    }
    let same = candidates(explicit)?.into_iter().find(|folder| version(folder).is_ok_and(|found| found == major));
    same.ok_or_else(|| Error::OtherVersion { data_dir: data_dir.to_path_buf(), written_by: major, found })
}

/// The path of one of the programs.
pub(crate) fn program(binaries: &Path, name: &str) -> PathBuf {
    binaries.join(name)
}

/// All folders worth a look, best first. A folder that somebody named must be right: no silent second choice.
fn candidates(explicit: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let named = explicit.map(Path::to_path_buf).or_else(|| {
        let folder = std::env::var_os("STARTER_POSTGRES_BIN").filter(|folder| !folder.is_empty());
        folder.map(PathBuf::from)
    });
    if let Some(folder) = named {
        // The children do not run in this program's folder, so a relative path would mean another place there.
        let folder = std::path::absolute(&folder).doing("find", &folder)?;
        let within = [folder.clone(), folder.join("bin")].into_iter().find(|folder| is_complete(folder));
        return within.map(|folder| vec![folder]).ok_or_else(|| nothing_in(format!(" in {}", folder.display())));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    folders.extend(BY_VERSION.iter().flat_map(|parent| versions_in(Path::new(parent))));
    folders.extend(PLAIN.iter().map(PathBuf::from));
    folders.retain(|folder| is_complete(folder));
    Ok(folders)
}

fn versions_in(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut versions: Vec<_> =
        entries.filter_map(|entry| Some((number_in(&entry.file_name())?, entry.path()))).collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder.join("bin")).collect()
}

/// 15 in `15` and in `postgresql@15`, nothing in `postgresql-common`.
fn number_in(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    name.strip_prefix("postgresql@").unwrap_or(name).parse().ok()
}

fn is_complete(folder: &Path) -> bool {
    NEEDED.iter().all(|name| program(folder, name).is_file())
}

fn nothing_in(looked_in: String) -> Error {
    Error::NoBinaries { looked_in }
}

/// The major version of the programs in `binaries`.
fn version(binaries: &Path) -> Result<u32, Error> {
    let postgres = program(binaries, "postgres");
    let output = Command::new(&postgres).arg("-V").output().doing("run", &postgres)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = || String::from_utf8_lossy(&output.stderr).into_owned();
    major_in(&said).ok_or_else(|| Error::Failed { program: "postgres -V", said: complaint() })
}

/// 15 in `postgres (PostgreSQL) 15.4 (Debian)`, 18 in `postgres (PostgreSQL) 18beta1`.
fn major_in(said: &str) -> Option<u32> {
    let number = said.split("(PostgreSQL) ").nth(1)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_program_says() {
        let said =
            ["postgres (PostgreSQL) 15.4 (Debian 15.4-1)\n", "postgres (PostgreSQL) 18beta1\n", "no such file\n"];
        assert_eq!(said.map(major_in), [Some(15), Some(18), None]);
    }

    #[test]
    fn a_named_folder_without_the_programs_is_not_replaced_by_another() {
        let empty = tempfile::tempdir().expect("a folder");

        let refused = find_binaries(Some(empty.path())).expect_err("nothing is there");

        let words = refused.to_string();
        assert!(words.contains("DATABASE_URL") && words.contains(&empty.path().display().to_string()), "{words}");
    }
}
