//! A private PostgreSQL for a program that was given none.
//!
//! [`Embedded::start`] makes a cluster in a folder, or joins the program that already runs it. It listens on a Unix
//! socket only, which only its owner can reach. The server outlives any single program, also one that was killed, and is
//! stopped when the last one on the folder is gone. Everything here blocks: an async program calls it on a blocking
//! thread.

mod account;
mod binaries;
mod cluster;
mod copy;
mod error;
mod keeper;
mod locks;
mod pid_file;
mod place;
mod postmaster;
mod sys;
mod wire;

pub use binaries::find_binaries;
pub use cluster::{init_cluster, remove, run_single_user};
pub use error::Error;

use account::Account;
use error::Doing;
use locks::Locks;
use place::Place;
use postmaster::Recipe;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Which cluster, and how careful it has to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the cluster. `<data_dir>.locks` appears beside it.
    pub data_dir: PathBuf,
    /// Created when it is missing.
    pub database: String,
    /// False gives up what was stored when the machine goes down: for tests. The program that starts the server decides.
    pub durable: bool,
    /// Where the programs of PostgreSQL are; `None` looks for them as [`find_binaries`] does.
    pub binaries: Option<PathBuf>,
    /// More settings as `name=value`; they win over those of this crate. The program that starts the server decides.
    pub settings: Vec<String>,
}

/// A share in a running cluster.
pub struct Embedded {
    options: Options,
    place: Place,
    account: Account,
    binaries: PathBuf,
    socket_dir: PathBuf,
    locks: Locks,
    users: File,
}

impl Embedded {
    /// Makes the cluster and the database where they are missing, joins the server or starts it, and returns when it takes
    /// connections.
    pub fn start(options: Options) -> Result<Embedded, Error> {
        let place = Place::of(&options.data_dir)?;
        let locks = Locks::of(&place)?;
        let _start = locks.start()?;
        let share = locks.share()?;

        // Another program may have moved it within reach while we waited.
        let place = Place::of(&options.data_dir)?;
        let account = Account::for_folder(&place.cluster)?;
        let explicit = options.binaries.as_deref();
        let (place, binaries) = match place.written_by() {
            Some(major) => (place, binaries::find_for(major, explicit, &options.data_dir)?),
            None => {
                let binaries = find_binaries(explicit)?;
                (cluster::init(place, &account, &binaries, options.durable)?, binaries)
            }
        };
        let binaries = account.within_reach(&binaries)?;
        let socket_dir = place.socket_dir(&account);
        keeper::ensure(&locks, &place, &account, &binaries, share.waited)?;
        let mut embedded = Embedded { options, place, account, binaries, socket_dir, locks, users: share.users };
        embedded.socket_dir = postmaster::bring_up(&embedded.recipe())?;
        embedded.create_database()?;
        Ok(embedded)
    }

    /// What sqlx and libpq take to connect as the superuser.
    pub fn database_url(&self) -> String {
        // Port and TLS are told, because clients otherwise take them from the environment.
        let (user, database) = (wire::SUPERUSER, percent_encoded(self.options.database.as_bytes()));
        let folder = percent_encoded(self.socket_dir.as_os_str().as_encoded_bytes());
        format!("postgres://{user}@localhost:5432/{database}?host={folder}&sslmode=disable")
    }

    /// The folder of the socket `.s.PGSQL.5432`.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Runs statements on the database whose rows do not matter, in 10 s at the most: to fill it for tests and measurements.
    ///
    /// # Errors
    /// When the server refuses one, or does not answer in time.
    pub fn run(&self, statements: &str) -> Result<(), Error> {
        let session = wire::connect(&self.socket_dir, &self.options.database).doing("connect to", &self.socket_dir)?;
        let mut session = session.map_err(|refusal| Error::Refused(refusal.message))?;
        let done = session.run(statements).doing("talk to the server in", &self.socket_dir)?;
        done.map_err(|refusal| Error::Refused(refusal.message))
    }

    /// Starts the server again if it died. Cheap when it did not.
    pub fn ensure_running(&self) -> Result<(), Error> {
        let has_keeper = self.locks.keeper(false)?.is_none();
        if has_keeper && postmaster::answers(&self.socket_dir) {
            return Ok(());
        }
        let _start = self.locks.start()?;
        keeper::ensure(&self.locks, &self.place, &self.account, &self.binaries, false)?;
        postmaster::bring_up(&self.recipe()).map(drop)
    }

    /// Gives the share back. The last one to leave waits until the server has stopped. Dropping does the same.
    pub fn stop(self) {}

    fn recipe(&self) -> Recipe<'_> {
        Recipe {
            place: &self.place,
            account: self.account,
            binaries: &self.binaries,
            socket_dir: &self.socket_dir,
            durable: self.options.durable,
            settings: &self.options.settings,
        }
    }

    /// A database cannot be created "if not exists", so it is asked for first; the caller holds `start`.
    fn create_database(&self) -> Result<(), Error> {
        const NO_SUCH_DATABASE: &str = "3D000";
        let connect = |database| wire::connect(&self.socket_dir, database).doing("connect to", &self.socket_dir);
        match connect(&self.options.database)? {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.code == NO_SUCH_DATABASE => {}
            Err(refusal) => return Err(Error::Refused(refusal.message)),
        }
        let statement = format!("create database \"{}\"", self.options.database.replace('"', "\"\""));
        let mut session = connect(wire::MAINTENANCE)?.map_err(|refusal| Error::Refused(refusal.message))?;
        let created = session.run(&statement).doing("talk to the server in", &self.socket_dir)?;
        created.map_err(|refusal| Error::Refused(refusal.message))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // From shared to exclusive: only the last one gets it.
        if self.users.try_lock().is_ok() {
            // When it fails, the keeper tries again.
            let _ = postmaster::stop(&self.place.cluster);
        } else {
            // The keeper may have been quicker; then this waits for it, and otherwise costs nothing.
            let _ = self.users.lock_shared();
        }
        // Not left to the closing: a child that another thread is just forking has a copy, which would hold the lock.
        let _ = self.users.unlock();
    }
}

/// Everything but letters, digits and `-._~` written as `%2F`.
fn percent_encoded(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let write = |byte: &u8| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(write).collect()
}
