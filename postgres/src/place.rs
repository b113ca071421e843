use crate::account::Account;
use crate::error::{Doing, Error};
use crate::wire;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where a cluster goes that must last when its own folder cannot be reached by the account that runs it.
pub(crate) const LASTING: &str = "/var/lib";
/// Where the others go, and all of them when only this is to be written to. Systems may clean it after a month.
pub(crate) const REACHABLE_BY_ALL: &str = "/var/tmp";
/// The name of the cluster in a folder made for it.
const CLUSTER: &str = "postgres";
/// What every Unix accepts as the path of a socket (Linux takes four bytes more).
const LONGEST_SOCKET: usize = 103;

/// The paths that belong to one data folder.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder as it was asked for, absolute; a link when the data lies elsewhere.
    pub asked: PathBuf,
    /// Where the data really is.
    pub cluster: PathBuf,
}

impl Place {
    /// Follows a link at `data_dir`, and creates the folders above it.
    pub(crate) fn of(data_dir: &Path) -> Result<Place, Error> {
        let absolute = std::path::absolute(data_dir).doing("find", data_dir)?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(Error::NotACluster(absolute));
        };
        fs::create_dir_all(parent).doing("create", parent)?;
        // Only the parent: the name itself may be our own link, and both ways must lead to the same locks.
        let asked = fs::canonicalize(parent).doing("find", parent)?.join(name);
        let cluster = match fs::read_link(&asked) {
            Ok(target) => asked.with_file_name(target),
            Err(_) => asked.clone(),
        };
        Ok(Place { asked, cluster })
    }

    /// Moves the place to where `account` can reach it, leaving a link.
    pub(crate) fn within_reach(self, account: &Account, durable: bool) -> Result<Place, Error> {
        if let Some(elsewhere) = self.elsewhere() {
            account.own_folder(elsewhere)?;
            return Ok(self);
        }
        let parent = self.cluster.parent().unwrap_or(Path::new("/"));
        if !account.lowered || account.can_enter(parent) {
            return Ok(self);
        }
        let cluster = self.make_elsewhere(account, durable)?.join(CLUSTER);
        match fs::remove_dir(&self.asked) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::NotACluster(self.asked));
            }
            _ => {}
        }
        std::os::unix::fs::symlink(&cluster, &self.asked).doing("create", &self.asked)?;
        Ok(Place { cluster, ..self })
    }

    /// The folder that `within_reach` fell back to, if it did.
    pub(crate) fn elsewhere(&self) -> Option<&Path> {
        let folder = self.cluster.parent().filter(|folder| self.cluster == folder.join(CLUSTER))?;
        [LASTING, REACHABLE_BY_ALL].iter().any(|parent| folder == self.in_folder_for_all(parent)).then_some(folder)
    }

    fn make_elsewhere(&self, account: &Account, durable: bool) -> Result<PathBuf, Error> {
        let lasting = self.in_folder_for_all(LASTING);
        if durable && account.can_enter(Path::new(LASTING)) && account.own_folder(&lasting).is_ok() {
            return Ok(lasting);
        }
        let other = self.in_folder_for_all(REACHABLE_BY_ALL);
        account.own_folder(&other)?;
        Ok(other)
    }

    fn in_folder_for_all(&self, parent: &str) -> PathBuf {
        Path::new(parent).join(format!("starter-{}", self.fingerprint()))
    }

    /// Whether a cluster is there.
    pub(crate) fn is_initialized(&self) -> bool {
        self.cluster.join("PG_VERSION").is_file()
    }

    /// The major version that wrote the data.
    pub(crate) fn written_by(&self) -> Option<u32> {
        fs::read_to_string(self.cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// A file beside the data folder; inside it would be lost when the folder is removed while others wait for it.
    pub(crate) fn locks(&self) -> PathBuf {
        beside(&self.asked, ".locks")
    }

    /// What the server writes to.
    pub(crate) fn log(&self) -> PathBuf {
        self.cluster.join("postgres.log")
    }

    /// There while a server is being started that may not have written its process id yet.
    pub(crate) fn starting(&self) -> PathBuf {
        self.cluster.join("starter.starting")
    }

    /// The data folder itself, closed as it is; where that makes too long a path for a socket, a short one.
    pub(crate) fn socket_dir(&self, account: &Account) -> PathBuf {
        if self.cluster.join(wire::SOCKET).as_os_str().len() <= LONGEST_SOCKET {
            return self.cluster.clone();
        }
        let parent = if account.lowered { PathBuf::from(REACHABLE_BY_ALL) } else { std::env::temp_dir() };
        parent.join(format!("starter-pg-{}", self.fingerprint()))
    }

    fn fingerprint(&self) -> String {
        fingerprint(&self.asked)
    }
}

/// FNV-1a of a path. Programs built by different compilers must agree, so the standard hasher will not do.
pub(crate) fn fingerprint(path: &Path) -> String {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
    format!("{hash:016x}")
}

/// `path` with `ending` at the end of its name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
