//! Passkeys: what is refused. Making and using one needs an authenticator, which the end-to-end tests have.

use serde_json::{Value, json};

use crate::support::{Answer, Browser, TestApp};

async fn start(browser: &Browser, name: &str) -> Answer {
    browser.call("/api/passkeys/start_registration", &[("new[name]", name)]).await
}

async fn finish(browser: &Browser, function: &str, id: &str, credential: &str) -> Answer {
    let fields = [("answer[id]", id), ("answer[credential]", credential)];
    browser.call(function, &fields).await
}

fn kind(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["kind"].clone())
}

/// A well-formed answer that no authenticator has made for this program.
fn forged(user_handle: &str) -> String {
    let data = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3QifQ";
    let response =
        json!({"authenticatorData": "AAAA", "clientDataJSON": data, "signature": "AAAA", "userHandle": user_handle});
    json!({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response, "clientExtensionResults": {}})
        .to_string()
}

#[tokio::test]
async fn a_passkey_is_asked_for_once_by_its_owner_who_has_confirmed_the_password() {
    let app = TestApp::start().await;
    let ada = app.register("Ada").await;
    app.register("Eve").await;
    assert_eq!(kind(&start(&app.browser(), "phone").await), (401, json!("not_signed_in")));

    let browser = app.browser_of("Ada").await;
    assert_eq!(kind(&start(&browser, " ").await), (400, json!("invalid")));
    app.change(ada.id, "update sessions set sudo_until = now() where user_id = $1 and kind = 'browser'").await;
    assert_eq!(kind(&start(&browser, "phone").await), (403, json!("reauthentication_required")));

    let browser = app.browser_of("Ada").await;
    let asked = start(&browser, "phone").await.json();
    let options = &asked["options"];
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    let (id, function) = (asked["id"].as_str().unwrap(), "/api/passkeys/finish_registration");
    assert_eq!(kind(&finish(&app.browser_of("Eve").await, function, id, "{}").await), (409, json!("conflict")));
    assert_eq!(kind(&finish(&browser, function, id, "nonsense").await), (400, json!("unreadable")));
    assert_eq!(kind(&finish(&browser, function, id, "{}").await), (409, json!("conflict")), "once");
    assert_eq!(browser.call("/api/passkeys/list", &[]).await.json(), json!([]));

    let late = start(&browser, "phone").await.json();
    let moved = sqlx::query("update passkey_ceremonies set expires_at = now()").execute(&app.app.db).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    let late = finish(&browser, function, late["id"].as_str().unwrap(), "{}").await;
    assert_eq!(kind(&late), (409, json!("conflict")));
}

#[tokio::test]
async fn nobody_gets_in_by_a_passkey_that_is_not_there() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser();
    let function = "/api/passkeys/finish_login";
    let asked = async || browser.call("/api/passkeys/start_login", &[]).await.json();
    let options = asked().await["options"].clone();
    assert_eq!(options["rpId"], "localhost");
    assert_eq!(options["allowCredentials"], json!([]), "nothing is said about who has one");

    let ceremony = asked().await;
    let id = ceremony["id"].as_str().unwrap();
    let unknown = finish(&browser, function, id, &forged("AZMpPAAAcACAAAAAAAAAAA")).await;
    assert_eq!(kind(&unknown), (401, json!("unknown_passkey")));
    assert_eq!(unknown.headers.get("set-cookie"), None);
    assert_eq!(kind(&finish(&browser, function, id, &forged("AAAA")).await), (409, json!("conflict")), "once");
}

#[tokio::test]
async fn somebody_elses_passkey_is_not_found_and_an_address_of_numbers_has_none() {
    let app = TestApp::start().await;
    app.register("Ada").await;
    let browser = app.browser_of("Ada").await;
    let removed = browser.call("/api/passkeys/remove", &[("id", "0195c0e0-0000-7000-8000-000000000000")]).await;
    assert_eq!(kind(&removed), (404, json!("not_found")));

    let app = TestApp::with(|config| config.server.public_url = "http://192.0.2.1:3000".into()).await;
    let refused = app.browser().call("/api/passkeys/start_login", &[]).await;
    assert_eq!(kind(&refused), (409, json!("conflict")));
    assert!(refused.text.contains("only a number"), "{}", refused.text);
}
