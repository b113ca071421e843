//! tower-sessions on our `sessions` table: the browser's door.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult, SessionStore};
use tower_sessions::{Expiry, Session};
use uuid::Uuid;

use super::SessionKind;
use super::sessions;
use crate::http::{Client, SESSION_KEY};
use crate::{Actor, App, Error, Result};

/// The key under which a login stands in a session that is not yet stored.
const LOGIN_KEY: &str = "login";

/// The key under which the token of a stored session stands in one that takes its place in the browser.
const ADOPTED_KEY: &str = "adopted";

/// What becomes a row when the session is created.
#[derive(Serialize, Deserialize)]
struct Login {
    user_id: Uuid,
    #[serde(default)]
    is_remembered: bool,
    #[serde(flatten)]
    client: Client,
}

/// Starts a browser session for the user under a new token; the one that the browser brought is ended. Unless it is
/// remembered, the cookie goes when the browser is closed.
pub async fn start(session: &Session, user_id: Uuid, client: Client, is_remembered: bool) -> Result<()> {
    let broken = |error: tower_sessions::session::Error| Error::Broken(error.into());
    if session.id().is_some() {
        session.flush().await.map_err(broken)?;
    }
    if !is_remembered {
        session.set_expiry(Some(Expiry::OnSessionEnd));
    }
    session.insert(LOGIN_KEY, Login { user_id, is_remembered, client }).await.map_err(broken)?;
    session.save().await.map_err(broken)
}

/// Lets the browser go on with a session that is stored already, until it is closed; the one that it brought is ended.
pub async fn adopt(session: &Session, token: &str) -> Result<()> {
    let broken = |error: tower_sessions::session::Error| Error::Broken(error.into());
    if session.id().is_some() {
        session.flush().await.map_err(broken)?;
    }
    session.set_expiry(Some(Expiry::OnSessionEnd));
    session.insert(ADOPTED_KEY, token).await.map_err(broken)?;
    session.save().await.map_err(broken)
}

/// Our session store.
#[derive(Clone)]
pub struct Store(pub App);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        if let Some(token) = record.data.get(ADOPTED_KEY).and_then(|token| token.as_str()) {
            record.id = token.parse().map_err(failed)?;
            return Ok(());
        }
        let login = record.data.get(LOGIN_KEY).cloned().ok_or_else(|| failed("only a login starts a session"))?;
        let login: Login = serde_json::from_value(login).map_err(failed)?;
        record.id = sessions::new_token();
        let mut conn = self.0.db.acquire().await.map_err(failed)?;
        let token = record.id.to_string();
        let Login { user_id, client, is_remembered } = login;
        sessions::insert(&mut conn, &self.0, user_id, SessionKind::Browser, &token, &client, is_remembered)
            .await
            .map(drop)
            .map_err(|error| failed(format!("{error:?}")))
    }

    /// Nothing of a session changes after its creation, and a slow request must not bring back one that a logout deleted.
    async fn save(&self, _: &Record) -> StoreResult<()> {
        Ok(())
    }

    /// A session that is not there, or not any more, is one of nobody. Were it none, the answer would take the browser's cookie away: to a request
    /// that was under way while somebody logged in, that is the cookie of the new session.
    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let found = sessions::find(&self.0, &id.to_string(), SessionKind::Browser).await;
        let Some(found) = found.map_err(|error| failed(format!("{error:?}")))? else {
            return Ok(Some(Record { id: *id, data: HashMap::new(), expiry_date: OffsetDateTime::now_utc() }));
        };
        let expiry_date = OffsetDateTime::from_unix_timestamp(found.expires_at.timestamp()).map_err(failed)?;
        let actor = serde_json::to_value::<Actor>(found.actor).map_err(failed)?;
        Ok(Some(Record { id: *id, data: [(SESSION_KEY.to_owned(), actor)].into(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        sessions::delete_by_token(&self.0, &id.to_string()).await.map_err(|error| failed(format!("{error:?}")))
    }
}

fn failed(error: impl ToString) -> StoreError {
    StoreError::Backend(error.to_string())
}
