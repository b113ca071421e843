//! What people are told in the program: a list, and a count in the bar of every page.

pub mod api;
mod list;
pub mod queries;
mod unread;

pub use list::NotificationsPage;
pub use unread::in_the_bar;
