//! What people and programs meet, through the doors that they use. One binary, because linking takes longest.

mod accounts;
mod admin;
mod browsers;
mod commands;
mod dead_letter;
mod health;
mod limits;
mod live;
mod mail;
mod outcomes;
mod password_reset;
mod people;
mod permissions;
mod prefetch;
mod property;
mod queue;
mod refusals;
mod schedules;
mod sessions;
mod support;
mod tasks;
mod testing;
mod torture;
mod verification;
mod workers;
