/// What is said when a change of notes was made, by its key in the address.
pub fn done(key: &str) -> Option<&'static str> {
    Some(match key {
        "note-created" => "The note was created.",
        "note-saved" => "The note was saved.",
        "note-deleted" => "The note was deleted.",
        "note-shared" => "The note is shared. Its receiver is told.",
        "note-share-changed" => "The share was changed.",
        "note-revoked" => "The share has ended.",
        "note-left" => "You have left the note.",
        "note-hidden" => "The note is hidden from the public. Its owner is told.",
        "note-unhidden" => "The note is open to the public again.",
        _ => return None,
    })
}
