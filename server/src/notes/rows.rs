//! The table `notes`, note by note; its lists are in `listed.rs`. Who may see a note stands in the `where`.

use chrono::{DateTime, Utc};
use model::notes::{Found, Note, NoteInput, Part, Permission};
use model::rbac::Relation;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Result;

/// What PostgreSQL puts around a word that was found: two characters of private use, which mean nothing in a text.
const MARKS: (char, char) = ('\u{e000}', '\u{e001}');

/// A note as it is stored, and how it is shared with the reader.
pub(super) struct Row {
    pub id: Uuid,
    pub user_id: Uuid,
    pub username: String,
    pub title: String,
    pub content: String,
    pub is_public: bool,
    pub hidden_reason: Option<String>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub permission: Option<Permission>,
    pub found_title: Option<String>,
    pub found_content: Option<String>,
}

impl Row {
    pub fn seen_by(self, reader: Uuid) -> Note {
        let relation = match self.permission {
            _ if self.user_id == reader => Relation::Own,
            Some(permission) => permission.relation(),
            None if self.is_public => Relation::Public,
            None => Relation::Other,
        };
        let found = self.found_title.zip(self.found_content);
        Note {
            id: self.id,
            user_id: self.user_id,
            username: self.username,
            title: self.title,
            content: self.content,
            is_public: self.is_public,
            hidden_reason: self.hidden_reason,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            relation,
            found: found.map(|(title, content)| Found { title: parts(&title), content: parts(&content) }),
        }
    }
}

/// A marked text in its pieces.
fn parts(marked: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in marked.split_inclusive([MARKS.0, MARKS.1]) {
        let text = piece.trim_end_matches([MARKS.0, MARKS.1]);
        if !text.is_empty() {
            parts.push(Part { text: text.to_owned(), is_match: piece.ends_with(MARKS.1) });
        }
    }
    parts
}

/// The note, if this reader may see it.
pub async fn get(db: impl PgExecutor<'_>, reader: Uuid, sees_hidden: bool, id: Uuid) -> Result<Option<Note>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select n.id, n.user_id, u.username, n.title, n.content, n.is_public, n.hidden_reason, n.version, n.created_at,
            n.updated_at, s.permission as "permission?: Permission", null as found_title, null as found_content
        from notes n
        join users u on u.id = n.user_id and u.deleted_at is null
        left join note_shares s on s.note_id = n.id and s.user_id = $2
        where n.id = $1
          and (n.user_id = $2 or s.user_id is not null or n.is_public and (n.hidden_at is null or $3))
        "#,
        id,
        reader,
        sees_hidden,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.seen_by(reader)))
}

/// Nobody else changes the note, and nobody shares it, until the end of the transaction.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("select id from notes where id = $1 for update", id).fetch_optional(conn).await?;
    Ok(())
}

/// How many notes the user has. Under a lock on the user, so that two at once can not both be the last.
pub async fn count_of(conn: &mut PgConnection, user_id: Uuid) -> Result<i64> {
    sqlx::query!("select id from users where id = $1 for no key update", user_id).fetch_one(&mut *conn).await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from notes where user_id = $1"#, user_id);
    Ok(count.fetch_one(conn).await?)
}

/// Writes a new note; the answer is its id.
pub async fn insert(conn: &mut PgConnection, user_id: Uuid, new: &NoteInput) -> Result<Uuid> {
    // Taken apart, so that a further field is named by the compiler here.
    let NoteInput { title, content: _, is_public, version: _ } = new;
    let id = sqlx::query_scalar!(
        "insert into notes (id, user_id, title, content, is_public) values ($1, $2, $3, $4, $5) returning id",
        Uuid::now_v7(),
        user_id,
        title.trim(),
        new.content(),
        is_public.unwrap_or_default(),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Changes a note that is locked.
pub async fn update(conn: &mut PgConnection, id: Uuid, edit: &NoteInput) -> Result<()> {
    let NoteInput { title, content: _, is_public, version: _ } = edit;
    sqlx::query!(
        r#"
        update notes
        set title = $2, content = $3, is_public = coalesce($4, is_public), version = version + 1, updated_at = now()
        where id = $1
        "#,
        id,
        title.trim(),
        edit.content(),
        *is_public,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a note from the public, or gives it back.
pub async fn set_hidden(conn: &mut PgConnection, id: Uuid, reason: Option<&str>) -> Result<()> {
    sqlx::query!(
        "update notes set hidden_reason = $2, hidden_at = case when $2::text is not null then now() end where id = $1",
        id,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a note, and with it its shares.
pub async fn delete(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("delete from notes where id = $1", id).execute(conn).await?;
    Ok(())
}

/// The owner, and everybody with whom the note is shared.
pub async fn watchers(conn: &mut PgConnection, id: Uuid) -> Result<Vec<Uuid>> {
    let watchers = sqlx::query_scalar!(
        r#"
        select user_id as "user_id!" from notes where id = $1
        union all
        select user_id from note_shares where note_id = $1
        "#,
        id,
    );
    Ok(watchers.fetch_all(conn).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_text_is_cut_into_its_pieces() {
        let marked = format!("a {}cup{} of {}tea{}", MARKS.0, MARKS.1, MARKS.0, MARKS.1);
        let read = |marked: &str| -> Vec<(String, bool)> {
            parts(marked).into_iter().map(|part| (part.text, part.is_match)).collect()
        };
        let expected = [("a ", false), ("cup", true), (" of ", false), ("tea", true)];
        assert_eq!(read(&marked), expected.map(|(text, is_match)| (text.to_owned(), is_match)));
        assert_eq!(read(""), []);
        assert_eq!(read("<b>no</b>"), [("<b>no</b>".to_owned(), false)]);
    }
}
