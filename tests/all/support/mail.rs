//! Letters: what the mailbox holds, and what people do with the links in them.

use std::path::{Path, PathBuf};

use serde_json::json;
use server::mail::Letter;
use server::mail::mailbox::{self, Stored};
use server::tasks::kinds::Work;
use server::tasks::{enqueue, testing};
use uuid::Uuid;

use super::{Answer, Person, TestApp, account, id_of};

/// A mailbox of its own for each test.
pub fn new_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail").join(Uuid::now_v7().to_string())
}

pub fn remove_folder(folder: &Path) {
    // Most tests send nothing, so there is none.
    drop(std::fs::remove_dir_all(folder));
}

/// The token of the link in a text.
pub fn token_in(text: &str) -> String {
    let rest = text.split("?token=").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
}

impl TestApp {
    /// Creates an account, and leaves its letter in the queue.
    pub async fn sign_up(&self, name: &str) -> Person {
        let profile = self.send("/api/v1/auth/register", account(name)).await.data();
        let email = profile["email"].as_str().expect("an email").to_owned();
        Person { id: id_of(&profile), name: name.into(), email, token: self.log_in(name).await }
    }

    /// Takes every letter out of the queue that no worker has sent.
    pub async fn take_letters_back(&self) {
        let statement = "delete from tasks using task_types where task_types.id = task_type_id and name = 'mail'";
        sqlx::query(statement).execute(&self.app.db).await.expect("the rows are deleted");
    }

    /// Queues a letter as the program does.
    pub async fn post_letter(&self, letter: &Letter) -> Uuid {
        let new = model::tasks::NewTask {
            task_type: Letter::NAME.into(),
            payload: json!(letter),
            ..model::tasks::NewTask::default()
        };
        enqueue(&self.app, None, new).await.expect("the letter is queued").id
    }

    /// What waits to be sent.
    pub async fn letters_waiting(&self) -> Vec<Letter> {
        let waiting = testing::waiting::<Letter>(&self.app).await.expect("the tasks are read");
        waiting.into_iter().map(|task| task.payload).collect()
    }

    /// What was sent, the newest first.
    pub async fn letters(&self) -> Vec<Stored> {
        mailbox::list(&self.app.config.mail.folder).await.expect("the mailbox is read")
    }

    /// Sends what waits; the answer is the token in the newest letter.
    pub async fn newest_token(&self) -> String {
        self.work().await;
        token_in(&self.letters().await.first().expect("a letter").text)
    }

    /// The token in the newest letter with one to this address.
    pub async fn newest_token_to(&self, email: &str) -> String {
        let letters = self.letters().await;
        let letter = letters.iter().find(|letter| letter.to == email && letter.text.contains("?token="));
        token_in(&letter.expect("a letter with a link").text)
    }

    pub async fn verify(&self, token: &str) -> Answer {
        self.send("/api/v1/auth/verify-email", json!({"token": token})).await
    }

    pub async fn forgot(&self, email: &str) -> Answer {
        self.send("/api/v1/auth/password/forgot", json!({"email": email})).await
    }

    pub async fn reset(&self, token: &str, new_password: &str) -> Answer {
        self.send("/api/v1/auth/password/reset", json!({"token": token, "new_password": new_password})).await
    }
}
