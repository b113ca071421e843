use crate::error::{Doing, Error};
use crate::place::{LASTING, REACHABLE_BY_ALL};
use crate::{binaries, copy, sys};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const ROOT: u32 = 0;
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Who runs the programs of PostgreSQL: ourselves, or, as it refuses root, somebody with fewer rights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub uid: u32,
    gid: u32,
    /// Whether this program has to step down to it.
    pub lowered: bool,
}

impl Account {
    /// The account for the cluster in `folder`: its owner, if root may choose and it exists.
    pub(crate) fn for_folder(folder: &Path) -> Result<Account, Error> {
        let me = sys::effective_user();
        let owner = match fs::metadata(folder) {
            Ok(found) => Some((found.uid(), found.gid())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).doing("look at", folder),
        };
        match owner {
            Some((uid, _)) if me != ROOT && uid != me => {
                Err(Error::NotOurs { folder: folder.to_path_buf(), owner: uid })
            }
            _ if me != ROOT => Ok(Account { uid: me, gid: 0, lowered: false }),
            Some((uid, gid)) if uid != ROOT => Ok(Account { uid, gid, lowered: true }),
            _ => unprivileged(),
        }
    }

    /// A command that runs as this account and sees nothing of the caller's PostgreSQL settings, language or folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env_remove("LANGUAGE").current_dir("/").stdin(Stdio::null());
        if self.lowered {
            // std clears the supplementary groups together with this.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether this account may enter `folder`. Asked of the machine, because modes alone are not the whole truth.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.args(["-c", ":"]).current_dir(folder);
        shell.status().is_ok_and(|status| status.success())
    }

    /// `binaries`, or a copy of them where this account can run it: a checkout in root's home is closed to others.
    pub(crate) fn within_reach(&self, binaries: &Path) -> Result<PathBuf, Error> {
        if !self.lowered || self.can_run(binaries) {
            return Ok(binaries.to_path_buf());
        }
        let out_of_reach = || Error::BinariesOutOfReach { binaries: binaries.to_path_buf(), uid: self.uid };
        // Only what is plainly an installation of its own; the folder above some `bin` could hold anything.
        let installation = binaries.parent().filter(|parent| {
            binaries.ends_with("bin") && ["lib", "share"].iter().all(|name| parent.join(name).is_dir())
        });
        let installation = installation.ok_or_else(out_of_reach)?;
        let mut refused = out_of_reach();
        for parent in [LASTING, REACHABLE_BY_ALL] {
            match copy::into(Path::new(parent), installation).map(|copy| copy.join("bin")) {
                Ok(binaries) if self.can_run(&binaries) => return Ok(binaries),
                Ok(_) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Whether this account may run what is in `binaries`.
    fn can_run(&self, binaries: &Path) -> bool {
        let mut version = self.command(&binaries::program(binaries, "postgres"));
        version.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    }

    /// Makes `folder` this account's own, closed to everybody else. Refuses one that somebody else has put there.
    pub(crate) fn own_folder(&self, folder: &Path) -> Result<(), Error> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => self.own(folder)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).doing("create", folder),
        }
        // Not followed: in a folder that all may write to, a link could lead anywhere.
        let found = fs::symlink_metadata(folder).doing("look at", folder)?;
        if !found.is_dir() || found.uid() != self.uid {
            return Err(Error::NotOurs { folder: folder.to_path_buf(), owner: found.uid() });
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).doing("close", folder)
    }

    /// Hands `path` to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        if self.lowered { chown(path, Some(self.uid), Some(self.gid)).doing("hand over", path) } else { Ok(()) }
    }
}

fn unprivileged() -> Result<Account, Error> {
    let passwd = Path::new("/etc/passwd");
    let lines = fs::read_to_string(passwd).doing("read", passwd)?;
    ACCOUNTS.iter().find_map(|name| account_in(&lines, name)).ok_or(Error::NoAccount)
}

fn account_in(passwd: &str, name: &str) -> Option<Account> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    // Through i64: where `nobody` is -2, that is its two's complement.
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok().map(|id| id as u32);
    Some(Account { uid: number(2)?, gid: number(3)?, lowered: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\nnobody:*:-2:-2::/:/bin/sh\n";

        let postgres = account_in(passwd, "postgres").map(|account| (account.uid, account.gid));
        let nobody = account_in(passwd, "nobody").map(|account| account.uid);

        assert_eq!((postgres, nobody), (Some((101, 104)), Some(u32::MAX - 1)));
    }

    #[test]
    fn programs_in_a_closed_folder_are_copied_to_where_they_can_run() {
        if sys::effective_user() != ROOT {
            eprintln!("skipped: only root steps down to another account");
            return;
        }
        let closed = tempfile::tempdir().expect("a folder only for root");
        let installation = closed.path().join("pgsql");
        for name in ["bin", "lib", "share"] {
            fs::create_dir_all(installation.join(name)).expect("a folder");
        }
        let postgres = installation.join("bin/postgres");
        fs::write(&postgres, "#!/bin/sh\n").expect("a program");
        fs::set_permissions(&postgres, fs::Permissions::from_mode(0o700)).expect("for root only");
        let account = unprivileged().expect("an account");

        let programs = installation.join("bin");
        let all: Vec<PathBuf> = std::thread::scope(|scope| {
            let copying: Vec<_> = (0..3).map(|_| scope.spawn(|| account.within_reach(&programs))).collect();
            copying.into_iter().map(|copy| copy.join().expect("no panic").expect("a copy")).collect()
        });
        let copy = all[0].parent().expect("the installation");
        fs::remove_dir_all(copy).expect("tidy up");

        assert!(!all[0].starts_with(closed.path()));
        assert!(all.iter().all(|programs| *programs == all[0]), "{all:?}");
    }
}
