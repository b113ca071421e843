//! Server-side request forgery: what webhooks must never reach, with canaries on the loopback addresses that would hear it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use model::tasks::{DeadReason, TaskStatus, Webhook};
use serde_json::json;
use server::config::WebhookConfig;
use server::tasks::kinds::webhook::{Client, Failure, Lookup, Refused};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::hooks::{Canary, Receiver};

/// Hosts that are, or lead to, what is not of the whole internet.
const HOSTS: &[&str] = &[
    // Loopback in every spelling that a browser reads.
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "127.0.0.1.",
    "127.000.000.001",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.1",
    "017700000001",
    "00000000177.0.0.1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "0",
    "0.0.0.0",
    "0x0",
    "00.00.00.00",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    // IPv6, and IPv4 in its clothes.
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[100::1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
    // Private, shared, link-local, metadata, reserved.
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "192.88.99.1",
];

/// Addresses that try to be read in two ways, or by another scheme. `PORT` is that of the canaries.
const TRICKS: &[&str] = &[
    "http://example.com@127.0.0.1:PORT/",
    "http://example.com:80@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT?@example.com/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:/127.0.0.1:PORT/",
    "http:127.0.0.1:PORT",
    "http:///127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\t/",
    "http://127.0.0.1\r\n:PORT/",
    " http://127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT",
    "ftp://127.0.0.1:PORT/",
    "gopher://127.0.0.1:PORT/_x",
    "dict://127.0.0.1:PORT/x",
    "ldap://127.0.0.1:PORT/x",
    "file:///etc/passwd",
    "file://127.0.0.1:PORT/x",
    "jar:http://127.0.0.1:PORT!/",
    "ws://127.0.0.1:PORT/",
    "unix:///var/run/docker.sock",
    "data:text/plain,x",
    "http+unix://x/y",
    "http://[::1%25lo]:PORT/",
    "http://[::1]:PORT@example.com/",
    "http://127.0.0.1:PORT/\u{0}",
    "http://[127.0.0.1]:PORT/",
    "http://127.0.0.1:0x50/",
];

fn addresses(port: u16) -> Vec<String> {
    let plain = HOSTS.iter().flat_map(|host| {
        [
            format!("http://{host}:{port}/"),
            format!("https://{host}:{port}/a?b=http://example.com"),
            format!("HTTP://{host}:{port}"),
        ]
    });
    plain.chain(TRICKS.iter().map(|trick| trick.replace("PORT", &port.to_string()))).collect()
}

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_public_is_ever_connected_to() {
    let canary = Canary::at("127.0.0.1", 0);
    let port = canary.port();
    let second = Canary::at("::1", port);
    // Everything is the default but the port, which would be refused first.
    let app = TestApp::with(|config| config.webhook.allowed_ports = vec![80, 443, port]).await;
    let ada = app.register("Ada").await;
    let urls = addresses(port);
    assert!(urls.len() >= 200, "{}", urls.len());
    let mut queued = Vec::new();
    for url in urls {
        let new = json!({"task_type": "webhook", "retry_strategy": "none", "payload": {"url": url}});
        let answer = app.post(&ada, "/api/v1/tasks", new).await;
        if answer.status == 200 {
            queued.push((url, crate::support::id_of(&answer.data())));
        } else {
            assert_eq!(answer.status, 400, "{url}: {}", answer.text);
        }
    }
    app.work().await;
    for (url, id) in &queued {
        assert_eq!(app.stored(*id).await.status, TaskStatus::Failed, "{url}");
    }
    let of_names: Vec<_> = queued.iter().filter(|(url, _)| !url.to_lowercase().contains("local")).collect();
    assert!(of_names.is_empty(), "only names come as far as a worker: {of_names:?}");
    let localhost =
        queued.iter().find(|(url, _)| url == &format!("http://localhost:{port}/")).expect("names are judged later");
    let dead = app.stored(localhost.1).await;
    assert_eq!(dead.dead_reason, Some(DeadReason::Fatal));
    assert_eq!(dead.last_error.as_deref(), Some("The address leads to an address that is not allowed here"));
    assert!(!canary.was_touched() && !second.was_touched(), "somebody connected");
}

fn allowing(network: &str, port: u16) -> WebhookConfig {
    WebhookConfig {
        allowed_ports: vec![port],
        allowed_networks: vec![network.parse().expect("a network")],
        timeout_seconds: 2,
        ..WebhookConfig::default()
    }
}

/// Answers these, one after the other, whatever the name.
fn answering(answers: &[&[&str]]) -> Lookup {
    let answers: VecDeque<Vec<SocketAddr>> = answers
        .iter()
        .map(|ips| ips.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0)).collect())
        .collect();
    let answers = Arc::new(Mutex::new(answers));
    Arc::new(move |_| {
        let next = answers.lock().expect("nobody panicked with it").pop_front().expect("an answer is left");
        Box::pin(async move { Ok(next) })
    })
}

fn hook(url: String) -> Webhook {
    serde_json::from_value(json!({"url": url})).expect("a webhook")
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_that_is_dialled() {
    let canary = Canary::at("127.0.0.1", 0);
    let config = WebhookConfig { allowed_ports: vec![canary.port()], ..WebhookConfig::default() };
    let private = [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "fd00::1",
        "fe80::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ];
    let each: Vec<&[&str]> = private.iter().map(std::slice::from_ref).chain([&private[..]]).collect();
    let client = Client::with_lookup(&config, answering(&each));
    for one in &each {
        let sent = client.send(Uuid::nil(), &hook(format!("http://example.com:{}/", canary.port()))).await;
        assert!(matches!(sent, Err(Failure::Refused(Refused::Address))), "{one:?}: {sent:?}");
    }
    assert!(!canary.was_touched());
}

#[tokio::test]
async fn of_several_addresses_only_the_permitted_is_dialled_and_a_change_of_mind_is_noticed() {
    let receiver = Receiver::at("127.0.0.2").await;
    let port = receiver.address.port();
    let (canary, second) = (Canary::at("127.0.0.1", port), Canary::at("::1", port));
    let answers: [&[&str]; 3] = [&["127.0.0.1", "::1", "127.0.0.2"], &["127.0.0.1"], &["::1", "127.0.0.1"]];
    let client = Client::with_lookup(&allowing("127.0.0.2/32", port), answering(&answers));
    let url = format!("http://rebinding.example:{port}/");
    // The connection is closed, so that the next request looks the name up again.
    receiver.says([("connection", "close")]);
    assert_eq!(client.send(Uuid::nil(), &hook(url.clone())).await.unwrap().status, 200);
    for _ in 0..2 {
        let sent = client.send(Uuid::nil(), &hook(url.clone())).await;
        assert!(matches!(sent, Err(Failure::Refused(Refused::Address))), "{sent:?}");
    }
    assert_eq!(receiver.got().len(), 1);
    assert!(!canary.was_touched() && !second.was_touched());
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let receiver = Receiver::at("127.0.0.2").await;
    let port = receiver.address.port();
    let canary = Canary::at("127.0.0.1", port);
    let client = Client::new(&allowing("127.0.0.2/32", port));
    for status in [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ] {
        receiver.says((status, [("location", format!("http://127.0.0.1:{port}/"))]));
        let answer = client.send(Uuid::nil(), &hook(receiver.url("/"))).await.unwrap();
        assert_eq!(answer.status, status.as_u16());
    }
    assert!(!canary.was_touched());
    assert_eq!(receiver.got().len(), 5);
}

/// The canaries can hear: a client that is allowed to is heard.
#[tokio::test]
async fn a_canary_would_have_been_heard() {
    let canary = Canary::at("127.0.0.1", 0);
    let client = Client::new(&allowing("127.0.0.0/8", canary.port()));
    let sent = client.send(Uuid::nil(), &hook(format!("http://localhost:{}/", canary.port()))).await;
    assert!(matches!(sent, Err(Failure::Unreachable("The server did not answer in time", _))), "{sent:?}");
    assert!(canary.was_touched());
}
