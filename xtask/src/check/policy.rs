//! What may enter the dependency graph; the part of cargo-deny that this project needs, without its minutes of compiling.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{licence, nothing_found};
use crate::process;
use crate::workspace::Workspace;

const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages whose licence is not for everybody, and why they may use it.
const EXCEPTIONS: [(&str, &str); 8] = [
    // Ask only that changes to their own files stay open, and we make none. The first comes by rust-embed → shellexpand → dirs, the next two by ammonia.
    ("option-ext", "MPL-2.0"),
    ("cssparser", "MPL-2.0"),
    ("dtoa-short", "MPL-2.0"),
    ("webauthn-rs", "MPL-2.0"),
    ("webauthn-rs-core", "MPL-2.0"),
    ("webauthn-rs-proto", "MPL-2.0"),
    ("crypto-glue", "MPL-2.0"),
    ("webauthn-attestation-ca", "MPL-2.0"),
];

/// TLS libraries in C.
const FORBIDDEN: [&str; 3] = ["aws-lc-sys", "native-tls", "openssl-sys"];

/// Types of these cross between crates: a second version compiles, and then does not fit. (tower-http is not one of
/// them: leptos_axum brings 0.6 for itself, while ours is the 0.7 that knows cross-site requests.)
const ONCE: [&str; 6] = ["axum", "leptos", "leptos_meta", "leptos_router", "server_fn", "wasm-bindgen"];

/// Judges every package of the graph, those of other systems too.
pub fn check(workspace: &Workspace) -> Result<()> {
    bench_lock(workspace)?;
    let text = process::output(workspace.cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let mut found: Vec<String> = packages.iter().flat_map(complaints).collect();

    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(text_of(package, "name")).or_default().insert(text_of(package, "version"));
    }
    let several = ONCE.iter().filter_map(|name| Some((name, versions.get(name)?))).filter(|(_, all)| all.len() > 1);
    found.extend(several.map(|(name, all)| format!("{name}: {} versions ({all:?})", all.len())));
    nothing_found(&found, "breaches of the dependency policy")
}

/// The bench is a workspace of its own with our crates in it, so what they come to use has to be in its lock file as well.
fn bench_lock(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["update", "--workspace", "--locked", "--quiet", "--manifest-path", "bench/queue/Cargo.toml"]);
    process::run(&mut cargo)
        .context("bench/queue/Cargo.lock is out of date: run `cargo update --workspace` in bench/queue")
}

fn complaints(package: &Value) -> Vec<String> {
    let name = text_of(package, "name");
    let (licence, source) = (text_of(package, "license"), text_of(package, "source"));
    let mut found = Vec::new();
    if FORBIDDEN.contains(&name) {
        found.push(format!("{name}: forbidden"));
    }
    if !licence::permits(licence, &LICENCES) && !EXCEPTIONS.contains(&(name, licence)) {
        found.push(format!("{name}: the licence `{licence}` is not on the list"));
    }
    // Empty for a path, which can only be our own: Cargo.lock would otherwise not build elsewhere.
    if !(source.is_empty() || source.starts_with("registry+") && source.ends_with("/crates.io-index")) {
        found.push(format!("{name}: comes from {source}"));
    }
    found
}

fn text_of<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}
