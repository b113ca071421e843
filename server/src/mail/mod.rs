//! Letters to users: what they say, how they are queued, and the two ways out of the program.
//!
//! A letter is a task of the kind `mail`, queued in the transaction of the change that it is about. Its payload says which letter and to
//! whom; text, address and link are made at the time of sending, so a token is never in the database.

mod letter;
pub mod mailbox;
mod transport;
mod words;

pub use letter::{Letter, Recipient, link, queue, queue_once_in};
pub use transport::{Mailer, check};
pub use words::{Content, Message, escaped, framed};
