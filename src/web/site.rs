//! The files of the built client: from disk, or from inside the binary with the feature `embed`.

#[cfg(feature = "embed")]
use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use app::shell::Assets;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

/// Names with a hash never change their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Other files are asked for again after an hour.
const AN_HOUR: &str = "public, max-age=3600";
/// A file that a developer rebuilds is asked for each time.
const EACH_TIME: &str = "no-cache";

/// The folder `pkg` of the site holds the client.
const PACKAGE: &str = "pkg";

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Site {
    root: Arc<Path>,
}

#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/target/site"]
struct Embedded;

impl Site {
    /// The files below `root`; with the feature `embed` those inside the binary instead.
    pub fn of(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The addresses of the client as it was built; the plain names when it was not.
    pub fn client(&self) -> Assets {
        let names = self.package();
        let address = |ending: &str| {
            let built = names.iter().find(|name| name.starts_with("starter") && name.ends_with(ending));
            format!("/{PACKAGE}/{}", built.cloned().unwrap_or_else(|| format!("starter{ending}")))
        };
        Assets { js: address(".js"), wasm: address(".wasm"), css: address(".css") }
    }

    /// Whether the client has been built.
    pub fn is_built(&self) -> bool {
        let names = self.package();
        [".js", ".wasm", ".css"].iter().all(|ending| names.iter().any(|name| name.ends_with(ending)))
    }

    #[cfg(feature = "embed")]
    fn package(&self) -> Vec<String> {
        Embedded::iter().filter_map(|path| path.strip_prefix("pkg/").map(str::to_owned)).collect()
    }

    #[cfg(not(feature = "embed"))]
    fn package(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(PACKAGE)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    #[cfg(feature = "embed")]
    async fn read(&self, path: &Path) -> Option<Bytes> {
        Embedded::get(path.to_str()?).map(|file| match file.data {
            Cow::Borrowed(inside) => Bytes::from_static(inside),
            Cow::Owned(from_disk) => from_disk.into(),
        })
    }

    #[cfg(not(feature = "embed"))]
    async fn read(&self, path: &Path) -> Option<Bytes> {
        let path = self.root.join(path);
        let is_file = tokio::fs::metadata(&path).await.is_ok_and(|found| found.is_file());
        if is_file { tokio::fs::read(path).await.ok().map(Bytes::from) } else { None }
    }

    async fn answer(&self, path: &Path, wanted: &HeaderMap) -> Option<Response> {
        let accepted = wanted.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = mime_guess::from_path(path).first_or_octet_stream();
        let mut response = None;
        for (encoding, ending) in [("br", ".br"), ("gzip", ".gz")] {
            if response.is_none() && accepted.contains(encoding) {
                let packed = PathBuf::from(format!("{}{ending}", path.display()));
                response = self.read(&packed).await.map(|bytes| {
                    let mut response = Response::new(Body::from(bytes));
                    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
                    response
                });
            }
        }
        let mut response = match response {
            Some(response) => response,
            None => Response::new(Body::from(self.read(path).await?)),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type.as_ref()).ok()?);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keeps(path)));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        Some(response)
    }
}

/// `starter.<hash>.js` has a dot more than `starter.js`.
fn keeps(path: &Path) -> &'static str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match path.starts_with(PACKAGE) {
        true if name.matches('.').count() >= 2 => FOR_EVER,
        true => EACH_TIME,
        false => AN_HOUR,
    }
}

/// The path below the root; none when it would lead out of it or names nothing.
fn below_root(path: &str) -> Option<&Path> {
    let path = Path::new(path.trim_start_matches('/'));
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && path.file_name().is_some() && !path.to_str()?.contains('%')).then_some(path)
}

/// Middleware: answers with the file of this path, if there is one.
pub async fn answer(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    // Only files have a dot in their name here, so that pages are not looked for on disk.
    let path = request.uri().path().to_owned();
    if let Some(path) = below_root(&path).filter(|path| is_read && path.extension().is_some())
        && let Some(response) = site.answer(path, request.headers()).await
    {
        return response;
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_site() {
        for path in ["/../Cargo.toml", "/pkg/../../x.js", "//etc/../passwd.txt", "/%2e%2e/x.js", "/"] {
            assert_eq!(below_root(path), None, "{path}");
        }
        assert_eq!(below_root("/pkg/starter.js"), Some(Path::new("pkg/starter.js")));
    }

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        assert_eq!(keeps(Path::new("pkg/starter.0a1b.js")), FOR_EVER);
        assert_eq!(keeps(Path::new("pkg/starter.js")), EACH_TIME);
        assert_eq!(keeps(Path::new("favicon.ico")), AN_HOUR);
    }
}
