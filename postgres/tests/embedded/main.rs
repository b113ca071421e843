//! The crate from outside, with the PostgreSQL of this machine.

mod recovery;
mod sharing;
mod single_user;
mod support;
