//! Settings of kinds of task that reach out of the program.

use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{masked, parts};

/// Requests to servers elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Signs every request: `whsec_` and 24 to 64 bytes in base64. Without one they are not signed.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
    /// Seconds that a request may take, its answer included.
    pub timeout_seconds: u32,
    #[serde(deserialize_with = "ports")]
    pub allowed_ports: Vec<u16>,
    /// Networks that may be asked although not everybody can reach them.
    #[serde(deserialize_with = "networks")]
    pub allowed_networks: Vec<IpNet>,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self { secret: None, timeout_seconds: 30, allowed_ports: vec![80, 443], allowed_networks: Vec::new() }
    }
}

/// Files of the server that tasks may touch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// The folder below which the kind `file_cleanup` deletes; without one it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup_root: Option<PathBuf>,
}

/// The files that reports are.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportsConfig {
    /// Days that the file can be fetched.
    pub keep_days: u32,
}

impl Default for ReportsConfig {
    fn default() -> Self {
        Self { keep_days: 7 }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let networks: Result<Vec<_>, _> = parts(deserializer)?.into_iter().map(|part| part.parse()).collect();
    networks.map_err(|_| D::Error::custom("webhook.allowed_networks must be networks such as 10.0.0.0/8"))
}

/// A list, or numbers in one text with commas between, as the environment has it.
fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<u16>),
        Text(String),
    }
    match Given::deserialize(deserializer) {
        Ok(Given::List(ports)) => Ok(ports),
        Ok(Given::Text(text)) => {
            text.split(',').map(|port| port.trim().parse()).collect::<Result<_, _>>().map_err(wrong)
        }
        Err(error) => Err(wrong(error)),
    }
}

fn wrong<E: serde::de::Error, T>(_: T) -> E {
    E::custom("webhook.allowed_ports must be numbers such as 80, 443")
}
