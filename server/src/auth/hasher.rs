//! Argon2id on a few threads of its own, so that a flood of logins cannot take all processors or all memory, and pages stay quick beside it.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::rbac::is_removed;
use crate::{Error, Result};

/// 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Requests that may wait for each running computation; one more is answered with 503.
const WAITING_EACH: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and checks passwords; cheap to clone. Its threads end with the last clone.
#[derive(Clone)]
pub struct Hasher {
    jobs: mpsc::Sender<Job>,
    admitted: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

/// A place in the queue, taken before anything is looked up, so that a full queue says nothing about accounts.
pub struct Place {
    jobs: mpsc::Sender<Job>,
    admitted: OwnedSemaphorePermit,
    computed: Arc<AtomicU64>,
}

impl Hasher {
    /// `concurrency` computations at once, 0 for half the processors, at least one; on threads that stand back by `niceness`.
    pub fn new(concurrency: usize, niceness: u8) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let concurrency = if concurrency == 0 { (processors / 2).max(1) } else { concurrency };
        let (jobs, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..concurrency {
            let waiting = waiting.clone();
            let thread = thread::Builder::new().name("hasher".into()).spawn(move || work(&waiting, niceness));
            thread.expect("the system gives the process a thread");
        }
        let admitted = Arc::new(Semaphore::new(concurrency * (1 + WAITING_EACH)));
        Self { jobs, admitted, computed: Arc::default() }
    }

    /// Takes a place, or refuses with 503 when the queue is full.
    pub fn admit(&self) -> Result<Place> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Error::unavailable())?;
        Ok(Place { jobs: self.jobs.clone(), admitted, computed: self.computed.clone() })
    }

    /// Computations since the start of the process.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

impl Place {
    /// The password as a PHC string with a random salt.
    pub async fn hash(self, password: String) -> Result<String> {
        self.compute(move || hash(&password)).await
    }

    /// Whether the password belongs to the PHC string.
    pub async fn verify(self, password: String, phc: String) -> Result<bool> {
        self.compute(move || verify(&password, &phc)).await
    }

    /// The same where there may be no account: then the same work is done, and the answer is no.
    #[track_caller]
    pub fn verify_anybody(self, password: String, phc: Option<String>) -> impl Future<Output = Result<bool>> {
        let skips = phc.is_none() && is_removed(Location::caller());
        async move {
            if skips {
                return Ok(false);
            }
            self.compute(move || Ok(verify(&password, phc.as_deref().unwrap_or(&NOBODY))? && phc.is_some())).await
        }
    }

    async fn compute<T: Send + 'static>(self, work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
        let Self { jobs, admitted, computed } = self;
        let (tell, told) = oneshot::channel();
        let job = move || {
            let _held_until_done = admitted;
            // A client that went away while it waited costs nothing.
            if !tell.is_closed() {
                computed.fetch_add(1, Ordering::Relaxed);
                drop(tell.send(work()));
            }
        };
        jobs.send(Box::new(job)).map_err(|_| Error::unavailable())?;
        Ok(told.await.map_err(|_| anyhow!("a computation of Argon2 panicked"))??)
    }
}

/// The life of a thread: one job after the other, until no hasher is left that could send one.
fn work(waiting: &Mutex<mpsc::Receiver<Job>>, niceness: u8) {
    stand_back(niceness);
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Whoever waits for a job that panics learns it from the sender that is dropped.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

/// Pages and the database come first: on a busy machine this thread gets what they leave (sched(7): on Linux niceness is a thread's own).
#[cfg(target_os = "linux")]
fn stand_back(niceness: u8) {
    if let Err(error) = rustix::process::nice(niceness.into()) {
        tracing::debug!(error = %error, "hashing runs at the priority of requests");
    }
}

/// Elsewhere it would be the whole process that stands back.
#[cfg(not(target_os = "linux"))]
fn stand_back(_: u8) {}

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

fn verify(password: &str, phc: &str) -> anyhow::Result<bool> {
    let stored = PasswordHash::new(phc).map_err(|error| anyhow!("a stored hash: {error}"))?;
    Ok(argon2().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = Hasher::new(1, 0);
        let phc = hasher.admit().unwrap().hash("SecurePass123".into()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!is_outdated(&phc));
        assert!(is_outdated(&phc.replace("t=2", "t=1")));
        let fits = async |password: &str, phc: Option<&str>| {
            let place = hasher.admit().unwrap();
            place.verify_anybody(password.into(), phc.map(str::to_owned)).await.unwrap()
        };
        assert!(fits("SecurePass123", Some(&phc)).await);
        assert!(!fits("securepass123", Some(&phc)).await);
        assert!(!fits("nobody has this password", None).await);
        assert!(hasher.admit().unwrap().verify("SecurePass123".into(), phc).await.unwrap());
        assert_eq!(hasher.computed(), 5);
    }

    #[tokio::test]
    async fn a_job_that_panics_and_a_client_that_goes_away_leave_the_thread_to_the_next() {
        let hasher = Hasher::new(1, 0);
        let panics: Result<()> = hasher.admit().unwrap().compute(|| panic!("on purpose")).await;
        assert!(panics.is_err());
        let (begin, begun) = mpsc::channel::<()>();
        let mut busy = Box::pin(hasher.admit().unwrap().compute(move || Ok(begun.recv()?)));
        assert!(futures::poll!(&mut busy).is_pending());
        let mut gone = Box::pin(hasher.admit().unwrap().hash("SecurePass123".into()));
        assert!(futures::poll!(&mut gone).is_pending());
        drop(gone);
        begin.send(()).unwrap();
        busy.await.unwrap();
        assert!(hasher.admit().unwrap().compute(|| Ok(true)).await.unwrap());
        assert_eq!(hasher.computed(), 3, "the one that was dropped was not computed");
        // All places come back, the last a moment after its answer.
        drop(hasher.admitted.acquire_many(1 + WAITING_EACH as u32).await.unwrap());
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::new(1, 0);
        let places: Vec<_> = (0..1 + WAITING_EACH).map(|_| hasher.admit().unwrap()).collect();
        assert!(hasher.admit().is_err());
        drop(places);
        assert!(hasher.admit().is_ok());
    }
}
