//! What the pages read of tasks, in the query cache: fresh for 10 s, read again in the background every 30 s and at a live hint.

use std::time::Duration;

use leptos::prelude::*;
use leptos_fetch::{QueryClient, QueryOptions, QueryScope};
use model::tasks::{DeadGroup, Delivery, Operations, Period, TaskFilter, TaskListed, TaskSeen, TaskStats};
use model::{Page, PageRequest};
use uuid::Uuid;

use super::api;
use crate::cached::cached;
use crate::error::ApiError;

/// Which part of which list.
pub type ListKey = (TaskFilter, PageRequest);

fn options() -> QueryOptions {
    QueryOptions::new().with_stale_time(Duration::from_secs(10)).with_refetch_interval(Duration::from_secs(30))
}

fn lists() -> QueryScope<ListKey, Result<Page<TaskListed>, ApiError>> {
    QueryScope::new(|(filter, page): ListKey| api::list_tasks(filter, page)).with_options(options())
}

fn tasks() -> QueryScope<Uuid, Result<TaskSeen, ApiError>> {
    QueryScope::new(api::get_task).with_options(options())
}

fn overviews() -> QueryScope<(), Result<TaskStats, ApiError>> {
    QueryScope::new(|()| api::task_overview()).with_options(options())
}

fn operations() -> QueryScope<Period, Result<Operations, ApiError>> {
    QueryScope::new(api::operations).with_options(options())
}

fn dead() -> QueryScope<(), Result<Vec<DeadGroup>, ApiError>> {
    QueryScope::new(|()| api::dead_groups()).with_options(options())
}

/// The queue as a whole.
pub fn queue(period: impl Fn() -> Period + Send + Sync + 'static) -> Resource<Result<Operations, ApiError>> {
    cached(operations(), period)
}

/// The dead letter by error.
pub fn dead_groups() -> Resource<Result<Vec<DeadGroup>, ApiError>> {
    cached(dead(), || ())
}

/// A part of a list.
pub fn list(key: impl Fn() -> ListKey + Send + Sync + 'static) -> Resource<Result<Page<TaskListed>, ApiError>> {
    cached(lists(), key)
}

/// One task.
pub fn one(id: impl Fn() -> Uuid + Send + Sync + 'static) -> Resource<Result<TaskSeen, ApiError>> {
    cached(tasks(), id)
}

fn tries() -> QueryScope<Uuid, Result<Vec<Delivery>, ApiError>> {
    QueryScope::new(api::task_deliveries).with_options(options())
}

/// The tries to deliver a webhook.
pub fn deliveries(id: Uuid) -> Resource<Result<Vec<Delivery>, ApiError>> {
    cached(tries(), move || id)
}

/// How many stand where.
pub fn overview() -> Resource<Result<TaskStats, ApiError>> {
    cached(overviews(), || ())
}

/// The task changed: what shows it is read again.
pub fn changed(client: &QueryClient, id: Uuid) {
    client.invalidate_query(tasks(), id);
    client.invalidate_query(tries(), id);
    lists_changed(client);
}

/// Lists, figures and the overview of the queue are read again.
pub fn lists_changed(client: &QueryClient) {
    client.invalidate_query_scope(lists());
    client.invalidate_query_scope(overviews());
    client.invalidate_query_scope(operations());
    client.invalidate_query_scope(dead());
}

/// Changes may have been missed: everything of tasks is read again.
pub fn all_changed(client: &QueryClient) {
    client.invalidate_query_scope(tasks());
    client.invalidate_query_scope(tries());
    lists_changed(client);
}
