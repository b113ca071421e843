//! What people do with notes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Person, TestApp, id_of};

pub const NOTES: &str = "/api/v1/notes";

pub fn path(id: Uuid) -> String {
    format!("{NOTES}/{id}")
}

/// The titles of a list, in its order.
pub fn titles(list: &Answer) -> Vec<String> {
    let data = list.data();
    data.as_array().expect("a list").iter().map(|note| note["title"].as_str().expect("a title").to_owned()).collect()
}

impl TestApp {
    /// Writes a private note of this title.
    pub async fn note(&self, person: &Person, title: &str) -> Uuid {
        self.note_of(person, json!({"title": title})).await
    }

    pub async fn note_of(&self, person: &Person, new: Value) -> Uuid {
        let created = self.post(person, NOTES, new).await;
        assert_eq!(created.status, 201, "{}", created.text);
        id_of(&created.json()["data"])
    }

    pub async fn share(&self, person: &Person, id: Uuid, user: &str, permission: &str) -> Answer {
        self.post(person, &format!("{}/share", path(id)), json!({"user": user, "permission": permission})).await
    }

    /// Anything about one note.
    pub async fn ask(&self, person: &Person, method: &str, id: Uuid, tail: &str, body: &Value) -> Answer {
        let request = self.request(method.parse().expect("a method"), &format!("{}{tail}", path(id)));
        let request = request.bearer_auth(&person.token);
        Answer::to(if body.is_null() { request } else { request.json(body) }).await
    }
}
