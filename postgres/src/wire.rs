//! Just enough of PostgreSQL's protocol to ask "do you take connections?" and to create a database.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The role that owns everything in an embedded cluster.
pub(crate) const SUPERUSER: &str = "postgres";
/// The file a server on the default port listens on, inside its socket folder.
pub(crate) const SOCKET: &str = ".s.PGSQL.5432";
/// The database that every cluster has.
pub(crate) const MAINTENANCE: &str = "postgres";

const PROTOCOL_3_0: u32 = 196_608;
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer to us is longer; more means that something else listens there.
const LONGEST_MESSAGE: usize = 1 << 20;

/// The server's "no".
#[derive(Debug)]
pub(crate) struct Refusal {
    pub code: String,
    pub message: String,
}

/// A connection that is ready for a statement.
pub(crate) struct Session(UnixStream);

/// Connects to `database`. The outer error: nobody there; the inner: somebody said no.
pub(crate) fn connect(socket_dir: &Path, database: &str) -> io::Result<Result<Session, Refusal>> {
    let mut stream = UnixStream::connect(socket_dir.join(SOCKET))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;

    let mut body = PROTOCOL_3_0.to_be_bytes().to_vec();
    for text in ["user", SUPERUSER, "database", database, ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    stream.write_all(&(body.len() as u32 + 4).to_be_bytes())?;
    stream.write_all(&body)?;
    Ok(until_ready(&mut stream)?.map(|()| Session(stream)))
}

impl Session {
    /// Runs one statement whose rows do not matter.
    pub(crate) fn run(&mut self, sql: &str) -> io::Result<Result<(), Refusal>> {
        self.0.write_all(b"Q")?;
        self.0.write_all(&(sql.len() as u32 + 5).to_be_bytes())?;
        self.0.write_all(sql.as_bytes())?;
        self.0.write_all(&[0])?;
        until_ready(&mut self.0)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Without the goodbye the server's log complains. When it cannot be said, nobody is there to complain.
        let _ = self.0.write_all(&[b'X', 0, 0, 0, 4]);
    }
}

/// Reads up to "ready for query" or to the refusal.
fn until_ready(stream: &mut UnixStream) -> io::Result<Result<(), Refusal>> {
    let mut refused = None;
    loop {
        let mut head = [0; 5];
        match stream.read_exact(&mut head) {
            // A refused connection is closed after its reason was given.
            Err(_) if refused.is_some() => break,
            other => other?,
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if !(4..LONGEST_MESSAGE).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body)?;
        match head[0] {
            b'E' => refused = Some(refusal(&body)),
            b'R' if body != [0; 4] => {
                refused = Some(Refusal { code: String::new(), message: "the server asks for a password".into() });
                break;
            }
            b'Z' => break,
            _ => {}
        }
    }
    Ok(refused.map_or(Ok(()), Err))
}

fn refusal(body: &[u8]) -> Refusal {
    let field = |wanted: u8| {
        let text = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&wanted));
        text.map(|field| String::from_utf8_lossy(&field[1..]).into_owned()).unwrap_or_default()
    };
    Refusal { code: field(b'C'), message: field(b'M') }
}
