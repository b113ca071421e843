//! What a browser has to load, in a release.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::nothing_found;
use crate::client;
use crate::site;
use crate::workspace::Workspace;

// Each page with its server functions adds 4 to 10 KB, compressed; the pages of the queue took 110. It is loaded once, beside a page that is
// whole without it. Lazy routes are due: Leptos 0.8 splits, but a part that can not be loaded ends the client, unless each route is written by
// hand with the `fallible` option of `wasm_split`.
const WASM_BYTES: u64 = 3_860_000;
const WASM_BROTLI_BYTES: u64 = 807_000;
const STYLE_BYTES: u64 = 200_000;

/// Compiles the client as for a release, beside the one that may be served, and weighs it.
pub fn check(workspace: &Workspace) -> Result<()> {
    let client = client::compile(workspace, true)?;
    let wasm = client.folder.join(format!("{}.wasm", workspace.leptos.output_name));
    site::compress(std::slice::from_ref(&wasm))?;
    let weighed = [
        ("WASM", wasm.clone(), WASM_BYTES),
        ("WASM, brotli", PathBuf::from(format!("{}.br", wasm.display())), WASM_BROTLI_BYTES),
        ("style sheet", client.style, STYLE_BYTES),
    ];
    let mut found = Vec::new();
    for (name, file, budget) in weighed {
        let bytes = size(&file)?;
        eprintln!("sizes: {name} {bytes} bytes of {budget}");
        if bytes > budget {
            found.push(format!("{name}: {bytes} bytes, allowed are {budget}"));
        }
    }
    nothing_found(&found, "over their budget of bytes")
}

fn size(file: &Path) -> Result<u64> {
    Ok(fs::metadata(file).with_context(|| format!("{} is missing", file.display()))?.len())
}
