//! A way to the database that can be closed and opened, as when PostgreSQL goes away and comes back.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

pub struct Gate {
    port: u16,
    behind: PgConnectOptions,
    database: String,
    letting_through: Option<JoinHandle<()>>,
}

impl Gate {
    /// A closed gate before this database.
    pub async fn before(database_url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
        let behind = database_url.parse().expect("an address of PostgreSQL");
        Self { port, behind, database: database_url.into(), letting_through: None }
    }

    /// The address of the database through this gate.
    pub fn url(&self) -> String {
        let mut url = Url::parse(&self.database).expect("an address");
        url.set_query(Some("sslmode=disable"));
        url.set_host(Some("127.0.0.1")).expect("a host fits");
        url.set_port(Some(self.port)).expect("a port fits");
        url.into()
    }

    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is free");
        let behind = self.behind.clone();
        self.letting_through = Some(tokio::spawn(async move {
            // Dropped with this task, and with it every connection.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, behind.clone()));
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

async fn pass(mut client: TcpStream, behind: PgConnectOptions) {
    let port = behind.get_port();
    let folder =
        behind.get_socket().cloned().or_else(|| behind.get_host().starts_with('/').then(|| behind.get_host().into()));
    match folder.map(|folder: PathBuf| folder.join(format!(".s.PGSQL.{port}"))) {
        Some(socket) => {
            let mut server = UnixStream::connect(socket).await.expect("PostgreSQL answers");
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
        None => {
            let mut server = TcpStream::connect((behind.get_host(), port)).await.expect("PostgreSQL answers");
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
    }
}
