//! `email`: a letter that somebody writes, sent by the program's mail transport.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use ammonia::{Builder, UrlRelative};
use model::tasks::{Email, EmailSent, RetryStrategy, TaskKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, NO_ANSWER, Policy, Stop, Work};
use crate::mail::{Message, escaped};
use crate::{Actor, App, auth};

/// What mail programs show well. No pictures: one from elsewhere would tell its server who reads the letter and when.
static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .rm_tags(["img", "map", "area"])
        .tag_attributes(HashMap::from([("a", ["href", "title"].into()), ("ol", ["start"].into())]))
        .generic_attributes(Default::default())
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(UrlRelative::Deny);
    builder
});

impl Work for Email {
    const NAME: &'static str = TaskKind::Email.name();
    const DESCRIPTION: &'static str = TaskKind::Email.description();

    /// As for the letters of the program: mail servers are away for minutes to hours.
    fn policy() -> Policy {
        let retry =
            RetryStrategy::Exponential { base_delay: 5.0, multiplier: 3.0, max_delay: 3600.0, max_attempts: 10 };
        Policy { retry, timeout: Duration::from_secs(60), ..Policy::default() }
    }

    async fn admit(&self, app: &App, actor: &Actor) -> crate::Result<()> {
        auth::take(app, auth::Limit::EmailPerAccount, &actor.id().to_string()).await.map(drop)
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let Some(owner) = context.owner() else { return Err(Stop::Fatal("Nobody has written the letter".into())) };
        let sender = sender(context, owner).await.map_err(|error| context.again(NO_ANSWER, error))?;
        let sender = sender.ok_or_else(|| Stop::Fatal("The account of the sender is closed".into()))?;
        let message = written(&self, &sender, &context.app.config.server.public_url);
        context.app.mailer.send(context, &message).await?;
        tracing::info!(task_id = %context.task_id(), "a letter of a user was sent");
        Ok(json!(EmailSent { sent: true, to: self.to }))
    }
}

async fn sender(context: &Context, id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select username from users where id = $1 and is_active", id)
        .fetch_optional(&context.app.db)
        .await
}

/// Both parts, each with a line that says who has written it: the letter comes from the program's address, and must not pass for one of its own.
fn written(email: &Email, sender: &str, public_url: &str) -> Message {
    let words = format!("Written by {sender}, sent by {public_url}");
    let html = match &email.html {
        Some(html) => SAFE.clean(html).to_string(),
        None => email.body.lines().map(|line| format!("{}<br>", escaped(line))).collect(),
    };
    // A line break would begin a header of its own; the payload was checked when it came.
    let subject: String = email.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Message {
        to: email.to.clone(),
        text: format!("{}\n\n-- \n{words}\n", email.body.trim_end()),
        html: format!(
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>{}</title></head><body>{html}<hr><p>{}</p></body></html>",
            escaped(&subject),
            escaped(&words),
        ),
        subject: subject.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html_of(html: &str) -> String {
        let email =
            Email { to: "a@example.com".into(), subject: "x".into(), body: "y".into(), html: Some(html.into()) };
        written(&email, "Ada", "https://example.com").html
    }

    #[test]
    fn nothing_of_the_html_runs_or_loads() {
        let bad = "<p onclick=x() style=a class=b>Hi</p><script>x()</script><img src=https://e.example/p.png><style>p{}</style>\
                   <a href=javascript:x()>a</a><a href=/local>b</a><iframe src=https://e.example></iframe><form action=x><input></form>";
        let html = html_of(bad);
        for part in ["script", "onclick", "img", "javascript", "style", "class", "iframe", "form", "input", "/local"] {
            assert!(!html.contains(part), "{part}: {html}");
        }
        assert!(html.contains("<p>Hi</p>"), "{html}");
        assert!(html_of("<a href=\"https://e.example/\">a</a>").contains("href=\"https://e.example/\""));
    }

    #[test]
    fn a_text_alone_becomes_html_that_says_the_same() {
        let email = Email { to: "a@example.com".into(), subject: "<b>".into(), body: "1 < 2\n& 3".into(), html: None };
        let message = written(&email, "Ada", "https://example.com");
        assert!(message.html.contains("1 &lt; 2<br>&amp; 3<br>"), "{}", message.html);
        assert!(message.html.contains("<title>&lt;b&gt;</title>"), "{}", message.html);
        assert!(
            message.text.ends_with("& 3\n\n-- \nWritten by Ada, sent by https://example.com\n"),
            "{}",
            message.text
        );
    }
}
