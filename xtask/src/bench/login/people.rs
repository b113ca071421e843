//! Who is there: accounts that log in, and one browser with a list of tasks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::ask;
use super::http::Request;

/// Accounts that log in by turns: the limits for one account and for registrations from one address stay as they are.
const ACCOUNTS: u32 = 40;
/// More than one page of the list shows.
const TASKS: u32 = 60;
const PASSWORD: &str = "SecurePass123";

pub struct People {
    cookie: String,
}

impl People {
    pub fn invite(address: &str) -> Result<Self> {
        for turn in 0..ACCOUNTS {
            let name = name(turn);
            let new = json!({"username": name, "email": format!("{name}@example.com"), "password": PASSWORD});
            data(address, &Request::json("/api/v1/auth/register", None, &new))?;
        }
        let token = data(address, &login(0))?["session_token"].as_str().context("a token")?.to_owned();
        for _ in 0..TASKS {
            let task = json!({"task_type": "delay_task", "payload": {"delay_seconds": 1}});
            data(address, &Request::json("/api/v1/tasks", Some(&token), &task))?;
        }
        let people = Self { cookie: browser_cookie(address)? };
        let page = ask(address, &people.tasks_page())?;
        ensure!(page.status == 200 && page.body.contains("delay_task"), "the page of tasks shows no tasks");
        Ok(people)
    }

    /// The list, as a browser asks for it.
    pub fn tasks_page(&self) -> Request {
        Request::new("GET /tasks", &[("Accept", "text/html"), ("Cookie", &self.cookie)], String::new())
    }

    /// By a program, with the right password.
    pub fn login(&self, turn: u32) -> Request {
        login(turn)
    }
}

fn name(turn: u32) -> String {
    format!("person-{}", turn % ACCOUNTS)
}

fn login(turn: u32) -> Request {
    Request::json("/api/v1/auth/login", None, &json!({"username": name(turn), "password": PASSWORD}))
}

/// The `data` of a success.
fn data(address: &str, request: &Request) -> Result<Value> {
    let answer = ask(address, request)?;
    ensure!(answer.status == 200, "{} was answered with {}: {}", request.head, answer.status, answer.body);
    Ok(serde_json::from_str::<Value>(&answer.body)?["data"].take())
}

fn browser_cookie(address: &str) -> Result<String> {
    let form = format!("new[username]={}&new[password]={PASSWORD}", name(0));
    let origin = format!("http://{address}");
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html"), ("Origin", &origin)];
    let answer = ask(address, &Request::new("POST /api/auth/log_in", &headers, form))?;
    let set =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").filter_map(|(_, set)| set.split(';').next());
    let session = set.into_iter().find(|cookie| cookie.starts_with("session="));
    session.map(str::to_owned).with_context(|| format!("no session in the answer {}", answer.status))
}
