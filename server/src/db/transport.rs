//! Whether others can read or change what travels between the program and PostgreSQL.

use std::net::IpAddr;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::DatabaseConfig;

const COMPLAINT: &str = "the database is on another machine, and whoever is on the way there can read and change what travels: \
    add sslmode=verify-full to DATABASE_URL (and sslrootcert=<file> when this machine does not trust the server's certificate), or set \
    database.require_tls = false on a network that nobody else is on";

/// What is wrong with the way to the database, and what to do about it; none for a socket, this machine, TLS with a checked certificate,
/// and where no TLS is required.
///
/// Nothing less than `verify-full` will do: `require` takes any certificate, and `verify-ca` that of any host which an authority of the
/// system knows.
pub fn complaint(config: &DatabaseConfig) -> Option<&'static str> {
    let url = config.url.as_ref().filter(|_| config.require_tls)?;
    // One that can not be read is refused when it is used.
    let options: PgConnectOptions = url.expose_secret().parse().ok()?;
    let is_checked = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
    (!is_checked && !is_near(&options)).then_some(COMPLAINT)
}

fn is_near(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || is_here
}
