//! A filter in the words of the tables: names are looked up once, times become ids, a text becomes a pattern.

use chrono::{DateTime, Utc};
use model::tasks::{TaskFilter, TaskStatus};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// Which tasks, as statements ask for them; what is none does not limit.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    pub owner: Option<Uuid>,
    pub type_id: Option<i32>,
    pub status: Option<TaskStatus>,
    pub priority: Option<i16>,
    /// The first id: ids are UUIDv7 and begin with the time.
    pub from: Option<Uuid>,
    /// Ids are below this one.
    pub below: Option<Uuid>,
    /// For `ilike`, in payload or errors.
    pub pattern: Option<String>,
    pub error: Option<String>,
    /// Only what is alive, or only what has ended: whole tables are left out then.
    pub is_alive: Option<bool>,
}

/// The filter for somebody who sees the tasks of `owner` only, or everybody's; none when nothing can match: no such type, no such person,
/// or somebody else's tasks.
pub async fn narrow(conn: &mut PgConnection, owner: Option<Uuid>, filter: &TaskFilter) -> Result<Option<Narrow>> {
    let found = sqlx::query!(
        r#"
        select (select id from task_types where name = $1) as type_id, (select id from users where lower(username) = lower($2)) as owner
        "#,
        filter.task_type,
        filter.owner,
    )
    .fetch_one(conn)
    .await?;
    let is_stranger = owner.is_some() && found.owner.is_some() && owner != found.owner;
    if is_stranger
        || (filter.task_type.is_some() && found.type_id.is_none())
        || (filter.owner.is_some() && found.owner.is_none())
    {
        return Ok(None);
    }
    Ok(Some(Narrow {
        owner: owner.or(found.owner),
        type_id: found.type_id,
        status: filter.status,
        priority: filter.priority.map(|priority| priority as i16),
        from: filter.from.map(first_id),
        below: filter.to.map(first_id),
        pattern: filter.text.as_deref().map(pattern),
        error: filter.error.clone(),
        is_alive: filter.status.map(|status| !status.has_ended()),
    }))
}

/// The lowest UUIDv7 of a time; times before 1970 are 1970.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(millis << 80)
}

/// Any text with this one in it.
fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_becomes_the_first_id_of_its_millisecond() {
        let id = Uuid::now_v7();
        let (seconds, nanos) = id.get_timestamp().expect("a time").to_unix();
        let at = DateTime::from_timestamp(seconds as i64, nanos).expect("a time");
        assert!(first_id(at) <= id && id < first_id(at + chrono::TimeDelta::milliseconds(1)));
        assert_eq!(first_id("0001-01-01T00:00:00Z".parse().expect("a time")), Uuid::nil());
    }

    #[test]
    fn a_text_is_no_pattern() {
        assert_eq!(pattern(r"100%_\"), r"%100\%\_\\%");
    }
}
