//! The audit log: who did what, written in the same transaction as the change itself.

pub mod routes;

use model::audit::{AuditEntry, AuditFilter};
use model::rbac::{Action, Relation};
use model::{Page, PageRequest, page};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rbac::Permit;
use crate::{Actor, App, Result};

/// What something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    Task(Uuid),
    TaskType(&'a str),
    Schedule(Uuid),
    ApiKey(Uuid),
    Passkey(Uuid),
    Note(Uuid),
    /// Many at once, described by the details.
    Tasks,
    User(Uuid),
    /// By its name.
    Setting(&'a str),
}

impl Subject<'_> {
    fn words(self) -> (&'static str, String) {
        match self {
            Self::Task(id) => ("task", id.to_string()),
            Self::TaskType(name) => ("task_type", name.to_owned()),
            Self::Schedule(id) => ("schedule", id.to_string()),
            Self::ApiKey(id) => ("api_key", id.to_string()),
            Self::Passkey(id) => ("passkey", id.to_string()),
            Self::Note(id) => ("note", id.to_string()),
            Self::Tasks => ("tasks", "many".to_owned()),
            Self::User(id) => ("user", id.to_string()),
            Self::Setting(name) => ("setting", name.to_owned()),
        }
    }
}

/// Adds a row: who did what to whom, and by which rule of the permission table. `action` is a word such as `task.replay`; the details hold no secrets and no text that people wrote for themselves.
pub async fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    permit: Permit,
    action: &str,
    subject: Subject<'_>,
    details: Value,
) -> Result<()> {
    let (kind, name) = subject.words();
    sqlx::query!(
        r#"
        insert into audit_log (id, actor_id, impersonator_id, ip, action, subject_kind, subject, details, rule)
        values ($1, $2, $3, $4::text::inet, $5, $6, $7, $8, $9)
        "#,
        Uuid::now_v7(),
        actor.id(),
        actor.impersonator.as_ref().map(|admin| admin.id),
        actor.ip.map(|ip| ip.to_string()),
        action,
        kind,
        name,
        details,
        permit.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Entries by filter, the newest first. Counting a log that only grows says little, so `total` is that of this part and what came before.
///
/// # Errors
/// Refused for everybody but administrators.
pub async fn list(app: &App, actor: &Actor, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>> {
    actor.require(Action::ReadAuditLog, Relation::Other)?;
    let limit = page.limit()?;
    let offset = page.offset()?;
    let actor_id = match given(&filter.actor) {
        None => None,
        Some(name) => match id_of(app, name).await? {
            Some(id) => Some(id),
            None => return Ok(Page { items: Vec::new(), total: 0, next: None }),
        },
    };
    let subjects = match given(&filter.subject) {
        None => None,
        Some(name) => {
            let person = id_of(app, name).await?.map(|id| id.to_string());
            Some([Some(name.to_owned()), person].into_iter().flatten().collect::<Vec<_>>())
        }
    };
    // One row more than asked for tells whether there is a next part.
    let mut items = sqlx::query_as!(
        AuditEntry,
        r#"
        select log.id, at, actor_id,
            case when actor_id = '00000000-0000-0000-0000-000000000000' then 'command line' else actor.username end as actor_name,
            impersonator_id, impersonators.username as "impersonator_name?", host(ip) as ip, action, subject_kind, subject,
            subjects.username as "subject_name?", details, rule
        from audit_log as log
        left join users as actor on actor.id = actor_id
        left join users as impersonators on impersonators.id = impersonator_id
        left join users as subjects on subject_kind = 'user' and subjects.id::text = subject
        where ($1::text is null or action = $1 or starts_with(action, $1 || '.'))
          and ($2::uuid is null or actor_id = $2 or impersonator_id = $2) and ($3::text[] is null or subject = any($3))
          and ($4::uuid is null or log.id < $4)
          and ($5::date is null or at >= $5::date::timestamp at time zone 'UTC')
          and ($6::date is null or at < ($6::date + 1)::timestamp at time zone 'UTC')
        order by log.id desc
        limit $7 offset $8
        "#,
        given(&filter.action),
        actor_id,
        subjects.as_deref(),
        page.after,
        filter.from,
        filter.to,
        limit + 1,
        offset,
    )
    .fetch_all(&app.db)
    .await?;
    let next = page::cut(&mut items, limit, |entry| entry.id);
    let total = offset + items.len() as i64 + i64::from(next.is_some());
    Ok(Page { items, total, next })
}

/// An empty input of a form is no filter.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The id that the text is, or the id of the person of this name.
async fn id_of(app: &App, name: &str) -> Result<Option<Uuid>> {
    if let Ok(id) = name.parse() {
        return Ok(Some(id));
    }
    let command_line = Actor::command_line();
    if name == command_line.user.username {
        return Ok(Some(command_line.id()));
    }
    let id = sqlx::query_scalar!("select id from users where lower(username) = lower($1)", name);
    Ok(id.fetch_optional(&app.db).await?)
}
