//! The letter that tells somebody of a note.

use model::notes::Permission;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::shares::receipt;
use crate::mail::{Content, Message, Recipient, framed};
use crate::{App, Result};

/// What is stored of it until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteLetter {
    pub user_id: Uuid,
    pub share_id: Uuid,
}

impl NoteLetter {
    /// The letter as it is now; none when the share has ended. The note's title is not in it: letters are read on the way, and it would be
    /// a stranger's words to the user.
    pub async fn written(&self, app: &App, to: &Recipient) -> Result<Option<Message>> {
        let Some(share) = receipt(&app.db, self.share_id).await? else { return Ok(None) };
        let link = format!("{}/notes/{}", app.config.server.public_url.trim_end_matches('/'), share.note_id);
        let allowed = match share.permission {
            Permission::Read => "read it",
            Permission::Write => "read and change it",
        };
        Ok(Some(framed(&Content {
            subject: "A note was shared with you",
            to: &to.email,
            username: &to.username,
            before: vec![format!("{} shares a note with you. You may {allowed}.", share.owner)],
            link: Some(("Open the note", &link)),
            after: vec!["If you do not want it, you can leave it on its page.".into()],
        })))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::mail::Letter;

    /// When it fails, letters that are queued now would be lost.
    #[test]
    fn a_letter_that_was_queued_before_can_still_be_read() {
        let id = "0195c0e0-0000-7000-8000-000000000000";
        let stored = json!({"letter": "note_shared", "user_id": id, "share_id": id});
        let letter: Letter = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(letter).unwrap(), stored);
    }
}
