//! Where a login comes from: as the connection says, and as trusted proxies say.

use reqwest::Method;
use serde_json::json;
use server::config::ProxyHeader;

use crate::support::{Answer, PASSWORD, TestApp};

/// Logs Ada in with this header, and answers with the address that is stored.
async fn address(app: &TestApp, header: &str, value: &str) -> String {
    let login = json!({"username": "Ada", "password": PASSWORD});
    let request = app.request(Method::POST, "/api/v1/auth/login").header(header, value).json(&login);
    let token = Answer::to(request).await.data()["session_token"].as_str().unwrap().to_owned();
    let sessions = Answer::to(app.request(Method::GET, "/api/v1/auth/sessions").bearer_auth(token)).await.data();
    sessions[0]["ip"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stranger_can_not_forge_an_address() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    for (header, value) in [("x-forwarded-for", "203.0.113.1"), ("forwarded", "for=203.0.113.1")] {
        assert_eq!(address(&app, header, value).await, "127.0.0.1", "{header}");
    }
}

#[tokio::test]
async fn trusted_proxies_tell_for_whom_they_speak() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    })
    .await;
    app.register("Ada").await;
    let seen = async |value: &str| address(&app, "x-forwarded-for", value).await;
    assert_eq!(seen("198.51.100.7").await, "198.51.100.7");
    assert_eq!(seen("203.0.113.1, 198.51.100.7, 10.1.1.1").await, "198.51.100.7", "what is left of it was forged");
    assert_eq!(seen("2001:db8::7").await, "2001:db8::7");
    assert_eq!(seen("nonsense").await, "127.0.0.1");
    let other_header = address(&app, "forwarded", "for=203.0.113.1").await;
    assert_eq!(other_header, "127.0.0.1", "a header that the proxies do not write is passed on from anybody");
}

#[tokio::test]
async fn proxies_may_use_the_standard_header() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.server.proxy_header = ProxyHeader::Forwarded;
    })
    .await;
    app.register("Ada").await;
    assert_eq!(address(&app, "forwarded", "for=\"[2001:db8::7]:4711\"").await, "2001:db8::7");
    assert_eq!(address(&app, "x-forwarded-for", "203.0.113.1").await, "127.0.0.1");
}

#[tokio::test]
async fn a_browser_has_an_address_too() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let page = browser.open("/account/sessions").await;
    assert!(page.text.contains("127.0.0.1"), "{}", page.text);
}
