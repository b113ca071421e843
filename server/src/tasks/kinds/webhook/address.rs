//! Where a request may lead. Servers can be asked by a user to fetch things that only they can reach (CWE-918, server-side request
//! forgery), so only what everybody on the internet can reach is allowed, and what the settings allow besides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::Url;

use crate::config::WebhookConfig;

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unreadable,
    Scheme,
    Credentials,
    Port,
    Address,
}

impl Refused {
    /// In words that go with the field.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "is no address of the web",
            Self::Scheme => "must begin with https:// or http://",
            Self::Credentials => "must not contain a name or a password",
            Self::Port => "has a port that is not allowed here",
            Self::Address => "leads to an address that is not allowed here",
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The address {}", self.words())
    }
}

impl std::error::Error for Refused {}

/// Networks of IPv4 that are not of the whole internet (the IANA registry of special-purpose addresses, RFC 6890), and one that is but is
/// the metadata server of a cloud.
const CLOSED_V4: [(Ipv4Addr, u8); 18] = [
    // This network, and this host.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by the customers of a carrier (RFC 6598); one cloud has its metadata there.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; most clouds have their metadata there.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // AS112, which answers for private addresses.
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    // Relays of 6to4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarking.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // The wire server of a cloud.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Multicast, then reserved and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Networks of IPv6 within global unicast that lead elsewhere, or nowhere.
const CLOSED_V6: [(Ipv6Addr, u8); 5] = [
    // Protocol assignments: Teredo, benchmarking, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation, old and new (RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4, which carries any address of IPv4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
];

/// Global unicast (RFC 4291, 2.4). All else is refused: loopback, mapped and compatible addresses, NAT64, unique local, link-local,
/// multicast, and what has no meaning yet.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Whether the whole internet can reach it.
fn is_public(ip: IpAddr) -> bool {
    let v6_in = |ip: Ipv6Addr, (net, length): (Ipv6Addr, u8)| Ipv6Net::new_assert(net, length).contains(&ip);
    match ip {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|(net, length)| Ipv4Net::new_assert(*net, *length).contains(&ip)),
        IpAddr::V6(ip) => v6_in(ip, GLOBAL_V6) && !CLOSED_V6.iter().any(|net| v6_in(ip, *net)),
    }
}

/// What the settings allow.
#[derive(Clone, Debug)]
pub struct Rules {
    ports: Vec<u16>,
    networks: Vec<IpNet>,
}

impl Rules {
    pub fn of(config: &WebhookConfig) -> Self {
        Self { ports: config.allowed_ports.clone(), networks: config.allowed_networks.clone() }
    }

    /// Whether a connection to this address may be made.
    pub fn permits(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.networks.iter().any(|net| net.contains(&ip))
    }

    /// Reads an address and judges all of it but a name, whose addresses are judged when they are dialled. Decimal, octal and hexadecimal
    /// spellings of an IPv4 address are read as browsers read them (WHATWG URL, 3.5).
    pub fn read(&self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).map_err(|_| Refused::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        if !url.port_or_known_default().is_some_and(|port| self.ports.contains(&port)) {
            return Err(Refused::Port);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Refused::Unreadable)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|ip| !self.permits(ip)) {
            return Err(Refused::Address);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_whole_internet_is_refused() {
        for closed in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
    }

    #[test]
    fn a_network_of_the_settings_is_allowed_and_nothing_that_only_looks_like_it() {
        let rules = Rules { ports: vec![80], networks: vec!["127.0.0.0/8".parse().unwrap()] };
        assert!(rules.permits("127.0.0.1".parse().unwrap()));
        for closed in ["::ffff:127.0.0.1", "::1", "10.0.0.1"] {
            assert!(!rules.permits(closed.parse().unwrap()), "{closed}");
        }
    }

    #[test]
    fn ports_schemes_and_passwords_are_judged_as_the_address_is_read() {
        let rules = Rules { ports: vec![80, 443], networks: Vec::new() };
        let refused = |url: &str| rules.read(url).err();
        assert_eq!(refused("https://example.com/a?b#c"), None);
        assert_eq!(refused("http://example.com:443"), None);
        assert_eq!(refused("http://example.com:22"), Some(Refused::Port));
        assert_eq!(refused("gopher://example.com"), Some(Refused::Scheme));
        assert_eq!(refused("http://a:b@example.com"), Some(Refused::Credentials));
        assert_eq!(refused("http://"), Some(Refused::Unreadable));
        assert_eq!(refused("http://0x7f.1/"), Some(Refused::Address));
    }
}
