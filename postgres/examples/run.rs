//! A PostgreSQL in the folder given, for as long as the input is open: `cargo run --example run -- data`.

use embedded_postgres::{Embedded, Options};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data_dir = std::env::args_os().nth(1).ok_or("which folder?")?.into();
    let began = Instant::now();
    let embedded = Embedded::start(Options {
        data_dir,
        database: "app".into(),
        durable: true,
        binaries: None,
        settings: Vec::new(),
    })?;
    println!("ready after {} ms: {}", began.elapsed().as_millis(), embedded.database_url());
    std::io::stdin().lines().for_each(drop);
    embedded.stop();
    println!("stopped");
    Ok(())
}
