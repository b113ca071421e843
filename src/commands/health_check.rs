//! `starter health-check`: exits with 0 when the server on the configured address is ready.

use std::process::ExitCode;
use std::time::Duration;

use server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `/health/ready`; a server that listens on every address is asked on the local one.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let host = match config.server.host.as_str() {
        "0.0.0.0" | "::" => "127.0.0.1",
        host => host,
    };
    let answer = tokio::time::timeout(PATIENCE, ask(host, config.server.port)).await;
    let line = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => format!("no answer from {host}:{}: {error}", config.server.port),
        Err(_) => format!("no answer from {host}:{} within {} s", config.server.port, PATIENCE.as_secs()),
    };
    println!("{line}");
    let is_ready = line.starts_with("HTTP/1.1 200") || line.starts_with("HTTP/1.0 200");
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The status line.
async fn ask(host: &str, port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
