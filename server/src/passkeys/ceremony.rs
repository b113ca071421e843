//! What is asked of an authenticator and what it answers, by webauthn-rs (Web Authentication level 3).

use model::Problem;
use model::auth::AuthUser;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::{App, Error, Result};

/// A passkey that a browser has answered with, not yet checked.
pub struct Given {
    pub user_id: Uuid,
    pub credential_id: Vec<u8>,
    credential: PublicKeyCredential,
}

/// The options for a new passkey, and what is needed to check the answer.
pub fn ask_for_new(app: &App, user: &AuthUser, known: Vec<Passkey>) -> Result<(Value, Value)> {
    let known: Vec<CredentialID> = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
    let asked = webauthn(app)?
        .start_passkey_registration(user.id, &user.username, &user.username, Some(known))
        .map_err(broken)?;
    let (mut options, state) = asked;
    // Logging in names nobody, so the authenticator itself has to know whose the passkey is.
    let selection = options.public_key.authenticator_selection.get_or_insert_default();
    selection.resident_key = Some(ResidentKeyRequirement::Required);
    selection.require_resident_key = true;
    Ok((as_json(&options.public_key)?, as_json(&state)?))
}

/// The passkey that was made in answer to [`ask_for_new`].
pub fn made(app: &App, credential: &str, state: Value) -> Result<Passkey> {
    let state: PasskeyRegistration = from_json(state)?;
    let credential: RegisterPublicKeyCredential = read(credential)?;
    let made = webauthn(app)?.finish_passkey_registration(&credential, &state);
    made.map_err(|error| {
        tracing::info!(error = %error, "a new passkey was refused");
        Problem::Unreadable { message: "This passkey could not be checked; please try again".into() }.into()
    })
}

/// The options for any passkey of this program, and what is needed to check the answer.
pub fn ask_for_any(app: &App) -> Result<(Value, Value)> {
    let (options, state) = webauthn(app)?.start_discoverable_authentication().map_err(broken)?;
    Ok((as_json(&options.public_key)?, as_json(&state)?))
}

/// Whose passkey the browser says it is.
pub fn given(app: &App, credential: &str) -> Result<Given> {
    let credential: PublicKeyCredential = read(credential)?;
    let identified = webauthn(app)?.identify_discoverable_authentication(&credential);
    let (user_id, id) = identified.map_err(|_| Problem::UnknownPasskey)?;
    let credential_id = id.to_vec();
    Ok(Given { user_id, credential_id, credential })
}

/// Checks the signature; the answer is the passkey with its counter of now.
pub fn check(app: &App, given: &Given, state: Value, mut known: Passkey) -> Result<Passkey> {
    let state: DiscoverableAuthentication = from_json(state)?;
    let checked =
        webauthn(app)?.finish_discoverable_authentication_v2(&given.credential, state, DiscoverableKey::from(&known));
    let used = checked.map_err(|error| {
        tracing::info!(error = %error, "a passkey was refused");
        Problem::UnknownPasskey
    })?;
    known.update_credential(&used);
    Ok(known)
}

/// The relying party: the host of the public address. A loopback address has a name that browsers take in its place.
fn webauthn(app: &App) -> Result<Webauthn> {
    let mut origin: Url = app.config.server.public_url.parse().map_err(anyhow::Error::from)?;
    let host = origin.host_str().unwrap_or_default().to_owned();
    if matches!(host.as_str(), "127.0.0.1" | "[::1]") {
        origin.set_host(Some("localhost")).map_err(anyhow::Error::from)?;
    }
    let Some(name) = origin.domain() else {
        let message = "Passkeys need an address with a name; this one is only a number".into();
        return Err(Problem::Conflict { message }.into());
    };
    let name = name.to_owned();
    WebauthnBuilder::new(&name, &origin).and_then(|builder| builder.rp_name("starter").build()).map_err(broken)
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Broken(error.into())
}

fn as_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(broken)
}

fn from_json<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(broken)
}

fn read<T: DeserializeOwned>(credential: &str) -> Result<T, Problem> {
    let refused = |_| Problem::Unreadable { message: "The answer of the browser could not be read".into() };
    serde_json::from_str(credential).map_err(refused)
}
