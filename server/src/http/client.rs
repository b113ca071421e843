//! Where a request comes from: the peer, or whom a trusted proxy speaks for.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{COOKIE, FORWARDED, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::Cookie;

use crate::App;
use crate::auth::devices;
use crate::config::{ProxyHeader, ServerConfig};

/// Most characters of a `User-Agent` that are kept.
const USER_AGENT_MAX: usize = 200;

/// The other end of the connection, as the listener puts it into each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What sends a request: its address, and what it says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// None where a request came by no network, as in tests of a router.
    pub ip: Option<IpAddr>,
    /// At most 200 characters.
    pub user_agent: Option<String>,
    /// The token by which a browser is known; kept nowhere but in its cookie.
    #[serde(skip)]
    pub device: Option<String>,
}

impl Client {
    /// The client of this request. An address in a header is believed only when a trusted proxy sent it.
    pub fn of(config: &ServerConfig, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>().map(|Peer(ip)| ip.to_canonical());
        let ip = peer.map(|peer| spoken_for(config, peer, &parts.headers));
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            ip,
            user_agent: agent.map(shortened),
            device: cookie(&parts.headers, devices::cookie_name(config.is_https())),
        }
    }

    /// The same client, by another name for itself.
    pub fn named(self, user_agent: Option<&str>) -> Self {
        Self { user_agent: user_agent.map(shortened).or(self.user_agent), ..self }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client
where
    App: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&App::from_ref(state).config.server, parts))
    }
}

/// The value of a cookie that the browser sent.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

fn shortened(text: &str) -> String {
    text.chars().take(USER_AGENT_MAX).collect()
}

/// Goes from the peer to the left for as long as a trusted proxy speaks; the first who is none is the client.
fn spoken_for(config: &ServerConfig, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |ip: &IpAddr| config.trusted_proxies.iter().any(|network| network.contains(ip));
    let mut chain = match config.proxy_header {
        ProxyHeader::XForwardedFor => entries(headers, &HeaderName::from_static("x-forwarded-for")),
        ProxyHeader::Forwarded => entries(headers, &FORWARDED).iter().map(|entry| node_of(entry)).collect(),
    };
    let mut speaker = peer;
    while is_trusted(&speaker) {
        // What can not be read ends the chain: to the left of it anybody may have written.
        match chain.pop().and_then(|node| address_in(&node)) {
            Some(client) => speaker = client,
            None => break,
        }
    }
    speaker
}

/// The parts of a list header, over all of its lines, the nearest proxy's last.
fn entries(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|entry| entry.trim().to_owned()).collect()
}

/// The value of `for` in an element of `Forwarded` (RFC 7239, 4); empty when there is none.
fn node_of(element: &str) -> String {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut nodes = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, node)| node.trim());
    nodes.next().unwrap_or_default().trim_matches('"').to_owned()
}

/// The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address_in(node: &str) -> Option<IpAddr> {
    let bare = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(node);
    let ip = bare.parse::<IpAddr>().ok().or_else(|| node.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn client(header: ProxyHeader, peer: &str, lines: &[&'static str]) -> String {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let config = ServerConfig { trusted_proxies, proxy_header: header, ..Default::default() };
        let name = match header {
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ProxyHeader::Forwarded => FORWARDED,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_static(line));
        }
        spoken_for(&config, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_first_from_the_right_who_is_no_proxy_is_the_client() {
        let client = |peer, lines: &[&'static str]| client(ProxyHeader::XForwardedFor, peer, lines);
        assert_eq!(client("192.0.2.9", &["198.51.100.7"]), "192.0.2.9", "nobody believes a stranger");
        assert_eq!(client(PROXY, &[]), PROXY);
        assert_eq!(client(PROXY, &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(PROXY, &["203.0.113.1, 198.51.100.7, 10.2.3.4"]), "198.51.100.7", "the left was forged");
        assert_eq!(
            client(PROXY, &["203.0.113.1", "198.51.100.7", "10.2.3.4"]),
            "198.51.100.7",
            "on lines of their own"
        );
        assert_eq!(client(PROXY, &["10.9.9.9, 10.8.8.8"]), "10.9.9.9", "a request from inside");
        assert_eq!(client(PROXY, &["203.0.113.1, unknown, 10.2.3.4"]), "10.2.3.4", "nothing is read beyond nonsense");
        assert_eq!(client("fd00::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(client(PROXY, &["::ffff:198.51.100.7"]), "198.51.100.7", "one address, one way to write it");
    }

    #[test]
    fn the_standard_header_is_read_when_the_proxies_use_it() {
        let client = |lines: &[&'static str]| client(ProxyHeader::Forwarded, PROXY, lines);
        assert_eq!(client(&["for=198.51.100.7;proto=https;by=10.0.0.1"]), "198.51.100.7");
        assert_eq!(client(&["for=203.0.113.1, For=\"[2001:db8::7]:4711\", for=10.2.3.4"]), "2001:db8::7");
        assert_eq!(client(&["for=203.0.113.1, for=_hidden"]), PROXY);
        assert_eq!(client(&["proto=https"]), PROXY);
    }
}
