//! Argon2id in a bounded pool, so that a flood of logins cannot take all processors or all memory.

use std::sync::{Arc, LazyLock};

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result};

/// 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Requests that may wait for each running computation; one more is answered with 503.
const WAITING_EACH: usize = 16;

/// Hashes and checks passwords; cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

/// A place in the queue, taken before anything is looked up, so that a full queue says nothing about accounts.
pub struct Place {
    running: Arc<Semaphore>,
    _admitted: OwnedSemaphorePermit,
}

impl Hasher {
    /// `concurrency` computations at once; 0 means half the processors, at least one.
    pub fn new(concurrency: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let concurrency = if concurrency == 0 { (processors / 2).max(1) } else { concurrency };
        Self {
            running: Arc::new(Semaphore::new(concurrency)),
            admitted: Arc::new(Semaphore::new(concurrency * (1 + WAITING_EACH))),
        }
    }

    /// Takes a place, or refuses with 503 when the queue is full.
    pub fn admit(&self) -> Result<Place> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Error::unavailable())?;
        Ok(Place { running: self.running.clone(), _admitted: admitted })
    }
}

impl Place {
    /// The password as a PHC string with a random salt.
    pub async fn hash(self, password: String) -> Result<String> {
        self.compute(move || hash(&password)).await
    }

    /// Whether the password belongs to the PHC string; without one the same work is done and the answer is no.
    pub async fn verify(self, password: String, phc: Option<String>) -> Result<bool> {
        self.compute(move || {
            let stored = PasswordHash::new(phc.as_deref().unwrap_or(&NOBODY))
                .map_err(|error| anyhow!("a stored hash: {error}"))?;
            let fits = argon2().verify_password(password.as_bytes(), &stored).is_ok();
            Ok(fits && phc.is_some())
        })
        .await
    }

    async fn compute<T: Send + 'static>(self, work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
        let permit = self.running.clone().acquire_owned().await.map_err(|_| Error::unavailable())?;
        let done = tokio::task::spawn_blocking(move || {
            let _held_until_done = permit;
            work()
        });
        Ok(done.await.map_err(anyhow::Error::from)??)
    }
}

/// Whether the PHC string was made with other settings than today's.
pub fn is_outdated(phc: &str) -> bool {
    let params = PasswordHash::new(phc).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.is_none_or(|params| (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES))
}

/// The hash that unknown users are checked against.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash("nobody has this password").expect("Argon2 with constant settings does not fail"));

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constant settings within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> anyhow::Result<String> {
    let phc = argon2().hash_password(password.as_bytes()).map_err(|error| anyhow!("Argon2: {error}"))?;
    Ok(phc.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = Hasher::new(1);
        let phc = hasher.admit().unwrap().hash("SecurePass123".into()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!is_outdated(&phc));
        assert!(is_outdated(&phc.replace("t=2", "t=1")));
        assert!(hasher.admit().unwrap().verify("SecurePass123".into(), Some(phc.clone())).await.unwrap());
        assert!(!hasher.admit().unwrap().verify("securepass123".into(), Some(phc)).await.unwrap());
        assert!(!hasher.admit().unwrap().verify("nobody has this password".into(), None).await.unwrap());
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::new(1);
        let places: Vec<_> = (0..1 + WAITING_EACH).map(|_| hasher.admit().unwrap()).collect();
        assert!(hasher.admit().is_err());
        drop(places);
        assert!(hasher.admit().is_ok());
    }
}
