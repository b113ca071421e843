//! A browser without JavaScript: it keeps cookies, sends plain forms, and says where it comes from.

use reqwest::header::{ACCEPT, ORIGIN, REFERER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

use super::Answer;

pub struct Browser {
    client: Client,
    address: String,
}

impl Browser {
    pub fn new(address: &str) -> Self {
        let client = Client::builder().no_proxy().cookie_store(true).redirect(Policy::none());
        Self { client: client.build().expect("a client"), address: address.into() }
    }

    /// A request with the cookies and nothing else.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    pub async fn open(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path).header(ACCEPT, "text/html")).await
    }

    /// Sends the form that is on `page` to `action`.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, action).header(ACCEPT, "text/html,application/xhtml+xml");
        let request = request.header(ORIGIN, &self.address).header("sec-fetch-site", "same-origin");
        Answer::to(request.header(REFERER, format!("{}{page}", self.address)).form(fields)).await
    }

    /// Calls a server function as the client in the page does.
    pub async fn call(&self, function: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, function).header(ACCEPT, "application/json");
        Answer::to(request.header("sec-fetch-site", "same-origin").form(fields)).await
    }
}
