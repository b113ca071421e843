//! Notes: what one is, what it must keep to, and with whom it is shared.

mod rules;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rbac::Relation;
use crate::users::manage::require_reason;
use crate::{FieldProblem, Problem};
pub use rules::RULES;

/// Most characters of what is searched for.
pub const SEARCH_MAX: usize = 200;

/// How large and how many notes may be; the section `notes` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoteLimits {
    /// Most characters of a title; at most 200.
    pub title_length: usize,
    /// Most characters of a content; at most 100,000.
    pub content_length: usize,
    /// Notes that one user has at the most.
    pub per_user: u32,
    /// Users with whom one note is shared at the most.
    pub shares_per_note: u32,
}

impl Default for NoteLimits {
    fn default() -> Self {
        Self { title_length: 200, content_length: 50_000, per_user: 1000, shares_per_note: 50 }
    }
}

/// A note, as somebody sees it who may read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    pub id: Uuid,
    /// Its owner.
    pub user_id: Uuid,
    pub username: String,
    pub title: String,
    /// Markdown (CommonMark, with tables, task lists and strike-through).
    pub content: String,
    /// Open to everybody who is signed in.
    pub is_public: bool,
    /// Why a moderator has taken it from the public.
    pub hidden_reason: Option<String>,
    /// Goes up by one at each edit.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// How the reader stands to it.
    pub relation: Relation,
    /// Where a search found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

/// Characters of a content that a list shows.
const BEGINNING: usize = 200;

impl Note {
    /// The same note with the beginning of its content only.
    pub fn shortened(mut self) -> Self {
        if let Some((end, _)) = self.content.char_indices().nth(BEGINNING) {
            self.content.truncate(end);
            self.content.push('…');
        }
        self
    }
}

/// Title and the places of the content in which the words of a search are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    pub title: Vec<Part>,
    pub content: Vec<Part>,
}

/// A piece of plain text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Part {
    pub text: String,
    /// Whether it is one of the words.
    pub is_match: bool,
}

/// A note, as somebody writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoteInput {
    #[cfg_attr(feature = "openapi", schema(required))]
    pub title: String,
    /// Empty in a new note when absent. An edit has to say it, or one that forgets it would empty the note.
    pub content: Option<String>,
    /// Stays as it is when absent, and is no at first. Only the owner may change it.
    pub is_public: Option<bool>,
    /// The version that was read before: an edit of an older one is refused. Without it the last one to write wins.
    pub version: Option<i32>,
}

impl NoteInput {
    /// As it was meant in a form, which has an input for the text: an empty one does not arrive.
    #[must_use]
    pub fn of_form(mut self) -> Self {
        self.content.get_or_insert_default();
        self
    }

    /// The text, which is empty when none is given.
    pub fn content(&self) -> &str {
        self.content.as_deref().unwrap_or_default()
    }

    /// Checks every field of a new note and reports all of them at once, in the order of the form.
    pub fn check(&self, limits: &NoteLimits) -> Result<(), Problem> {
        self.checked(limits, false)
    }

    /// The same for an edit.
    pub fn check_edit(&self, limits: &NoteLimits) -> Result<(), Problem> {
        self.checked(limits, true)
    }

    fn checked(&self, limits: &NoteLimits, is_edit: bool) -> Result<(), Problem> {
        let (title, content) = (self.title.trim().chars().count(), self.content().chars().count());
        let mut fields = Vec::new();
        if !(1..=limits.title_length).contains(&title) {
            fields.push(FieldProblem::new("title", format!("must have 1 to {} characters", limits.title_length)));
        }
        if is_edit && self.content.is_none() {
            fields.push(FieldProblem::new("content", "is missing; an empty text empties the note"));
        }
        if content > limits.content_length {
            let most = limits.content_length;
            fields.push(FieldProblem::new("content", format!("has {content} characters, at most {most} are allowed")));
        }
        if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
    }
}

/// What somebody may do with a note that is shared with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "postgres", derive(sqlx::Type), sqlx(type_name = "note_permission", rename_all = "lowercase"))]
pub enum Permission {
    Read,
    /// Includes reading.
    Write,
}

impl Permission {
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// The word on the wire and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// How somebody stands to a note that is shared with them so.
    pub fn relation(self) -> Relation {
        match self {
            Self::Read => Relation::SharedRead,
            Self::Write => Relation::SharedWrite,
        }
    }
}

/// Somebody with whom a note is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoteShare {
    pub id: Uuid,
    pub user_id: Uuid,
    pub username: String,
    pub permission: Permission,
    pub created_at: DateTime<Utc>,
}

/// The wish to share a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShareNote {
    /// Username, verified email, or id.
    pub user: String,
    pub permission: Permission,
}

/// The wish to share a note otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeShare {
    pub permission: Permission,
}

/// The wish of a moderator to take a note from the public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HideNote {
    /// Its owner reads it, and it goes into the audit log; must not be blank.
    #[cfg_attr(feature = "openapi", schema(pattern = r"\S", max_length = 500))]
    pub reason: String,
}

impl HideNote {
    pub fn check(&self) -> Result<(), Problem> {
        require_reason(&self.reason)
    }
}

/// Which notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NoteList {
    #[default]
    Own,
    /// Those that others share with the reader.
    Shared,
    /// Those that others have opened to everybody. Moderators see the hidden ones as well.
    Public,
}

impl NoteList {
    pub const ALL: [Self; 3] = [Self::Own, Self::Shared, Self::Public];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
            Self::Public => "public",
        }
    }

    /// The words on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Own => "My notes",
            Self::Shared => "Shared with me",
            Self::Public => "Public",
        }
    }
}

/// The order of a list of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NoteSort {
    /// By the last edit, the latest first; what lists without a search use.
    Updated,
    /// By creation, the newest first.
    Newest,
    Title,
    /// The best match first; what searches use.
    Best,
}

impl NoteSort {
    pub const ALL: [Self; 4] = [Self::Updated, Self::Newest, Self::Title, Self::Best];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Newest => "newest",
            Self::Title => "title",
            Self::Best => "best",
        }
    }

    /// The words on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Updated => "last edit first",
            Self::Newest => "newest first",
            Self::Title => "by title",
            Self::Best => "best match first",
        }
    }
}

/// Which notes a list shows, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct NoteFilter {
    /// The own ones when absent.
    #[cfg_attr(feature = "openapi", param(inline))]
    pub list: Option<NoteList>,
    /// Words in title or content; `"…"` for a phrase, `or`, and `-` for what must not be there.
    pub search: Option<String>,
    #[cfg_attr(feature = "openapi", param(inline))]
    pub sort: Option<NoteSort>,
}

impl NoteFilter {
    /// The words to look for; a search for nothing is none.
    pub fn words(&self) -> Option<&str> {
        self.search.as_deref().map(str::trim).filter(|words| !words.is_empty())
    }

    pub fn list(&self) -> NoteList {
        self.list.unwrap_or_default()
    }

    /// The order; the best match is one only where something is searched for.
    pub fn sort(&self) -> NoteSort {
        let (first, is_possible) = match self.words() {
            Some(_) => (NoteSort::Best, true),
            None => (NoteSort::Updated, false),
        };
        self.sort.filter(|sort| *sort != NoteSort::Best || is_possible).unwrap_or(first)
    }

    pub fn check(&self) -> Result<(), Problem> {
        if self.words().is_some_and(|words| words.chars().count() > SEARCH_MAX) {
            return Err(Problem::field("search", format!("must have at most {SEARCH_MAX} characters")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_a_title_and_no_more_content_than_allowed() {
        let limits = NoteLimits { title_length: 5, content_length: 3, ..NoteLimits::default() };
        let refused = |title: &str, content: Option<&str>| -> Vec<String> {
            let input = NoteInput { title: title.into(), content: content.map(Into::into), ..NoteInput::default() };
            let problem = input.check_edit(&limits).err();
            problem.map(|problem| problem.fields()).unwrap_or_default().into_iter().map(|field| field.field).collect()
        };
        assert_eq!(refused("ünïcö", Some("äöü")), Vec::<String>::new(), "characters are counted, not bytes");
        assert_eq!(refused(" ", Some("")), ["title"]);
        assert_eq!(refused("longer", Some("long")), ["title", "content"]);
        assert_eq!(refused("longer", None), ["title", "content"], "an edit says the text");
        let new = NoteInput { title: "ünïcö".into(), ..NoteInput::default() };
        assert_eq!(new.check(&limits), Ok(()), "a new note begins empty");
    }

    #[test]
    fn the_best_match_comes_first_where_there_is_a_search_and_only_there() {
        let sort = |search: Option<&str>, sort| NoteFilter { search: search.map(Into::into), sort, list: None }.sort();
        assert_eq!(sort(None, None), NoteSort::Updated);
        assert_eq!(sort(Some(" "), Some(NoteSort::Best)), NoteSort::Updated);
        assert_eq!(sort(Some("tea"), None), NoteSort::Best);
        assert_eq!(sort(Some("tea"), Some(NoteSort::Title)), NoteSort::Title);
    }
}
