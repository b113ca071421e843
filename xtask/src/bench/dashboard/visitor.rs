//! Somebody with a browser who is signed in.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bench::login::http::{Answer, Connection, Request};

/// A name and a password.
pub type Account = (&'static str, &'static str);

/// One connection and the cookie of a session.
pub struct Visitor {
    connection: Connection,
    cookie: String,
}

/// Makes the account of a plain user.
pub fn register(address: &str, (name, password): Account) -> Result<()> {
    let new = json!({"username": name, "email": format!("{name}@example.com"), "password": password});
    let answer = Connection::to(address).send(&Request::json("/api/v1/auth/register", None, &new))?;
    ensure!(answer.status == 200, "no account, but {}: {}", answer.status, answer.body);
    Ok(())
}

impl Visitor {
    pub fn log_in(address: &str, (name, password): Account) -> Result<Self> {
        let form = format!("new[username]={name}&new[password]={}", password.replace(' ', "+"));
        let origin = format!("http://{address}");
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html"), ("Origin", &origin)];
        let answer = Connection::to(address).send(&Request::new("POST /api/auth/log_in", &headers, form))?;
        let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        let session =
            cookies.filter_map(|(_, set)| set.split(';').next()).find(|cookie| cookie.starts_with("session="));
        let cookie = session.with_context(|| format!("no session in the answer {}", answer.status))?.to_owned();
        Ok(Self { connection: Connection::to(address), cookie })
    }

    /// Asks for a page as HTML.
    pub fn open(&mut self, path: &str) -> Result<Answer> {
        let headers = [("Accept", "text/html"), ("Cookie", &*self.cookie)];
        self.connection.send(&Request::new(&format!("GET {path}"), &headers, String::new()))
    }

    /// So many characters of a page, from behind the first `mark` on.
    pub fn find(&mut self, path: &str, mark: &str, length: usize) -> Result<String> {
        let page = self.open(path)?.body;
        let found = page.split_once(mark).and_then(|(_, rest)| rest.get(..length));
        found.map(str::to_owned).with_context(|| format!("{path} does not hold {mark}"))
    }
}
