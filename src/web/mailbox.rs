//! `/dev/mail`: the letters that the program has sent, for developers. Exists only in development, and only with the mailbox transport.

use std::fmt::Display;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use model::Problem;
use model::problem::Thing;
use server::http::Path;
use server::mail::escaped;
use server::mail::mailbox::{self, Stored};
use server::{App, Error, Result};
use uuid::Uuid;

use super::Site;

/// Our style and one frame, with the letter inside.
const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; frame-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// The letter itself: its own inline style, no script, nothing from elsewhere, and only inside our frame.
const LETTER: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-top-navigation-by-user-activation";

/// What the pages need.
#[derive(Clone)]
struct Context {
    app: App,
    style: String,
}

/// The pages, or none of them.
pub fn routes(app: &App, site: &Site) -> Router {
    if !app.mailer.has_open_mailbox() {
        return Router::new();
    }
    Router::new()
        .route("/dev/mail", get(list))
        .route("/dev/mail/{id}", get(show))
        .route("/dev/mail/{id}/html", get(html))
        .with_state(Context { app: app.clone(), style: site.client().css })
}

async fn list(State(context): State<Context>) -> Result<Response> {
    let letters = mailbox::list(&context.app.config.mail.folder).await.map_err(anyhow::Error::from)?;
    let row = |letter: &Stored| {
        format!(
            "<tr><td data-label=\"Sent\"><time datetime=\"{at}\">{shown}</time></td><td data-label=\"To\">{to}</td><td data-label=\"Subject\"><a href=\"/dev/mail/{id}\">{subject}</a></td></tr>",
            at = letter.sent_at.to_rfc3339(),
            shown = shown(letter.sent_at),
            to = escaped(&letter.to),
            id = letter.id,
            subject = escaped(&letter.subject),
        )
    };
    let rows: String = letters.iter().map(row).collect();
    let list = match rows.is_empty() {
        true => "<div class=\"empty\"><p>No letter was sent yet.</p></div>".into(),
        false => format!(
            "<table class=\"data-table\"><thead><tr><th scope=\"col\">Sent (UTC)</th><th scope=\"col\">To</th>\
             <th scope=\"col\">Subject</th></tr></thead><tbody>{rows}</tbody></table>"
        ),
    };
    let words = "<p class=\"field-help\">Letters that the program has sent, the newest first. In development they go nowhere else.</p>";
    Ok(page(&context, "Mailbox", &format!("<h1>Mailbox</h1>{words}{list}")))
}

fn shown(at: DateTime<Utc>) -> impl Display {
    at.format("%Y-%m-%d %H:%M:%S")
}

async fn show(State(context): State<Context>, Path(id): Path<Uuid>) -> Result<Response> {
    let letter = letter(&context, id).await?;
    let (from, to, subject) = (escaped(&letter.from), escaped(&letter.to), escaped(&letter.subject));
    let body = format!(
        "<p><a href=\"/dev/mail\">All letters</a></p><h1>{subject}</h1>\
         <dl class=\"kv\"><dt>From</dt><dd>{from}</dd><dt>To</dt><dd>{to}</dd><dt>Sent</dt>\
         <dd><time datetime=\"{at}\">{shown} UTC</time></dd></dl>\
         <h2>Text</h2><pre class=\"code\" tabindex=\"0\">{text}</pre>\
         <h2>HTML</h2><iframe class=\"letter\" title=\"The letter as HTML\" src=\"/dev/mail/{id}/html\" \
         sandbox=\"allow-top-navigation-by-user-activation\"></iframe>\
         <details><summary>Source</summary><pre class=\"code\" tabindex=\"0\">{source}</pre></details>",
        at = letter.sent_at.to_rfc3339(),
        shown = shown(letter.sent_at),
        text = with_links(&letter.text),
        source = escaped(&letter.html),
    );
    Ok(page(&context, &subject, &body))
}

async fn html(State(context): State<Context>, Path(id): Path<Uuid>) -> Result<Response> {
    let letter = letter(&context, id).await?;
    // A link leads the whole window on, not the frame.
    let body = letter.html.replacen("<head>", "<head><base target=\"_top\">", 1);
    Ok(([(CONTENT_SECURITY_POLICY, LETTER)], Html(body)).into_response())
}

async fn letter(context: &Context, id: Uuid) -> Result<Stored> {
    let found = mailbox::get(&context.app.config.mail.folder, id).await.map_err(anyhow::Error::from)?;
    found.ok_or_else(|| Error::from(Problem::NotFound { what: Thing::Page }))
}

fn page(context: &Context, title: &str, body: &str) -> Response {
    let style = escaped(&context.style);
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} · starter</title><link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"{style}\"><script src=\"/theme.js\"></script></head>\
         <body><header class=\"topbar\"><a href=\"/\">starter</a></header>\
         <main class=\"page stack\" id=\"content\">{body}</main></body></html>"
    );
    ([(CONTENT_SECURITY_POLICY, PAGE)], Html(page)).into_response()
}

/// The text, with each address in it as a link.
fn with_links(text: &str) -> String {
    let link = |word: &str| match word.starts_with("https://") || word.starts_with("http://") {
        true => format!("<a href=\"{0}\">{0}</a>", escaped(word)),
        false => escaped(word),
    };
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let bare = word.trim_end();
            link(bare) + &word[bare.len()..]
        })
        .collect()
}
