use crate::error::{Doing, Error};
use crate::place::Place;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

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
        loop {
            match users.try_lock() {
                Ok(()) => return Ok(Some(users)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(cause).doing("lock", &path),
            }
            // Where a share is to be had at once, others have one, too.
            if users.try_lock_shared().is_ok() {
                return Ok(None);
            }
            users.lock_shared().doing("lock", &path)?;
        }
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
