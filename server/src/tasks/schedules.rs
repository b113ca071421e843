//! Schedules: tasks that come again and again, by cron in a time zone. They fire once over any number of workers, also after downtime.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use model::problem::Thing;
use model::rbac::{Action, Relation};
use model::tasks::{Missed, NewSchedule, NewTask, Origin, Schedule, ScheduleTimes};
use model::{FieldProblem, Problem};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::enqueue::{self, Enqueued};
use super::kinds::{Maintenance, SCHEDULES, Work};
use super::queue::schedules::{self as table, Due};
use super::queue::{self, NewRow, Queued};
use crate::audit::{self, Subject};
use crate::rbac::Permit;
use crate::{Actor, App, Result, db};

/// Tasks that one schedule makes up for at most.
const MADE_UP_AT_MOST: usize = 100;

/// A time that is further back than this was missed.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// The next time after this one; none when there is no other. Where clocks go forward, a time that does not exist is the first one
/// after it; where they go back, a fixed time is taken once.
///
/// # Errors
/// In words, when the pattern or the zone cannot be read.
pub fn next_after(cron: &str, time_zone: &str, after: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, FieldProblem> {
    let zone = Tz::from_str(time_zone)
        .map_err(|_| FieldProblem::new("time_zone", "is no name of the IANA time zone database"))?;
    let cron = Cron::from_str(cron)
        .map_err(|_| FieldProblem::new("cron", "is no cron pattern of five fields, or six with seconds first"))?;
    Ok(cron.find_next_occurrence(&after.with_timezone(&zone), false).ok().map(|at| at.with_timezone(&Utc)))
}

/// All schedules, by name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Schedule>> {
    actor.require(Action::ManageSchedules, Relation::Other)?;
    table::list(&app.db, None).await
}

/// One schedule.
pub async fn get(app: &App, actor: &Actor, id: Uuid) -> Result<Schedule> {
    actor.require(Action::ManageSchedules, Relation::Other)?;
    let found = table::list(&app.db, Some(id)).await?.pop();
    Ok(found.ok_or(Problem::NotFound { what: Thing::Schedule })?)
}

/// Makes a schedule; its name is taken at most once.
pub async fn create(app: &App, actor: &Actor, new: NewSchedule) -> Result<Schedule> {
    let permit = actor.require(Action::ManageSchedules, Relation::Other)?;
    enqueue::admit(app, actor, &task_of(&new)).await?;
    let next_at = check(app, &new)?;
    write(app, actor, db::begin(&app.db).await?, Written { id: Uuid::now_v7(), new, next_at, permit, is_new: true })
        .await
}

/// Changes a schedule. Its next time is counted from now. One of the program keeps its name and what it does, and is for administrators.
pub async fn update(app: &App, actor: &Actor, id: Uuid, new: NewSchedule) -> Result<Schedule> {
    change(app, actor, id, |_| new.clone()).await
}

/// Changes a schedule to what `make` makes of it as it stands.
async fn change(app: &App, actor: &Actor, id: Uuid, make: impl Fn(Schedule) -> NewSchedule) -> Result<Schedule> {
    let mut permit = actor.require(Action::ManageSchedules, Relation::Other)?;
    // This may take a while, so it comes before the lock.
    let admitted = task_of(&make(get(app, actor, id).await?));
    enqueue::admit(app, actor, &admitted).await?;
    let mut tx = db::begin(&app.db).await?;
    let old = table::lock(&mut tx, id).await?.ok_or(Problem::NotFound { what: Thing::Schedule })?;
    let new = make(old.clone());
    if (&new.task_type, &new.payload) != (&admitted.task_type, &admitted.payload) {
        return Err(Problem::ChangedMeanwhile.into());
    }
    let next_at = if app.kinds.is_internal(&old.task_type) {
        permit = actor.require(Action::ManageMaintenance, Relation::Other)?;
        check_change(&old, &new)?
    } else {
        check(app, &new)?
    };
    write(app, actor, tx, Written { id, new, next_at, permit, is_new: false }).await
}

/// Pauses a schedule, or lets it go on; its next time is counted from now.
pub async fn set_paused(app: &App, actor: &Actor, id: Uuid, is_paused: bool) -> Result<Schedule> {
    change(app, actor, id, |old| NewSchedule { is_paused, ..old.into() }).await
}

/// Changes when a schedule comes.
pub async fn set_times(app: &App, actor: &Actor, id: Uuid, times: ScheduleTimes) -> Result<Schedule> {
    let make = |old: Schedule| {
        let ScheduleTimes { cron, time_zone, missed } = times.clone();
        NewSchedule { cron, time_zone, missed, ..old.into() }
    };
    change(app, actor, id, make).await
}

struct Written {
    id: Uuid,
    new: NewSchedule,
    next_at: Option<DateTime<Utc>>,
    permit: Permit,
    is_new: bool,
}

async fn write(
    app: &App,
    actor: &Actor,
    mut tx: Transaction<'static, Postgres>,
    Written { id, new, next_at, permit, is_new }: Written,
) -> Result<Schedule> {
    if !table::save(&mut tx, id, &new, next_at, actor.id()).await? {
        return Err(Problem::field("task_type", "this task type is not registered").into());
    }
    let details = json!({"name": new.name, "cron": new.cron, "time_zone": new.time_zone, "is_paused": new.is_paused});
    let action = if is_new { "schedule.create" } else { "schedule.update" };
    audit::record(&mut tx, actor, permit, action, Subject::Schedule(id), details).await?;
    let saved = table::lock(&mut tx, id).await?.ok_or(Problem::NotFound { what: Thing::Schedule })?;
    tx.commit().await?;
    app.bell.later();
    Ok(saved)
}

/// Enters the schedules of the program that are not there yet. What an administrator has changed stays so.
///
/// # Errors
/// When the database does not answer.
pub async fn enter(app: &App) -> sqlx::Result<()> {
    if app.kinds.get(Maintenance::NAME).is_none() {
        return Ok(());
    }
    for (name, cron, upkeep) in SCHEDULES {
        let new = NewSchedule {
            name: name.into(),
            task_type: Maintenance::NAME.into(),
            payload: serde_json::to_value(Maintenance { upkeep }).unwrap_or_default(),
            priority: None,
            cron: cron.into(),
            time_zone: "UTC".into(),
            missed: Missed::Once,
            is_paused: false,
        };
        let next_at = next_after(cron, "UTC", Utc::now()).ok().flatten();
        if table::enter(&mut *app.db.acquire().await?, Uuid::now_v7(), &new, next_at).await? {
            tracing::info!(schedule = name, "entered a schedule of the program");
        }
    }
    Ok(())
}

/// What it queues.
fn task_of(new: &NewSchedule) -> NewTask {
    NewTask { task_type: new.task_type.clone(), payload: new.payload.clone(), ..NewTask::default() }
}

/// All that is wrong with it; else its next time.
fn check(app: &App, new: &NewSchedule) -> Result<Option<DateTime<Utc>>, Problem> {
    let mut fields = Vec::new();
    if !(1..=100).contains(&new.name.chars().count()) {
        fields.push(FieldProblem::new("name", "has 1 to 100 characters"));
    }
    fields.extend(enqueue::check(app, &task_of(new)).err().map(|problem| problem.fields()).unwrap_or_default());
    next_unless(new, fields)
}

/// The same for one of the program, of which only the time can be changed, its priority, and whether it is paused.
fn check_change(old: &Schedule, new: &NewSchedule) -> Result<Option<DateTime<Utc>>, Problem> {
    let fixed = [
        ("name", old.name == new.name),
        ("task_type", old.task_type == new.task_type),
        ("payload", old.payload == new.payload),
    ];
    let fields = fixed.into_iter().filter(|(_, is_same)| !is_same);
    let fields = fields.map(|(name, _)| FieldProblem::new(name, "belongs to the program and cannot be changed"));
    next_unless(new, fields.collect())
}

/// The next time, unless something is wrong with it or with the rest.
fn next_unless(new: &NewSchedule, mut fields: Vec<FieldProblem>) -> Result<Option<DateTime<Utc>>, Problem> {
    match next_after(&new.cron, &new.time_zone, Utc::now()) {
        Ok(None) => fields.push(FieldProblem::new("cron", "never comes")),
        Ok(next_at) if fields.is_empty() => return Ok(next_at),
        Ok(_) => {}
        Err(field) => fields.push(field),
    }
    Err(Problem::Invalid { fields })
}

/// Deletes a schedule; tasks that it has queued stay.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let permit = actor.require(Action::ManageSchedules, Relation::Other)?;
    let mut tx = db::begin(&app.db).await?;
    let old = table::lock(&mut tx, id).await?.ok_or(Problem::NotFound { what: Thing::Schedule })?;
    if app.kinds.is_internal(&old.task_type) {
        let message = "This schedule belongs to the program: it can be paused, not deleted".into();
        return Err(Problem::Conflict { message }.into());
    }
    table::delete(&mut tx, id).await?;
    audit::record(&mut tx, actor, permit, "schedule.delete", Subject::Schedule(id), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Queues the task of a schedule now, beside its times.
pub async fn run_now(app: &App, actor: &Actor, id: Uuid) -> Result<Enqueued> {
    let permit = actor.require(Action::ManageSchedules, Relation::Other)?;
    let mut tx = db::begin(&app.db).await?;
    let schedule = table::lock(&mut tx, id).await?.ok_or(Problem::NotFound { what: Thing::Schedule })?;
    let new = NewTask {
        task_type: schedule.task_type,
        payload: schedule.payload,
        priority: Some(schedule.priority),
        ..NewTask::default()
    };
    let queued = enqueue::enqueue_in(app, &mut tx, Some(actor.id()), new).await?;
    queued.came_from(&mut tx, &Origin::schedule(id, &schedule.name)).await?;
    table::fired(&mut tx, id, Utc::now(), schedule.next_at, Some(queued.0.id)).await?;
    audit::record(&mut tx, actor, permit, "schedule.run", Subject::Schedule(id), json!({"task": queued.0.id})).await?;
    tx.commit().await?;
    queued.ring(app);
    Ok(queued.0)
}

/// Fires all schedules whose time has come; the answer is how many tasks that made.
///
/// # Errors
/// When the database does not answer.
pub async fn fire_due(app: &App) -> sqlx::Result<usize> {
    let mut made = 0;
    loop {
        let mut tx = db::begin_short(&app.queue_db).await?;
        let Some(due) = table::due(&mut tx).await? else { return Ok(made) };
        let (times, next_at) = times_of(&due);
        let mut last = None;
        for at in &times {
            let task = NewTask {
                task_type: due.task_type.clone(),
                payload: due.payload.clone(),
                priority: Some(due.priority),
                scheduled_at: Some(*at),
                ..NewTask::default()
            };
            let version = app.kinds.get(&due.task_type).map(|kind| kind.version);
            let row = NewRow::of(task, version, due.created_by);
            match queue::insert(&mut tx, row).await? {
                Queued::New(id) => {
                    queue::came_from(&mut tx, id, &Origin::schedule(due.id, &due.name)).await?;
                    last = Some(id);
                }
                Queued::Existing(id) => last = Some(id),
                Queued::UnknownType => tracing::warn!(schedule = %due.id, "its task type takes no new tasks"),
            }
        }
        table::fired(&mut tx, due.id, due.now, next_at, last).await?;
        tx.commit().await?;
        made += times.len();
    }
}

/// For which times a due schedule makes tasks, by its policy, and when it is due next.
fn times_of(due: &Due) -> (Vec<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let next = |after| next_after(&due.cron, &due.time_zone, after).ok().flatten();
    let mut times = vec![due.next_at];
    let mut following = next(due.next_at);
    while let Some(at) = following.filter(|at| *at <= due.now && times.len() < MADE_UP_AT_MOST) {
        times.push(at);
        following = next(at);
    }
    let next_at = if following.is_some_and(|at| at <= due.now) { next(due.now) } else { following };
    match due.missed {
        Missed::All => {}
        Missed::Once => drop(times.drain(..times.len() - 1)),
        Missed::Skip => times.retain(|at| due.now - at <= LATE),
    }
    (times, next_at)
}

#[cfg(test)]
mod tests {
    use model::tasks::Priority;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn due(missed: Missed, next_at: &str, now: &str) -> Due {
        Due {
            id: Uuid::nil(),
            name: "nightly".into(),
            task_type: "x".into(),
            payload: json!({}),
            priority: Priority::Normal,
            cron: "0 * * * *".into(),
            time_zone: "UTC".into(),
            missed,
            next_at: at(next_at),
            created_by: None,
            now: at(now),
        }
    }

    #[test]
    fn a_time_is_one_of_the_zone() {
        let next = |after| next_after("30 9 * * *", "Europe/Berlin", at(after)).unwrap().unwrap();
        assert_eq!(next("2026-01-10T00:00:00Z"), at("2026-01-10T08:30:00Z"));
        assert_eq!(next("2026-07-10T00:00:00Z"), at("2026-07-10T07:30:00Z"));
    }

    #[test]
    fn a_time_that_the_clocks_skip_or_repeat_comes_once() {
        let next = |after: DateTime<Utc>| next_after("30 2 * * *", "Europe/Berlin", after).unwrap().unwrap();
        // On 2026-03-29 there is no 02:30, on 2026-10-25 there are two.
        let spring = [next(at("2026-03-28T12:00:00Z")), next(at("2026-03-29T12:00:00Z"))];
        assert_eq!(spring[0].date_naive(), at("2026-03-29T00:00:00Z").date_naive());
        assert_eq!(spring[1], at("2026-03-30T00:30:00Z"));
        let first = next(at("2026-10-24T12:00:00Z"));
        assert_eq!(next(first), at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let field = |cron, zone| next_after(cron, zone, at("2026-01-01T00:00:00Z")).unwrap_err().field;
        assert_eq!(field("whenever", "UTC"), "cron");
        assert_eq!(field("* * * * *", "Berlin"), "time_zone");
    }

    #[test]
    fn missed_times_are_made_up_for_by_policy() {
        let made = |missed, now| times_of(&due(missed, "2026-01-01T05:00:00Z", now));
        let hours =
            |hours: &[u32]| hours.iter().map(|hour| at(&format!("2026-01-01T{hour:02}:00:00Z"))).collect::<Vec<_>>();
        for missed in [Missed::All, Missed::Once, Missed::Skip] {
            assert_eq!(
                made(missed, "2026-01-01T05:00:01Z"),
                (hours(&[5]), Some(hours(&[6])[0])),
                "in time: {missed:?}"
            );
        }
        let late = "2026-01-01T07:30:00Z";
        assert_eq!(made(Missed::All, late), (hours(&[5, 6, 7]), Some(hours(&[8])[0])));
        assert_eq!(made(Missed::Once, late), (hours(&[7]), Some(hours(&[8])[0])));
        assert_eq!(made(Missed::Skip, late), (vec![], Some(hours(&[8])[0])));
    }

    #[test]
    fn a_long_downtime_is_made_up_for_in_part() {
        let (times, next_at) = times_of(&due(Missed::All, "2026-01-01T00:00:00Z", "2026-01-30T00:30:00Z"));
        assert_eq!((times.len(), next_at), (100, Some(at("2026-01-30T01:00:00Z"))));
    }
}
