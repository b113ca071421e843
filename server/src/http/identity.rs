//! Who is asking: a Bearer token, or else the browser's session cookie.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use model::Problem;
use tower_sessions::Session;
use tower_sessions::session::Error as SessionError;

use crate::auth::{SessionKind, sessions};
use crate::{Actor, App, Error};

/// The key under which our session store puts the [`Actor`] into a loaded session.
pub const SESSION_KEY: &str = "actor";

/// The person behind a valid session. As a parameter it means: signed in.
pub struct SignedIn(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let MaybeSignedIn(actor) = MaybeSignedIn::from_request_parts(parts, state).await?;
        actor.map(Self).ok_or(Problem::NotSignedIn.into())
    }
}

/// The person behind a session, or nobody when the request brings none. A broken or ended one is refused, not taken for nobody.
pub struct MaybeSignedIn(pub Option<Actor>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn
where
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let app = App::from_ref(state);
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = bearer(header).ok_or(Problem::NotSignedIn)?;
            let found = sessions::find(&app, token, SessionKind::Api).await?;
            return found.map(|session| Self(Some(session.actor))).ok_or(Problem::NotSignedIn.into());
        }
        match parts.extensions.get::<Session>() {
            Some(session) => Ok(Self(signed_in_by_cookie(session).await?)),
            None => Ok(Self(None)),
        }
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

/// The `User-Agent` header, at most 200 characters of it.
pub fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(200).collect())
}
