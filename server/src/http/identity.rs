//! Who is asking: an API key, a Bearer token, or else the browser's session cookie.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use model::Problem;
use tower_sessions::Session;
use tower_sessions::session::Error as SessionError;

use super::{Client, request_id};
use crate::api_keys::{self, Key};
use crate::auth::{self, SessionKind, sessions};
use crate::{Actor, App, Error};

/// The key under which our session store puts the [`Actor`] into a loaded session.
pub const SESSION_KEY: &str = "actor";

/// The header of an API key.
pub const API_KEY: &str = "x-api-key";

/// Whether the request says itself who is asking. No browser does that on its own, so that another site can not make it.
pub fn has_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(API_KEY)
}

/// The person behind a valid session or API key. As a parameter it means: open to keys of the right scope, which the service asks for.
pub struct Authenticated(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated
where
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let MaybeSignedIn(actor) = MaybeSignedIn::from_request_parts(parts, state).await?;
        actor.map(Self).ok_or(Problem::NotSignedIn.into())
    }
}

/// The person behind a valid session. As a parameter it means: signed in, and open to no API key.
pub struct SignedIn(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Authenticated(actor) = Authenticated::from_request_parts(parts, state).await?;
        auth::require_session(&actor)?;
        Ok(Self(actor))
    }
}

/// The person behind a session or API key, or nobody when the request brings none. One that is broken or has ended is refused, not taken for nobody.
pub struct MaybeSignedIn(pub Option<Actor>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn
where
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let app = App::from_ref(state);
        if let Some(header) = parts.headers.get(API_KEY) {
            return Ok(Self(Some(by_key(&app, header.to_str().unwrap_or_default()).await?.at(&app, parts))));
        }
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = bearer(header).ok_or(Problem::NotSignedIn)?;
            let actor = match Key::is_meant(token) {
                true => by_key(&app, token).await?,
                false => sessions::find(&app, token, SessionKind::Api).await?.ok_or(Problem::NotSignedIn)?.actor,
            };
            return Ok(Self(Some(actor.at(&app, parts))));
        }
        match parts.extensions.get::<Session>() {
            Some(session) => Ok(Self(signed_in_by_cookie(session).await?.map(|actor| actor.at(&app, parts)))),
            None => Ok(Self(None)),
        }
    }
}

async fn by_key(app: &App, key: &str) -> Result<Actor, Error> {
    Ok(api_keys::find(app, key).await?.ok_or(Problem::NotSignedIn)?)
}

impl Actor {
    /// The same person, with the address that this request comes from. From here on the log says who it is.
    pub fn at(self, app: &App, parts: &Parts) -> Self {
        request_id::note_user(self.id());
        Self { ip: Client::of(&app.config.server, parts).ip, ..self }
    }
}

/// The person behind the browser's session; nobody when it has ended or there was none.
pub async fn signed_in_by_cookie(session: &Session) -> Result<Option<Actor>, Error> {
    session.get(SESSION_KEY).await.map_err(|error| match error {
        SessionError::Store(_) => Error::unavailable(),
        other => Error::Broken(other.into()),
    })
}

/// The token of `Authorization: Bearer …`; the scheme is read in any case (RFC 9110, 11.1).
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
