//! What people and programs meet, through the doors that they use. One binary, because linking takes longest.

mod accounts;
mod addresses;
mod api_keys;
mod browsers;
mod commands;
mod dead_letter;
mod health;
mod limits;
mod live;
mod outcomes;
mod permissions;
mod prefetch;
mod property;
mod queue;
mod refusals;
mod schedules;
mod sessions;
mod sudo;
mod support;
mod tasks;
mod testing;
mod torture;
mod workers;
