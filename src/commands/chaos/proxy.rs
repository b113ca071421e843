//! The way from the workers to PostgreSQL: it cuts, delays, swallows, loses answers, and takes conditions out of statements.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use url::Url;

/// How a connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    Pass,
    /// Each direction waits this long before it passes on.
    Delay(Duration),
    /// Nothing gets through, and nobody is told.
    Swallow,
    /// The next statement arrives, its answer does not; then the connection is cut.
    LoseAnswer,
    /// The next COMMIT arrives, its answer does not; then the connection is cut.
    LoseCommit,
    /// The next settlement arrives, its answer does not; then the connection is cut.
    LoseSettlement,
    /// The next settlement arrives this late, also when its sender has given up or died meanwhile.
    HoldSettlement(Duration),
    Cut,
}

/// A condition in a statement, and what stands there instead.
type Rule = (&'static str, &'static str);

#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    database: Url,
    connections: Arc<Mutex<Vec<watch::Sender<Treatment>>>>,
    lost_commits: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens on a free port, and passes on to this database.
    pub async fn start(url: &str, rule: Option<Rule>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let this = Self {
            address: listener.local_addr()?,
            database: Url::parse(url)?,
            connections: Arc::default(),
            lost_commits: Arc::default(),
        };
        let behind: PgConnectOptions = url.parse()?;
        let (connections, lost_commits) = (this.connections.clone(), this.lost_commits.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (sender, treatment) = watch::channel(Treatment::Pass);
                connections.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                let link = Link {
                    treatment,
                    asked: Notify::new(),
                    is_losing: AtomicBool::new(false),
                    lost_commits: lost_commits.clone(),
                };
                tokio::spawn(pass(client, behind.clone(), link, rule));
            }
        });
        Ok(this)
    }

    /// Whether this address wants TLS, within which nothing can be read and changed.
    pub fn is_kept_out(url: &str) -> anyhow::Result<bool> {
        let options: PgConnectOptions = url.parse()?;
        Ok(matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull))
    }

    /// The address of the database through this proxy.
    pub fn url(&self) -> anyhow::Result<String> {
        let mut url = self.database.clone();
        url.set_query(Some("sslmode=disable"));
        url.set_host(Some("127.0.0.1")).context("a host")?;
        url.set_port(Some(self.address.port())).ok().context("a port")?;
        Ok(url.into())
    }

    /// How often a COMMIT was done and its answer did not arrive.
    pub fn lost_commits(&self) -> u64 {
        self.lost_commits.load(Ordering::Relaxed)
    }

    /// Treats some of the open connections this way; the answer is how many.
    pub fn treat(&self, rng: &mut StdRng, count: usize, treatment: Treatment) -> usize {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| !connection.is_closed());
        let chosen = connections.iter().choose_multiple(rng, count);
        for connection in &chosen {
            connection.send_replace(treatment);
        }
        chosen.len()
    }
}

/// What both directions of a connection know.
struct Link {
    treatment: watch::Receiver<Treatment>,
    /// Told when something was asked whose answer is to be lost.
    asked: Notify,
    /// From then on no answer passes.
    is_losing: AtomicBool,
    lost_commits: Arc<AtomicU64>,
}

impl Link {
    fn lose(&self) {
        self.is_losing.store(true, Ordering::Release);
        self.asked.notify_one();
    }
}

async fn pass(client: TcpStream, behind: PgConnectOptions, link: Link, rule: Option<Rule>) {
    let folder =
        behind.get_socket().cloned().or_else(|| behind.get_host().starts_with('/').then(|| behind.get_host().into()));
    let port = behind.get_port();
    match folder.map(|folder| folder.join(format!(".s.PGSQL.{port}"))) {
        Some(socket) => {
            let Ok(server) = UnixStream::connect(socket).await else { return };
            let (from, to) = server.into_split();
            both(client, from, to, &link, rule).await;
        }
        None => {
            let Ok(server) = TcpStream::connect((behind.get_host(), port)).await else { return };
            let (from, to) = server.into_split();
            both(client, from, to, &link, rule).await;
        }
    }
}

/// Until one side closes, or the connection is cut.
async fn both(
    client: TcpStream,
    from_server: impl AsyncRead + Unpin,
    to_server: impl AsyncWrite + Unpin,
    link: &Link,
    rule: Option<Rule>,
) {
    let (from_client, to_client) = client.into_split();
    let replacer = rule.map(Replacer::new);
    tokio::select! {
        () = copy(from_client, to_server, link, Direction::Asking, replacer) => {}
        () = copy(from_server, to_client, link, Direction::Answering, None) => {}
        () = until_cut(link) => {}
    }
}

/// How long a connection waits for the statement whose answer it loses, and for that statement to be done; and how long it swallows.
const ARMED_FOR: Duration = Duration::from_secs(5);
const LOST_FOR: Duration = Duration::from_millis(150);
const SWALLOWS_FOR: Duration = Duration::from_secs(8);
/// The statement as sqlx sends it.
const COMMIT: &[u8] = b"COMMIT\0";

async fn until_cut(link: &Link) {
    let mut treatment = link.treatment.clone();
    loop {
        let now = *treatment.borrow_and_update();
        match now {
            Treatment::Cut => return,
            Treatment::LoseAnswer => {
                drop(tokio::time::timeout(ARMED_FOR, link.asked.notified()).await);
                return tokio::time::sleep(LOST_FOR).await;
            }
            // A connection over which nothing of the kind comes is left alone.
            Treatment::LoseCommit | Treatment::LoseSettlement => tokio::select! {
                () = link.asked.notified() => {
                    link.lost_commits.fetch_add(u64::from(now == Treatment::LoseCommit), Ordering::Relaxed);
                    return tokio::time::sleep(LOST_FOR).await;
                }
                Ok(()) = treatment.changed() => continue,
            },
            Treatment::Swallow => return tokio::time::sleep(SWALLOWS_FOR).await,
            Treatment::Pass | Treatment::Delay(_) | Treatment::HoldSettlement(_) => {}
        }
        if treatment.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Asking,
    Answering,
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
    direction: Direction,
    mut replacer: Option<Replacer>,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut settlements = Settlements::default();
    let mut has_held = false;
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let now = *link.treatment.borrow();
        let settles = matches!(direction, Direction::Asking) && settlements.are_in(&buffer[..read]);
        match (now, direction) {
            (Treatment::Swallow, _) | (Treatment::LoseAnswer, Direction::Answering) => continue,
            (Treatment::LoseCommit | Treatment::LoseSettlement, Direction::Answering)
                if link.is_losing.load(Ordering::Acquire) =>
            {
                continue;
            }
            (Treatment::LoseAnswer, Direction::Asking) => link.asked.notify_one(),
            (Treatment::LoseCommit, Direction::Asking) if find(&buffer[..read], COMMIT).is_some() => link.lose(),
            (Treatment::LoseSettlement, Direction::Asking) if settles => link.lose(),
            (Treatment::Delay(delay), _) => tokio::time::sleep(delay).await,
            _ => {}
        }
        if let Treatment::HoldSettlement(time) = now
            && settles
            && !has_held
        {
            has_held = true;
            tokio::time::sleep(time).await;
        }
        let written = match &mut replacer {
            Some(replacer) => to.write_all(&replacer.replace(&buffer[..read])).await,
            None => to.write_all(&buffer[..read]).await,
        };
        if written.is_err() {
            return;
        }
    }
}

/// Tells when a settlement passes: by the name under which its statement was prepared on this connection.
#[derive(Default)]
struct Settlements {
    /// With the NUL at its end, as each use of it has.
    name: Option<Vec<u8>>,
}

impl Settlements {
    /// The begin of each name that sqlx gives.
    const NAME: &[u8] = b"sqlx_s_";
    /// The begin of the settlement's text.
    const BEGIN: &[u8] = b"-- One round trip for a batch of ended attempts";

    fn are_in(&mut self, asked: &[u8]) -> bool {
        if let Some(begin) = find(asked, Self::BEGIN) {
            let start = asked[..begin].windows(Self::NAME.len()).rposition(|window| window == Self::NAME);
            self.name = start.map(|start| asked[start..begin].to_owned());
            return false;
        }
        self.name.as_ref().is_some_and(|name| find(asked, name).is_some())
    }
}

/// Replaces a text in a stream by one of the same length, so that no length in the protocol changes.
struct Replacer {
    wanted: Vec<u8>,
    instead: Vec<u8>,
    /// The begin of the text, perhaps, at the end of what came last.
    held: Vec<u8>,
}

impl Replacer {
    fn new((wanted, instead): Rule) -> Self {
        Self {
            wanted: wanted.into(),
            instead: format!("{instead:<width$}", width = wanted.len()).into(),
            held: Vec::new(),
        }
    }

    fn replace(&mut self, some: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(some);
        let mut place = 0;
        while let Some(found) = find(&all[place..], &self.wanted) {
            all[place + found..place + found + self.wanted.len()].copy_from_slice(&self.instead);
            place += found + self.wanted.len();
        }
        let longest = self.wanted.len().min(all.len() + 1) - 1;
        let held = (1..=longest).rev().find(|length| all.ends_with(&self.wanted[..*length])).unwrap_or(0);
        self.held = all.split_off(all.len() - held);
        all
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_replaced_also_where_it_comes_in_two_parts() {
        let mut replacer = Replacer::new(("a = b", "true"));
        let mut out = Vec::new();
        for part in ["where a = b and a", " = b or a =", " c"] {
            out.extend(replacer.replace(part.as_bytes()));
        }
        assert_eq!(String::from_utf8(out).unwrap(), "where true  and true  or a = c");
    }

    #[test]
    fn a_settlement_is_known_by_the_name_of_its_statement() {
        let mut settlements = Settlements::default();
        let text = [&b"P\0\0\x1c*sqlx_s_7\0"[..], Settlements::BEGIN].concat();
        assert!(!settlements.are_in(b"B\0\0\0\x20\0sqlx_s_7\0"), "nothing is prepared");
        assert!(!settlements.are_in(&text), "preparing it settles nothing");
        assert!(!settlements.are_in(b"B\0\0\0\x20\0sqlx_s_6\0"));
        assert!(settlements.are_in(b"B\0\0\0\x20\0sqlx_s_7\0"));
    }

    #[test]
    fn what_only_begins_like_it_is_held_until_it_is_known() {
        let mut replacer = Replacer::new(("ab", "x"));
        assert_eq!(replacer.replace(b"1a"), b"1");
        assert_eq!(replacer.replace(b"c"), b"ac");
    }
}
