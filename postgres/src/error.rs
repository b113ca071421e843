use std::io;
use std::path::{Path, PathBuf};

/// Why there is no cluster, told to the person who has to change something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder with the programs of PostgreSQL.
    #[error(
        "no PostgreSQL was found{looked_in}: install PostgreSQL 14 or newer, or run `cargo xtask run`, which installs it, or set DATABASE_URL"
    )]
    NoBinaries { looked_in: String },

    /// The programs are older than what the SQL of this product needs.
    #[error(
        "{} is PostgreSQL {major}: install PostgreSQL 14 or newer, or run `cargo xtask run`, which installs it, or set DATABASE_URL",
        .binaries.display()
    )]
    TooOld { binaries: PathBuf, major: u32 },

    /// The data was written by another major version than the one at hand.
    #[error(
        "the data in {} was written by PostgreSQL {written_by}, found was {found}: install version {written_by} again, or start with an empty folder",
        .data_dir.display()
    )]
    OtherVersion { data_dir: PathBuf, written_by: u32, found: u32 },

    /// PostgreSQL refuses root, and nobody else is there to run it.
    #[error(
        "PostgreSQL does not run as root, and neither `postgres` nor `nobody` is in /etc/passwd: add a user `postgres`"
    )]
    NoAccount,

    /// The account that has to run PostgreSQL may not read its programs.
    #[error("user {uid} may not run the programs in {}: make the folder readable, or install PostgreSQL for the whole machine", .binaries.display())]
    BinariesOutOfReach { binaries: PathBuf, uid: u32 },

    /// The folder is somebody else's.
    #[error("{} belongs to user {owner}: run as that user, or remove the folder", .folder.display())]
    NotOurs { folder: PathBuf, owner: u32 },

    /// The folder holds something, but no cluster.
    #[error("{} holds files, but no PostgreSQL cluster: choose another folder, or empty it", .0.display())]
    NotACluster(PathBuf),

    /// Another program lives on the folder.
    #[error("{} is in use by another program: stop it first", .0.display())]
    InUse(PathBuf),

    /// A program of PostgreSQL ended with an error.
    #[error("{program} failed:\n{said}")]
    Failed { program: &'static str, said: String },

    /// PostgreSQL ended while it started.
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", .log.display())]
    DidNotStart { log: PathBuf, tail: String },

    /// PostgreSQL is there, but does not take connections in time.
    #[error("PostgreSQL took no connection within {seconds} s; the end of {}:\n{tail}", .log.display())]
    NotReady { seconds: u64, log: PathBuf, tail: String },

    /// A statement was refused.
    #[error("PostgreSQL refused a statement:\n{0}")]
    Refused(String),

    /// The machine refused something.
    #[error("cannot {doing}: {cause}")]
    Io { doing: String, cause: io::Error },
}

/// Says what was being done with which path when the machine refused.
pub(crate) trait Doing<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T, Error> {
        self.map_err(|cause| Error::Io { doing: format!("{verb} {}", path.display()), cause })
    }
}
