//! What is asked for: every page of the queue, and the list by each of its filters and some together.

use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::visitor::Visitor;

/// A path, and a text that stands in its answer: what shows nothing, or something else, is not what was to be measured.
pub type Page = (&'static str, &'static str);

/// A list with rows.
const ROWS: &str = "id=\"task-";
/// A list that is empty on purpose.
const NO_ROWS: &str = "No tasks here.";
/// How many tasks an action on all of a filter is for.
const COUNT: &str = " that match now";
/// A group of the dead letter.
const GROUPS: &str = "data-label=\"Error\"";
/// A type in the overview.
const TYPES: &str = "<code>bench_rare";

/// `rare` types and texts are those of which `fill.rs` makes a few; what stands in braces is found by [`names`].
pub const OF_ADMINISTRATOR: &[Page] = &[
    ("/dashboard", ROWS),
    ("/tasks/overview", TYPES),
    ("/tasks/overview?period=24h", TYPES),
    ("/tasks/overview?period=7d", TYPES),
    ("/tasks/dead", GROUPS),
    ("/tasks/new?kind=webhook", "Queue task"),
    ("/tasks/schedules/{schedule}", "Change schedule"),
    ("/tasks/{completed}", "What happened"),
    ("/tasks/{running}", "half of it"),
    ("/tasks/{dead}", "in a line of the program"),
    ("/tasks/{dead}/retry", "Run again with this payload"),
    ("/tasks/{webhook}", "data-label=\"Answer\""),
    ("/tasks/bulk?do=cancel", COUNT),
    ("/tasks/bulk?do=cancel&status=retrying", COUNT),
    ("/tasks/bulk?do=retry&status=failed", COUNT),
    ("/tasks/bulk?do=retry&status=failed&type=bench_1&error={error}", COUNT),
    ("/tasks/bulk?do=retry&text=refused", COUNT),
    ("/tasks/bulk?do=delete", COUNT),
    ("/tasks/bulk?do=delete&type=bench_rare&priority=critical", COUNT),
    ("/tasks/bulk?do=delete&text=note-7", COUNT),
    ("/tasks", ROWS),
    ("/tasks?after={deep}", ROWS),
    ("/tasks?status=pending", ROWS),
    ("/tasks?status=running", ROWS),
    ("/tasks?status=retrying", ROWS),
    ("/tasks?status=completed", ROWS),
    ("/tasks?status=failed", ROWS),
    ("/tasks?status=cancelled", ROWS),
    ("/tasks?type=bench_0", ROWS),
    ("/tasks?type=bench_0&after={deep}", ROWS),
    ("/tasks?type=bench_rare", ROWS),
    ("/tasks?priority=low", ROWS),
    ("/tasks?priority=normal", ROWS),
    ("/tasks?priority=high", ROWS),
    ("/tasks?priority=critical", ROWS),
    ("/tasks?owner=admin", ROWS),
    ("/tasks?owner=nobody", NO_ROWS),
    ("/tasks?from={moment}", ROWS),
    ("/tasks?to={moment}", ROWS),
    ("/tasks?from=2020-01-01T00:00:00&to=2020-02-01T00:00:00", NO_ROWS),
    ("/tasks?to=2100-01-01T00:00:00", ROWS),
    ("/tasks?text=777", ROWS),
    ("/tasks?text=777&after={deep}", ROWS),
    ("/tasks?text=nowhere", NO_ROWS),
    ("/tasks?status=failed&text=refused", ROWS),
    ("/tasks?status=failed&type=bench_1&error={error}", ROWS),
    ("/tasks?type=bench_rare&priority=critical", ROWS),
    ("/tasks?type=bench_1&status=cancelled", ROWS),
    ("/tasks?type=bench_1&status=completed&priority=high", ROWS),
    ("/tasks?type=bench_1&status=running", ROWS),
    ("/tasks?status=pending&priority=low", ROWS),
];

/// Those of a user who sees no tasks but the own ones.
pub const OF_OWNER: &[Page] = &[
    ("/dashboard", ROWS),
    ("/tasks/dead", GROUPS),
    ("/tasks/{own completed}", "What happened"),
    ("/tasks/{own running}", "half of it"),
    ("/tasks/{own dead}", "was refused"),
    ("/tasks/bulk?do=cancel", COUNT),
    ("/tasks/bulk?do=retry&status=failed", COUNT),
    ("/tasks/bulk?do=delete", COUNT),
    ("/tasks", ROWS),
    ("/tasks?after={deep}", ROWS),
    ("/tasks?status=pending", ROWS),
    ("/tasks?status=running", ROWS),
    ("/tasks?status=retrying", ROWS),
    ("/tasks?status=completed", ROWS),
    ("/tasks?status=failed", ROWS),
    ("/tasks?status=cancelled", ROWS),
    ("/tasks?priority=low", ROWS),
    ("/tasks?from={moment}", ROWS),
    ("/tasks?to={moment}", ROWS),
    ("/tasks?type=bench_0&priority=high", ROWS),
    ("/tasks?status=failed&type=bench_1&error={error}", ROWS),
    ("/tasks?text=nowhere", NO_ROWS),
];

/// A name in braces, and what it stands for.
pub type Names = [(&'static str, String); 11];

/// What the paths of this run need: ids as they stand in the pages, and a place in the middle of the two weeks of history.
pub fn names(administrator: &mut Visitor, owner: &mut Visitor) -> Result<Names> {
    let deep = id_of(SystemTime::now() - Duration::from_secs(7 * 24 * 60 * 60))?;
    let moment = administrator.find(&format!("/tasks?after={deep}"), "datetime=\"", "2026-11-30T12:00:00".len())?;
    let first_id = |visitor: &mut Visitor, path: &str, mark: &str| visitor.find(path, mark, deep.len());
    Ok([
        ("{completed}", first_id(administrator, "/tasks?status=completed", ROWS)?),
        ("{running}", first_id(administrator, "/tasks?status=running", ROWS)?),
        ("{dead}", first_id(administrator, "/tasks?status=failed", ROWS)?),
        ("{webhook}", first_id(administrator, "/tasks?type=webhook", ROWS)?),
        ("{schedule}", first_id(administrator, "/tasks/overview", "/tasks/schedules/")?),
        ("{own completed}", first_id(owner, "/tasks?status=completed", ROWS)?),
        ("{own running}", first_id(owner, "/tasks?status=running", ROWS)?),
        ("{own dead}", first_id(owner, "/tasks?status=failed", ROWS)?),
        ("{error}", "Connection+to+%23.%23.%23.%23+was+refused+%28cause+C%29".to_owned()),
        ("{moment}", moment),
        ("{deep}", deep),
    ])
}

/// An id of this time; ids begin with theirs.
fn id_of(at: SystemTime) -> Result<String> {
    let millis = format!("{:012x}", at.duration_since(SystemTime::UNIX_EPOCH)?.as_millis());
    Ok(format!("{}-{}-7000-8000-000000000000", &millis[..8], &millis[8..]))
}
