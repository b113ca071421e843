//! What Mozilla's HTTP Observatory looks at, on every page, error and asset.

use std::collections::BTreeSet;

use model::users::Role;
use reqwest::Method;

use crate::support::{Answer, TestApp};

/// Half a year, the least that the Observatory takes.
const HSTS_LEAST: u64 = 15_768_000;

/// Addresses besides the pages: errors, assets, documents.
const OTHERS: [&str; 14] = [
    "/nothing/here",
    "/api/v1/nothing",
    "/api/nothing",
    "/api/v1/tasks",
    "/api/v1/health",
    "/health/ready",
    "/live/tasks",
    "/login?__err=x",
    "/pkg/starter.js",
    "/pkg/starter.css",
    "/theme.js",
    "/favicon.svg",
    "/api-docs",
    "/api-docs/openapi.json",
];

fn directive<'a>(policy: &'a str, name: &str) -> Option<&'a str> {
    policy.split(';').map(str::trim).find_map(|one| one.strip_prefix(name)?.strip_prefix(' '))
}

/// All that the rules find wrong with an answer.
fn faults(answer: &Answer, is_https: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut rule = |holds: bool, name: &str| {
        if !holds {
            found.push(name.to_owned());
        }
    };
    let policy = answer.header("content-security-policy");
    let scripts = directive(policy, "script-src").or(directive(policy, "default-src")).unwrap_or("*");
    rule(directive(policy, "default-src") == Some("'none'"), "CSP begins with nothing");
    rule(!scripts.contains("'unsafe-inline'") && !scripts.contains("'unsafe-eval'"), "CSP allows unsafe scripts");
    rule(
        !["*", "http:", "https:", "data:"].iter().any(|wide| scripts.split(' ').any(|one| one == *wide)),
        "CSP is wide",
    );
    rule(directive(policy, "frame-ancestors") == Some("'none'"), "frames are allowed");
    rule(matches!(directive(policy, "form-action"), Some("'none'" | "'self'")), "form-action is open");
    rule(answer.header("x-content-type-options") == "nosniff", "nosniff is missing");
    let private = ["no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"];
    rule(private.contains(&answer.header("referrer-policy")), "the referrer is told to others");
    rule(answer.header("cross-origin-resource-policy") == "same-origin", "CORP is open");
    rule(answer.header("cross-origin-opener-policy") == "same-origin", "COOP is open");
    let cors = ["access-control-allow-origin", "access-control-allow-credentials"];
    rule(cors.iter().all(|name| !answer.headers.contains_key(*name)), "other origins may read it");
    let content_type = answer.header("content-type");
    rule(!content_type.starts_with("text/") || content_type.contains("charset=utf-8"), "text of an unknown encoding");
    rule(directive(policy, "base-uri") == Some("'none'"), "base-uri is open");
    let hsts = answer.header("strict-transport-security");
    let age = hsts.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    rule(age.is_some_and(|age| age >= HSTS_LEAST) == is_https, "HSTS is wrong");
    for cookie in answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
        rule(cookie.contains("HttpOnly") && cookie.contains("SameSite"), "a cookie that scripts or others get");
        rule(!is_https || (cookie.starts_with("__Host-") && cookie.contains("Secure")), "a cookie without TLS");
    }
    if answer.header("content-type").starts_with("text/html") {
        // Without scripts and styles of others no integrity is needed.
        let addresses = ["src=\"", "<link href=\"", "@import \""];
        let is_foreign = |rest: &str| rest.starts_with("//") || rest.starts_with("http:") || rest.starts_with("https:");
        rule(
            !addresses.iter().any(|name| answer.text.split(name).skip(1).any(is_foreign)),
            "something of others is loaded",
        );
    }
    found
}

async fn looked_at(is_https: bool) {
    let app = TestApp::with(|config| {
        if is_https {
            config.server.public_url = "https://example.com".into();
        }
    })
    .await;
    app.register_as("Alma", Role::Admin).await;
    let fields = [("new[username]", "Alma"), ("new[password]", crate::support::PASSWORD)];
    let signed_in = app.browser().submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(faults(&signed_in, is_https), Vec::<String>::new(), "the login");

    let routes = leptos_axum::generate_route_list(app::App);
    let nobody = uuid::Uuid::nil().to_string();
    let mut paths: BTreeSet<String> = routes.iter().map(|route| route.path().replace("{id}", &nobody)).collect();
    assert!(paths.len() >= 20, "{paths:?}");
    paths.extend(OTHERS.map(str::to_owned));
    let mut wrong = Vec::new();
    for path in &paths {
        for (method, cookie) in
            [(Method::GET, ""), (Method::GET, cookie.as_str()), (Method::PATCH, ""), (Method::POST, "")]
        {
            if path == "/live/tasks" && !cookie.is_empty() {
                continue;
            }
            let request = app.request(method.clone(), path).header("accept", "text/html").header("cookie", cookie);
            let faults = faults(&Answer::to(request).await, is_https);
            wrong.extend(faults.into_iter().map(|fault| format!("{method} {path}: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_page_error_and_asset_keeps_the_rules_of_the_observatory() {
    looked_at(false).await;
}

#[tokio::test]
async fn behind_https_every_page_error_and_asset_keeps_them_too() {
    looked_at(true).await;
}
