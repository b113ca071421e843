use crate::error::{Doing, Error};
use crate::place::Place;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the end of the last program and of its keeper may take.
const ENDING: Duration = Duration::from_secs(10);
/// Whoever has a share for this long is not about to leave.
const STAYING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The locks of one data folder. The kernel drops them with their holder, so `kill -9` leaves none behind.
///
/// - `users`: shared, by every program on the folder for as long as it lives; exclusive, by whoever stops the server.
/// - `start`: by one program at a time, while it looks whether a server runs and starts it.
/// - `keeper`: by the keeper, from before its birth to its end.
///
/// The files stay when the cluster is removed: somebody may be waiting for one of them.
pub(crate) struct Locks {
    folder: PathBuf,
}

/// A share in the cluster.
pub(crate) struct Share {
    pub users: File,
    /// Somebody was just stopping the server when we came.
    pub waited: bool,
}

impl Locks {
    pub(crate) fn of(place: &Place) -> Result<Locks, Error> {
        let folder = place.locks();
        fs::create_dir_all(&folder).doing("create", &folder)?;
        Ok(Locks { folder })
    }

    /// Waits until no other program is starting this cluster.
    pub(crate) fn start(&self) -> Result<File, Error> {
        let (file, path) = self.open("start")?;
        file.lock().doing("lock", &path)?;
        Ok(file)
    }

    /// Takes a share. Waits while the last program's server is being stopped.
    pub(crate) fn share(&self) -> Result<Share, Error> {
        let (users, path) = self.open("users")?;
        let waited = match users.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => {
                users.lock_shared().doing("lock", &path)?;
                true
            }
            Err(TryLockError::Error(cause)) => return Err(cause).doing("lock", &path),
        };
        Ok(Share { users, waited })
    }

    /// The right to stop the server, if nobody has a share. Waits for whoever is stopping it.
    pub(crate) fn nobody_else(&self) -> Result<Option<File>, Error> {
        let (users, path) = self.open("users")?;
        let began = Instant::now();
        let mut shared_since = None;
        while began.elapsed() < ENDING {
            match users.try_lock() {
                Ok(()) => return Ok(Some(users)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(cause).doing("lock", &path),
            }
            // Where a share is to be had, others have one, too, unless the keeper has ended between the two questions.
            if users.try_lock_shared().is_ok() {
                users.unlock().doing("unlock", &path)?;
                if shared_since.get_or_insert_with(Instant::now).elapsed() > STAYING {
                    return Ok(None);
                }
            } else {
                shared_since = None;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(None)
    }

    /// The right to be the keeper, if there is none. `after` waits for one that is just ending.
    pub(crate) fn keeper(&self, after: bool) -> Result<Option<File>, Error> {
        let (keeper, path) = self.open("keeper")?;
        if after {
            keeper.lock().doing("lock", &path)?;
            return Ok(Some(keeper));
        }
        at_once(keeper, &path)
    }

    /// `users`, not locked yet. Opened anew, because a copied descriptor would share our lock.
    pub(crate) fn users(&self) -> Result<File, Error> {
        Ok(self.open("users")?.0)
    }

    fn open(&self, name: &str) -> Result<(File, PathBuf), Error> {
        let path = self.folder.join(name);
        let created = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        // Another account's file can still be locked by whoever may read it.
        let file = created.or_else(|_| File::open(&path)).doing("open", &path)?;
        Ok((file, path))
    }
}

fn at_once(file: File, path: &Path) -> Result<Option<File>, Error> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause).doing("lock", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks_in(folder: &Path) -> Locks {
        Locks { folder: folder.to_path_buf() }
    }

    #[test]
    fn whoever_has_a_share_is_somebody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = locks_in(folder.path());
        let _program = locks.share().expect("a share");

        assert!(locks.nobody_else().expect("an answer").is_none());
    }

    #[test]
    fn a_program_that_is_leaving_and_the_keeper_after_it_are_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = locks_in(folder.path());
        let program = locks.share().expect("a share").users;
        let keeper = locks.users().expect("the keeper's lock");

        let alone = std::thread::scope(|scope| {
            scope.spawn(|| keeper.lock().and_then(|()| hold(&keeper)).expect("the keeper ends"));
            scope.spawn(|| hold(&program).expect("the program leaves"));
            locks.nobody_else().expect("an answer")
        });

        assert!(alone.is_some());
    }

    fn hold(lock: &File) -> std::io::Result<()> {
        std::thread::sleep(STAYING / 10);
        lock.unlock()
    }
}
