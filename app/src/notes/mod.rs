//! Notes as people see them. The feature to copy from.

pub mod api;
mod autosave;
mod create;
mod done;
mod draft;
mod edit;
mod limits;
mod list;
mod meta;
pub mod queries;
mod share;
mod view;

pub use done::done;
pub use draft::forget_all as forget_drafts;
pub use edit::EditNotePage;
pub use limits::provide_limits;
pub use list::NotesPage;
pub use share::ShareNotePage;
pub use view::NotePage;
