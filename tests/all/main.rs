//! What people and programs meet, through the doors that they use. One binary, because linking takes longest.

mod accounts;
mod browsers;
mod commands;
mod health;
mod live;
mod permissions;
mod queue;
mod refusals;
mod sessions;
mod support;
mod tasks;
mod workers;
