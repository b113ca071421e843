//! The request itself. No proxy, no redirect, no connection to an address that the rules do not permit.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use model::tasks::Webhook;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response};
use ring::hmac;
use uuid::Uuid;

use super::address::{Refused, Rules};
use super::signature;
use crate::config::WebhookConfig;

/// Bytes of an answer that are kept.
pub const KEPT_BYTES: usize = 64 * 1024;
/// The longest that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers of an answer that are kept.
const KEPT_HEADERS: [&str; 7] =
    ["content-type", "content-length", "date", "location", "retry-after", "server", "x-request-id"];

const UNSENDABLE: &str = "The request cannot be put together";

/// How names become addresses.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The way out for webhooks; cheap to clone.
#[derive(Clone)]
pub struct Client {
    rules: Arc<Rules>,
    key: Option<hmac::Key>,
    timeout: Duration,
    lookup: Lookup,
    http: Arc<OnceLock<Option<reqwest::Client>>>,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The first 64 KiB, as text.
    pub body: String,
    pub is_cut: bool,
    pub took: Duration,
}

/// Why there was no answer, in our own words, and what the library said.
#[derive(Debug)]
pub enum Failure {
    /// It must not be asked.
    Refused(Refused),
    /// It could not be asked, or did not answer in time.
    Unreachable(&'static str, Option<reqwest::Error>),
    /// The request cannot be put together.
    Unsendable(&'static str, Option<reqwest::Error>),
}

impl Client {
    /// By the settings; names are looked up as the system does it.
    pub fn new(config: &WebhookConfig) -> Self {
        let lookup: Lookup =
            Arc::new(|host| Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) }));
        Self::with_lookup(config, lookup)
    }

    /// The same, with names looked up in another way.
    pub fn with_lookup(config: &WebhookConfig, lookup: Lookup) -> Self {
        // Whoever has installed one before has chosen; there is one a process.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            rules: Arc::new(Rules::of(config)),
            // Judged when the settings were read.
            key: config.secret.as_ref().and_then(|secret| signature::key_of(secret).ok()),
            timeout: Duration::from_secs(config.timeout_seconds.into()),
            lookup,
            http: Arc::default(),
        }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Makes the request, and reads what is kept of the answer. The same `id` is the same message to a receiver that knows it already.
    pub async fn send(&self, id: Uuid, hook: &Webhook) -> Result<Answer, Failure> {
        let began = Instant::now();
        let request = self.request(id, hook)?;
        let mut response = request.send().await.map_err(failure)?;
        let (body, is_cut) = start_of(&mut response).await.map_err(failure)?;
        let kept = |name: &&str| Some(((*name).to_owned(), text_of(response.headers(), name)?));
        Ok(Answer {
            status: response.status().as_u16(),
            headers: KEPT_HEADERS.iter().filter_map(kept).collect(),
            retry_after: text_of(response.headers(), RETRY_AFTER.as_str())
                .and_then(|text| retry_after(&text, Utc::now())),
            body,
            is_cut,
            took: began.elapsed(),
        })
    }

    fn request(&self, id: Uuid, hook: &Webhook) -> Result<RequestBuilder, Failure> {
        let url = self.rules.read(&hook.url).map_err(Failure::Refused)?;
        let http = self.http.get_or_init(|| self.built()).as_ref();
        let http = http.ok_or(Failure::Unreachable("The HTTP client cannot be made; the log says why", None))?;
        let method = Method::from_bytes(hook.method.name().as_bytes());
        let method = method.map_err(|_| Failure::Unsendable("The method is none", None))?;
        let body = hook.payload.as_ref().map(serde_json::to_vec).transpose();
        let body = body.map_err(|_| Failure::Unsendable(UNSENDABLE, None))?;

        let (id, timestamp) = (id.to_string(), Utc::now().timestamp());
        let mut request = http.request(method, url);
        let names_a_type = hook.headers.keys().any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        if body.is_some() && !names_a_type {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &hook.headers {
            request = request.header(name, value);
        }
        request = request.header("webhook-id", &id).header("webhook-timestamp", timestamp);
        let body = body.unwrap_or_default();
        if let Some(key) = &self.key {
            request = request.header("webhook-signature", signature::sign(key, &id, timestamp, &body));
        }
        Ok(if body.is_empty() { request } else { request.body(body) })
    }

    fn built(&self) -> Option<reqwest::Client> {
        let resolver = Guarded { rules: self.rules.clone(), lookup: self.lookup.clone() };
        let built = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(resolver)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.timeout)
            .pool_max_idle_per_host(2)
            .user_agent(concat!("starter-webhook/", env!("CARGO_PKG_VERSION")))
            .build();
        built.inspect_err(|error| tracing::error!(error = ?error, "the client of webhooks cannot be made")).ok()
    }
}

/// Looks names up, and gives only addresses that may be dialled. The client dials what it gives, so a name that answers differently the
/// next time (DNS rebinding) is judged anew.
struct Guarded {
    rules: Arc<Rules>,
    lookup: Lookup,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, found) = (self.rules.clone(), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let mut found = found.await?;
            let any = !found.is_empty();
            found.retain(|address| rules.permits(address.ip()));
            if any && found.is_empty() {
                return Err(Refused::Address.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Reads up to [`KEPT_BYTES`]; the answer says whether there was more, which is not read.
async fn start_of(response: &mut Response) -> reqwest::Result<(String, bool)> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > KEPT_BYTES {
            break;
        }
    }
    let is_cut = bytes.len() > KEPT_BYTES;
    bytes.truncate(KEPT_BYTES);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), is_cut))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

/// Without the address, which may hold a secret.
fn failure(error: reqwest::Error) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(one) = cause {
        if let Some(refused) = one.downcast_ref::<Refused>() {
            return Failure::Refused(*refused);
        }
        cause = one.source();
    }
    let error = error.without_url();
    if error.is_builder() {
        return Failure::Unsendable(UNSENDABLE, Some(error));
    }
    let words = match &error {
        error if error.is_timeout() => "The server did not answer in time",
        error if error.is_connect() => "The server cannot be reached",
        _ => "The connection broke before the answer was there",
    };
    Failure::Unreachable(words, Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_a_pause_in_seconds_or_by_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-25T12:00:00Z").unwrap().to_utc();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 25 Nov 2026 12:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 25 Nov 2026 11:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
