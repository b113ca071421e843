//! Secrets as they stand in the database: XChaCha20-Poly1305 with a random nonce, bound to the account that they are of.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use model::Problem;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::config::{AuthConfig, Environment};
use crate::{App, Config, Error, Result};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// The key of a development machine, beside the data of its database.
const KEY_FILE: &str = "encryption.key";

/// Whether the keys of the configuration are such.
///
/// # Errors
/// In words without the key.
pub fn check(auth: &AuthConfig) -> anyhow::Result<()> {
    auth.encryption_key.iter().try_for_each(|key| read(key, "auth.encryption_key").map(drop))?;
    auth.former_encryption_keys.iter().try_for_each(|key| read(key, "auth.former_encryption_keys").map(drop))
}

fn read(key: &SecretString, setting: &str) -> anyhow::Result<[u8; KEY_BYTES]> {
    let bytes = STANDARD.decode(key.expose_secret().trim()).unwrap_or_default();
    bytes.try_into().map_err(|_| anyhow!("{setting} must be {KEY_BYTES} bytes in base64"))
}

/// What is wrong for want of a key, and what to do about it.
pub fn complaint(config: &Config) -> Option<&'static str> {
    let words = "There is no auth.encryption_key, so nobody can switch two-factor on. Set it to the output of `openssl rand -base64 32`";
    (!is_available(config)).then_some(words)
}

/// Whether there is a key, or one is made when it is needed.
fn is_available(config: &Config) -> bool {
    config.auth.encryption_key.is_some() || config.environment == Environment::Development
}

/// Nonce and ciphertext, by today's key.
///
/// # Errors
/// A conflict when there is none.
pub fn seal(app: &App, user_id: Uuid, secret: &[u8]) -> Result<Vec<u8>> {
    let key = current(&app.config)?.ok_or_else(|| Problem::Conflict {
        message: "Two-factor is not available: this server has no encryption key".into(),
    })?;
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let payload = Payload { msg: secret, aad: user_id.as_bytes() };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| Error::Broken(anyhow!("a secret could not be encrypted")))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// The secret of this account.
///
/// # Errors
/// A fault when it was encrypted with a key that is not configured, or for another account.
pub fn open(app: &App, user_id: Uuid, stored: &[u8]) -> Result<Vec<u8>> {
    match standing(app, user_id, stored)? {
        Standing::Current(secret) | Standing::Former(secret) => Ok(secret),
        Standing::Lost => {
            let words = "a secret does not open: was auth.encryption_key changed, and the one before it not kept in auth.former_encryption_keys?";
            Err(Error::Broken(anyhow!(words)))
        }
    }
}

/// Which key a secret is under, and the secret.
pub enum Standing {
    Current(Vec<u8>),
    Former(Vec<u8>),
    /// Under none that is configured.
    Lost,
}

/// Tries the keys in turn: a ciphertext opens with its own only, so nothing beside it has to say which one that is.
pub fn standing(app: &App, user_id: Uuid, stored: &[u8]) -> Result<Standing> {
    let Some((nonce, sealed)) = stored.split_first_chunk::<NONCE_BYTES>() else { return Ok(Standing::Lost) };
    let opened_by = |key| {
        let payload = Payload { msg: sealed, aad: user_id.as_bytes() };
        cipher(key).decrypt(&XNonce::from(*nonce), payload).ok()
    };
    if let Some(secret) = current(&app.config)?.and_then(opened_by) {
        return Ok(Standing::Current(secret));
    }
    for key in &app.config.auth.former_encryption_keys {
        if let Some(secret) = opened_by(read(key, "auth.former_encryption_keys")?) {
            return Ok(Standing::Former(secret));
        }
    }
    Ok(Standing::Lost)
}

fn cipher(key: [u8; KEY_BYTES]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(key))
}

/// Today's key, if there is one.
fn current(config: &Config) -> anyhow::Result<Option<[u8; KEY_BYTES]>> {
    match &config.auth.encryption_key {
        Some(key) => read(key, "auth.encryption_key").map(Some),
        None if is_available(config) => key_of_this_machine(&key_file(config)).map(Some),
        None => Ok(None),
    }
}

fn key_file(config: &Config) -> PathBuf {
    config.database.data_dir.parent().unwrap_or(Path::new(".")).join(KEY_FILE)
}

/// Made once, readable by its owner only.
fn key_of_this_machine(file: &Path) -> anyhow::Result<[u8; KEY_BYTES]> {
    if !file.exists() {
        make(file).with_context(|| format!("{} could not be written", file.display()))?;
    }
    let text = fs::read_to_string(file).with_context(|| format!("{} could not be read", file.display()))?;
    ensure!(!text.is_empty(), "{} is empty", file.display());
    read(&text.into(), &file.display().to_string())
}

/// Under another name first: a process that comes at the same moment must see a whole key, and both the same one.
fn make(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(Uuid::now_v7().to_string());
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    written.write_all(STANDARD.encode(rand::random::<[u8; KEY_BYTES]>()).as_bytes())?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_one_key_that_only_its_owner_reads() {
        let folder = std::env::temp_dir().join(format!("starter-key-{}", Uuid::now_v7()));
        let file = folder.join(KEY_FILE);
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| key_of_this_machine(&file).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "all see the same");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!((mode & 0o777, fs::read_dir(&folder).unwrap().count()), (0o600, 1));
        fs::remove_dir_all(folder).unwrap();
    }
}
