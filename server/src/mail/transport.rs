use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Envelope, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::mailbox;
use super::words::Message;
use crate::Config;
use crate::config::{MailConfig, MailTransport};
use crate::tasks::kinds::{Context, Stop};

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// The longest that one command of the talk with the mail server may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);
/// Permanent replies that are about our login and not about the letter (RFC 4954, 6).
const ABOUT_THE_LOGIN: [&str; 4] = ["530", "534", "535", "538"];

/// The way out for letters; cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    config: Arc<Config>,
    smtp: Arc<OnceCell<Smtp>>,
}

impl Mailer {
    /// By the settings; nothing is contacted before the first letter.
    pub fn new(config: Arc<Config>) -> Self {
        Self { config, smtp: Arc::default() }
    }

    /// Sends the letter of a task, or puts it into the mailbox of development. The same task is the same letter to a mail server that knows it
    /// already. What the library said of a failure is kept for administrators: a reply of the server may repeat the address.
    ///
    /// # Errors
    /// [`Stop::Fatal`] for an address that is none and when the server refuses the letter for good (5xx, RFC 5321, 4.2.1); [`Stop::Retry`]
    /// for everything that may pass: 4xx, no connection, and a refused login, which is our fault and not the letter's.
    pub async fn send(&self, context: &Context, message: &Message) -> Result<(), Stop> {
        let (mail, id) = (&self.config.mail, context.task_id());
        let envelope = envelope(mail, id, message)?;
        if mail.transport == MailTransport::Mailbox {
            let put = mailbox::put(mail, id, message).await;
            return put.map_err(|error| context.again("The mailbox cannot be written", error));
        }
        let smtp = self.smtp.get_or_try_init(async || transport(mail)).await.map_err(|_| refused_settings())?;
        smtp.send(envelope).await.map(drop).map_err(|error| {
            let stop = stop(&error);
            context.note_causes(error);
            stop
        })
    }

    /// What keeps letters from arriving, in words for those who run the program.
    pub fn complaint(&self) -> Option<&'static str> {
        let is_production = self.config.environment == crate::config::Environment::Production;
        (is_production && self.config.mail.transport == MailTransport::Mailbox).then_some(
            "mail.transport is `mailbox`, so no letter reaches anybody. Set mail.transport = \"smtp\" and mail.smtp_url",
        )
    }

    /// Whether people may read the mailbox of development.
    pub fn has_open_mailbox(&self) -> bool {
        self.config.environment == crate::config::Environment::Development
            && self.config.mail.transport == MailTransport::Mailbox
    }
}

/// Refuses settings by which no letter could be sent.
pub fn check(mail: &MailConfig) -> anyhow::Result<()> {
    Mailbox::from_str(&mail.from).context("mail.from must be an address, such as `Starter <starter@example.com>`")?;
    if mail.transport == MailTransport::Smtp {
        ensure!(mail.smtp_url.is_some(), "mail.smtp_url must be set when mail.transport is `smtp`");
        // The library's text could repeat the password.
        ensure!(transport(mail).is_ok(), "mail.smtp_url must be such as smtps://name:password@mail.example.com");
    }
    Ok(())
}

fn transport(mail: &MailConfig) -> Result<Smtp, SmtpError> {
    let url = mail.smtp_url.as_ref().map_or("", |url| url.expose_secret());
    Ok(Smtp::from_url(url)?.timeout(Some(COMMAND_TIMEOUT)).build())
}

fn refused_settings() -> Stop {
    Stop::Retry("The settings of the mail server cannot be used".into())
}

/// The letter as it travels. A subject is one line, and an address is parsed, so neither can bring a header of its own.
fn envelope(mail: &MailConfig, id: Uuid, message: &Message) -> Result<Envelope, Stop> {
    let from = Mailbox::from_str(&mail.from).map_err(|_| refused_settings())?;
    let to = Address::from_str(&message.to).map_err(|_| Stop::Fatal("The address of the user is not one".into()))?;
    let message_id = format!("<{id}@{}>", from.email.domain());
    // RFC 3834, 5: no vacation notice answers it.
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    Envelope::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(message.subject.clone())
        .message_id(Some(message_id))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
        .map_err(|_| Stop::Fatal("The letter cannot be put together".into()))
}

/// In our own words.
fn stop(error: &SmtpError) -> Stop {
    let code = error.status().map(|code| code.to_string());
    tracing::warn!(code = code.as_deref().unwrap_or("none"), is_timeout = error.is_timeout(), "a letter was not sent");
    match code {
        Some(code) if error.is_permanent() && ABOUT_THE_LOGIN.contains(&code.as_str()) => {
            Stop::Retry(format!("The mail server refuses our login ({code})"))
        }
        Some(code) if error.is_permanent() => {
            Stop::Fatal(format!("The mail server refused the letter for good ({code})"))
        }
        Some(code) => Stop::Retry(format!("The mail server cannot take the letter now ({code})")),
        None => Stop::Retry("The mail server cannot be reached".into()),
    }
}
