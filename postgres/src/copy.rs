use crate::account::ROOT;
use crate::binaries;
use crate::cluster::gone;
use crate::error::{Doing, Error};
use crate::place::{beside, fingerprint};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A copy of `installation` in `parent` that everybody may read and run; made once for every version.
pub(crate) fn into(parent: &Path, installation: &Path) -> Result<PathBuf, Error> {
    static COPYING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);

    let copy = parent.join(name_of(installation)?);
    if fs::symlink_metadata(&copy).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        make(installation, &copy)?;
    }
    // Where all may write, it could be somebody else's.
    let owner = fs::symlink_metadata(&copy).doing("look at", &copy)?.uid();
    if owner == ROOT { Ok(copy) } else { Err(Error::NotOurs { folder: copy, owner }) }
}

fn name_of(installation: &Path) -> Result<String, Error> {
    let postgres = binaries::program(&installation.join("bin"), "postgres");
    let changed_at = fs::metadata(&postgres).doing("look at", &postgres)?.mtime();
    Ok(format!("starter-pgsql-{}-{changed_at}", fingerprint(installation)))
}

/// Copies beside, then renames: a copy that was interrupted must not be taken for a whole one.
fn make(installation: &Path, copy: &Path) -> Result<(), Error> {
    let new = beside(copy, &format!(".{}", std::process::id()));
    discard(&new)?;
    fs::DirBuilder::new().mode(0o755).create(&new).doing("create", &new)?;
    let copied = run("cp", [Path::new("-R"), &installation.join("."), &new])
        // Closed files would stay closed to those for whom the copy is.
        .and_then(|()| run("chmod", [Path::new("-R"), Path::new("a+rX"), &new]))
        .and_then(|()| match fs::rename(&new, copy) {
            // Another program was quicker; its copy is as good.
            Err(_) if copy.is_dir() => discard(&new),
            renamed => renamed.doing("create", copy),
        });
    copied.inspect_err(|_| {
        // What is left of it has a name that nobody looks for.
        let _ = discard(&new);
    })
}

fn run(program: &'static str, arguments: [&Path; 3]) -> Result<(), Error> {
    let output = Command::new(program).args(arguments).output().doing("run", Path::new(program))?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(Error::Failed { program, said: said() }) }
}

fn discard(folder: &Path) -> Result<(), Error> {
    gone(fs::remove_dir_all(folder), folder)
}
