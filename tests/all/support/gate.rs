//! A way to the database that can be closed and opened, as when PostgreSQL goes away and comes back, and that can lose an answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

pub struct Gate {
    port: u16,
    behind: PgConnectOptions,
    database: String,
    letting_through: Option<JoinHandle<()>>,
    loses: Option<Loss>,
}

/// The commit of a transaction with this statement is done, and its answer is lost with the connection; once.
#[derive(Clone)]
struct Loss {
    statement: &'static str,
    is_done: Arc<AtomicBool>,
}

impl Gate {
    /// A closed gate before this database.
    pub async fn before(database_url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
        let behind = database_url.parse().expect("an address of PostgreSQL");
        Self { port, behind, database: database_url.into(), letting_through: None, loses: None }
    }

    /// The address of the database through this gate.
    pub fn url(&self) -> String {
        let mut url = Url::parse(&self.database).expect("an address");
        url.set_query(Some("sslmode=disable"));
        url.set_host(Some("127.0.0.1")).expect("a host fits");
        url.set_port(Some(self.port)).expect("a port fits");
        url.into()
    }

    /// From the next opening on.
    pub fn lose_the_commit_of(&mut self, statement: &'static str) {
        self.loses = Some(Loss { statement, is_done: Arc::default() });
    }

    pub fn has_lost_it(&self) -> bool {
        self.loses.as_ref().is_some_and(|loss| loss.is_done.load(Ordering::Acquire))
    }

    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is free");
        let (behind, loses) = (self.behind.clone(), self.loses.clone());
        self.letting_through = Some(tokio::spawn(async move {
            // Dropped with this task, and with it every connection.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, behind.clone(), loses.clone()));
            }
        }));
    }

    /// Cuts every connection and takes no new one.
    pub async fn close(&mut self) {
        let Some(open) = self.letting_through.take() else { return };
        open.abort();
        drop(open.await);
    }
}

async fn pass(client: TcpStream, behind: PgConnectOptions, loses: Option<Loss>) {
    let port = behind.get_port();
    let folder =
        behind.get_socket().cloned().or_else(|| behind.get_host().starts_with('/').then(|| behind.get_host().into()));
    match folder.map(|folder: PathBuf| folder.join(format!(".s.PGSQL.{port}"))) {
        Some(socket) => {
            let server = UnixStream::connect(socket).await.expect("PostgreSQL answers");
            drop(talk(client, server, loses).await);
        }
        None => {
            let server = TcpStream::connect((behind.get_host(), port)).await.expect("PostgreSQL answers");
            drop(talk(client, server, loses).await);
        }
    }
}

/// Passes on what both say, until one of them ends or the answer is lost.
async fn talk(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    loses: Option<Loss>,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut is_said = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let said = &asked[..read?];
                if said.is_empty() {
                    return Ok(());
                }
                server.write_all(said).await?;
                let Some(loss) = &loses else { continue };
                is_said |= holds(said, loss.statement);
                if is_said && holds(said, "COMMIT\0") && !loss.is_done.swap(true, Ordering::AcqRel) {
                    // The answer has begun, so it is done.
                    server.read_u8().await?;
                    return Ok(());
                }
            }
            read = server.read(&mut answered) => match read? {
                0 => return Ok(()),
                read => client.write_all(&answered[..read]).await?,
            },
        }
    }
}

fn holds(said: &[u8], text: &str) -> bool {
    said.windows(text.len()).any(|window| window == text.as_bytes())
}
