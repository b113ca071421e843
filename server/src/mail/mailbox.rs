//! The mailbox of development: letters as files in a folder that all processes of the machine read.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::fs;
use uuid::Uuid;

use super::words::Message;
use crate::config::MailConfig;

/// Letters that stay in the folder; older ones are removed.
const KEPT_AT_MOST: usize = 500;

/// A letter as it lies in the mailbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stored {
    /// Of the task that sent it. In the order of time.
    pub id: Uuid,
    pub sent_at: DateTime<Utc>,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Puts a letter into the folder; one of the same id is replaced.
pub(super) async fn put(mail: &MailConfig, id: Uuid, message: &Message) -> io::Result<()> {
    let stored = Stored {
        id,
        sent_at: Utc::now(),
        from: mail.from.clone(),
        to: message.to.clone(),
        subject: message.subject.clone().into_owned(),
        text: message.text.clone(),
        html: message.html.clone(),
    };
    fs::create_dir_all(&mail.folder).await?;
    // Renamed when it is whole, so that nobody reads a half.
    let unfinished = mail.folder.join(format!("{id}.part"));
    fs::write(&unfinished, serde_json::to_vec_pretty(&stored)?).await?;
    fs::rename(unfinished, file(&mail.folder, id)).await?;
    for id in ids(&mail.folder).await?.into_iter().skip(KEPT_AT_MOST) {
        fs::remove_file(file(&mail.folder, id)).await.or_else(unless_missing)?;
    }
    Ok(())
}

/// All letters, the newest first.
pub async fn list(folder: &Path) -> io::Result<Vec<Stored>> {
    let mut letters = Vec::new();
    for id in ids(folder).await? {
        letters.extend(get(folder, id).await?);
    }
    Ok(letters)
}

/// One letter.
pub async fn get(folder: &Path, id: Uuid) -> io::Result<Option<Stored>> {
    match fs::read(file(folder, id)).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn file(folder: &Path, id: Uuid) -> PathBuf {
    folder.join(format!("{id}.json"))
}

async fn ids(folder: &Path) -> io::Result<Vec<Uuid>> {
    let mut ids = Vec::new();
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ids),
        Err(error) => return Err(error),
    };
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        ids.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<Uuid>().ok()));
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ids)
}

/// Another process may have been faster.
fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
