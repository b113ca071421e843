//! An answer, and what tests ask of it.

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        Self::of(request.send().await.expect("the server answers")).await
    }

    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("the answer is read to its end") }
    }

    /// The value of a header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookie of this name that the answer sets, with its attributes.
    pub fn set_cookie(&self, name: &str) -> &str {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let mut named = set.filter(|cookie| cookie.split('=').next() == Some(name));
        named.next().unwrap_or_else(|| panic!("sets no cookie {name}: {:?}", self.headers))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: no JSON: {}", self.status, self.text))
    }

    /// The `data` of a success.
    pub fn data(&self) -> Value {
        let body = self.json();
        assert_eq!((self.status, &body["success"]), (200, &Value::Bool(true)), "{body}");
        body["data"].clone()
    }

    /// Status and code of a refusal, whose shape is looked at on the way.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["error"];
        assert_eq!(body.as_object().map(|members| members.len()), Some(1), "only `error`: {body}");
        assert!(!error["message"].as_str().expect("a message").is_empty(), "{body}");
        assert_eq!(error["request_id"], self.header("x-request-id"), "{body}");
        (self.status, error["code"].as_str().expect("a code").to_owned())
    }

    /// The names of the fields that a validation refused.
    pub fn fields(&self) -> Vec<String> {
        let body = self.json();
        let fields = body["error"]["fields"].as_array().unwrap_or_else(|| panic!("no fields in {body}"));
        fields.iter().map(|field| field["field"].as_str().expect("a name").to_owned()).collect()
    }
}
