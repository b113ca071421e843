//! Whether others can read or change what travels between the program and PostgreSQL.

use std::net::IpAddr;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::DatabaseConfig;

const COMPLAINT: &str = "the database is on another machine, and whoever is on the way there can read and change what travels: \
    add sslmode=verify-full to DATABASE_URL and database.migration_url (and sslrootcert=<file> when this machine does not trust the server's certificate), or set \
    database.require_tls = false on a network that nobody else is on";

/// What is wrong with the way to the database, and what to do about it; none for a socket, this machine, TLS with a checked certificate,
/// and where no TLS is required.
///
/// Nothing less than `verify-full` will do: `require` takes any certificate, and `verify-ca` that of any host which an authority of the
/// system knows.
pub fn complaint(config: &DatabaseConfig) -> Option<&'static str> {
    let mut urls = [&config.url, &config.migration_url].into_iter().flatten();
    let is_seen = urls.any(|url| is_seen(url.expose_secret()));
    (config.require_tls && is_seen).then_some(COMPLAINT)
}

/// Whether somebody on the way sees what travels. An address that can not be read is refused when it is used.
fn is_seen(url: &str) -> bool {
    let Ok(options) = url.parse::<PgConnectOptions>() else { return false };
    !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) && !is_near(&options)
}

fn is_near(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || is_here
}
