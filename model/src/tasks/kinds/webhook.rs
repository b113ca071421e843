//! `webhook`: a request to a server elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FieldProblem;
use crate::tasks::form::{Control, FormField};

/// Most characters of an address.
const URL_MAX: usize = 2048;
/// Most headers of a request.
const HEADERS_MAX: usize = 50;
/// Most characters of a header's name.
const HEADER_NAME_MAX: usize = 100;
/// Most characters of a header's value.
const HEADER_VALUE_MAX: usize = 2000;
/// Headers that say how a connection is used (RFC 9110, 7.6.1), where it leads, or how long the body is: the client's own matter.
const OWN_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Payload of [`TaskKind::Webhook`](crate::tasks::TaskKind::Webhook).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where the request goes: http or https, without name and password.
    pub url: String,
    #[serde(default)]
    pub method: Method,
    /// The body, sent as JSON; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// How the request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The word in the request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Webhook {
    pub(super) fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut fields = Vec::new();
        let mut refuse =
            |field: &str, message: &str| fields.push(FieldProblem::new(format!("payload.{field}"), message));
        if let Err(message) = check_url(&self.url) {
            refuse("url", message);
        }
        if self.method == Method::Get && self.payload.is_some() {
            refuse("payload", "must be empty for GET, which has no body");
        }
        if self.headers.len() > HEADERS_MAX {
            refuse("headers", "must be at most 50");
        }
        if let Some(message) = self.headers.iter().find_map(|(name, value)| check_header(name, value).err()) {
            refuse("headers", message);
        }
        if fields.is_empty() { Ok(()) } else { Err(fields) }
    }
}

/// What can be judged without reading it as an address; where it may lead the server decides.
fn check_url(url: &str) -> Result<(), &'static str> {
    if url.chars().count() > URL_MAX {
        return Err("must have at most 2048 characters");
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must not contain blanks or control characters");
    }
    let is = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme = ["https://", "http://"].into_iter().find(|scheme| is(scheme));
    let rest = scheme.map(|scheme| &url[scheme.len()..]).ok_or("must begin with https:// or http://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err("must name a server");
    }
    if authority.contains('@') { Err("must not contain a name or a password") } else { Ok(()) }
}

fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || name.len() > HEADER_NAME_MAX || !name.chars().all(is_token) {
        return Err("names have 1 to 100 letters, digits or - and the like");
    }
    let lower = name.to_ascii_lowercase();
    if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("webhook-") {
        return Err("must not be one that the sender itself sets, such as Host, Content-Length or Webhook-Id");
    }
    let is_text = value.chars().all(|c| c == '\t' || c == ' ' || c.is_ascii_graphic());
    if is_text && value.len() <= HEADER_VALUE_MAX {
        Ok(())
    } else {
        Err("values have at most 2000 ASCII characters in one line")
    }
}

/// The inputs of its form.
pub(super) const FIELDS: &[FormField] = &[
    FormField {
        name: "url",
        path: "payload.url",
        label: "Address",
        help: "Where the request goes: https, or http.",
        control: Control::Text("url"),
        required: true,
        limit: Some(URL_MAX),
        initial: "",
    },
    FormField {
        name: "method",
        path: "payload.method",
        label: "Method",
        help: "What the other side expects, mostly POST.",
        control: Control::Choice(&[
            ("POST", "POST"),
            ("PUT", "PUT"),
            ("PATCH", "PATCH"),
            ("DELETE", "DELETE"),
            ("GET", "GET"),
        ]),
        required: true,
        limit: None,
        initial: "POST",
    },
    FormField {
        name: "payload",
        path: "payload.payload",
        label: "Body",
        help: "Optional. JSON, sent as it is.",
        control: Control::Json,
        required: false,
        limit: None,
        initial: "",
    },
    FormField {
        name: "headers",
        path: "payload.headers",
        label: "Headers",
        help: "Optional. One a line, such as X-Reason: test.",
        control: Control::Headers,
        required: false,
        limit: None,
        initial: "",
    },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tasks::TaskKind;

    fn refused(payload: serde_json::Value) -> Vec<String> {
        let fields = TaskKind::Webhook.check(&payload).err().unwrap_or_default();
        fields.into_iter().map(|field| field.field).collect()
    }

    #[test]
    fn only_addresses_of_the_web_without_a_name_and_a_password_pass() {
        for good in ["https://example.com", "HTTP://example.com:8080/a?b=@c#d", "http://[2001:db8::1]/"] {
            assert!(refused(json!({"url": good})).is_empty(), "{good}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2048));
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "http://a b/",
            "https://ada:secret@example.com",
            "https://ada@example.com",
            "http://example.com\r\nX: y",
            &long,
        ] {
            assert_eq!(refused(json!({"url": bad})), ["payload.url"], "{bad}");
        }
    }

    #[test]
    fn headers_of_the_connection_and_of_the_signature_are_the_senders_own() {
        let with = |name: &str, value: &str| refused(json!({"url": "https://example.com", "headers": {name: value}}));
        assert!(with("X-Reason", "a test").is_empty() && with("Authorization", "Bearer x").is_empty());
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Webhook-Signature",
            "connection",
            "a b",
            "",
            "x:y",
            "x\r\ny",
        ] {
            assert_eq!(with(name, "x"), ["payload.headers"], "{name}");
        }
        for value in ["a\r\nHost: b", "a\nb", "\u{0}", "ä", &"x".repeat(2001)] {
            assert_eq!(with("X-Reason", value), ["payload.headers"], "{value:?}");
        }
    }

    #[test]
    fn a_get_has_no_body_and_a_method_is_one_of_five() {
        assert_eq!(refused(json!({"url": "https://a.example", "method": "GET", "payload": {}})), ["payload.payload"]);
        assert_eq!(refused(json!({"url": "https://a.example", "method": "TRACE"})), ["payload"]);
    }
}
