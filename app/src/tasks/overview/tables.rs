use leptos::prelude::*;
use model::tasks::{BreakerState, HostSeen, Operations, QueueAction, RunningTask, Schedule, TypeSeen, WorkerSeen};

use super::{Shared, address, button, button_id};
use crate::auth::CurrentUser;
use crate::tasks::schedule::{may_change, next_run};
use crate::tasks::table::title_of;
use crate::ui::{Moment, Rows, duration};

/// A table whose rows are drawn anew only when they have changed. What had the focus in one has it again, by its id.
fn table<T>(
    title: &'static str,
    heads: &'static [&'static str],
    rows: impl Fn() -> Vec<T> + Send + Sync + 'static,
    row: impl Fn(T) -> AnyView + Clone + Send + 'static,
) -> AnyView
where
    T: std::fmt::Debug + Clone + PartialEq + Send + Sync + 'static,
{
    let rows = Memo::new(move |_| rows());
    let heads = heads.iter().map(|head| view! { <th scope="col">{*head}</th> }).collect_view();
    view! {
        <section class="panel" id=title.to_lowercase().replace(' ', "-")>
            <h2>{title}</h2>
            <table class="data-table">
                <thead><tr>{heads}</tr></thead>
                <tbody><Rows rows key=|one| format!("{one:?}") row/></tbody>
            </table>
            {move || rows.with(Vec::is_empty).then(|| view! { <p class="field-help">"None."</p> })}
        </section>
    }
    .into_any()
}

pub(super) fn types(shared: Shared) -> AnyView {
    let rows = shared.part(|all| all.seen.types.clone());
    table("Types", &["Type", "Ready", "State", "Breaker", "What to do"], rows, move |one| kind(shared, one))
}

fn kind(shared: Shared, one: TypeSeen) -> AnyView {
    let name = one.task_type.clone();
    // Not a part of the row, or a busy type would have other buttons at each reading.
    let ready = {
        let name = name.clone();
        let of_it = move |all: &Operations| {
            all.seen.lanes.iter().filter(|lane| lane.task_type == name).map(|lane| lane.ready).sum::<i64>()
        };
        shared.part(of_it)
    };
    let period = shared.period;
    let pause = {
        let name = name.clone();
        move || address(period.get(), Some(&name))
    };
    let hold = match &one.paused_at {
        Some(_) => button(shared, QueueAction::Resume, name.clone(), "Resume", &name),
        None => view! { <a id=button_id(QueueAction::Pause, &name) class="btn" data-variant="outline" data-size="sm" href=pause>"Pause"<span class="sr-only">" "{name.clone()}</span></a> }.into_any(),
    };
    let breaker = match one.breaker {
        BreakerState::Closed => button(shared, QueueAction::OpenBreaker, name.clone(), "Open breaker", &name),
        _ => button(shared, QueueAction::CloseBreaker, name.clone(), "Close breaker", &name),
    };
    let free = one
        .is_breaker_manual
        .then(|| button(shared, QueueAction::FreeBreaker, name.clone(), "Let breaker count", &name));
    let limits = [
        one.max_running.map(|most| format!("{most} at once")),
        one.rate_per_second.map(|rate| format!("{rate} in a second")),
    ];
    let limits: Vec<_> = limits.into_iter().flatten().collect();
    let state = match &one.paused_reason {
        Some(reason) => {
            view! { <span class="status" data-status="retrying">"paused"</span>" "{reason.clone()} }.into_any()
        }
        None => view! { <span class="status" data-status="completed">"takes its turn"</span> }.into_any(),
    };
    let more = match (one.is_breaker_manual, one.probe_at) {
        (true, _) => view! { " by hand" }.into_any(),
        (false, Some(at)) if one.breaker == BreakerState::Open => view! { " probes from "<Moment at/> }.into_any(),
        _ => (one.breaker_failures > 0).then(|| view! { " "{one.breaker_failures}" failures" }).into_any(),
    };
    view! {
        <tr>
            <td data-label="Type">{title_of(&name)}" "<code>{name}</code>{(!limits.is_empty()).then(|| format!(" {}", limits.join(", ")))}</td>
            <td data-label="Ready">{ready}</td>
            <td data-label="State">{state}</td>
            <td data-label="Breaker">{badge(one.breaker)}{more}</td>
            <td><span class="actions">{hold}{breaker}{free}</span></td>
        </tr>
    }
    .into_any()
}

fn badge(breaker: BreakerState) -> AnyView {
    let tone = match breaker {
        BreakerState::Closed => "completed",
        BreakerState::Open => "failed",
        BreakerState::HalfOpen => "retrying",
    };
    view! { <span class="status" data-status=tone>{breaker.name()}</span> }.into_any()
}

/// Servers that webhooks can not reach; nothing while all are well.
pub(super) fn hosts(shared: Shared) -> impl IntoView {
    let some = shared.part(|all| !all.seen.hosts.is_empty());
    let is_shown = Memo::new(move |_| some());
    let rows = move || {
        let hosts = shared.part(|all| all.seen.hosts.clone());
        table("Hosts of webhooks", &["Host", "Breaker", "Failures", "Probed from"], hosts, host)
    };
    move || is_shown.get().then(rows)
}

fn host(one: HostSeen) -> AnyView {
    view! {
        <tr>
            <td data-label="Host">{one.host}</td>
            <td data-label="Breaker">{badge(one.breaker)}</td>
            <td data-label="Failures">{one.failures}</td>
            <td data-label="Probed from">{one.probe_at.map(|at| view! { <Moment at/> })}</td>
        </tr>
    }
    .into_any()
}

pub(super) fn workers(shared: Shared) -> AnyView {
    let rows = shared.part(|all| {
        let runs =
            |one: &WorkerSeen| all.seen.running.iter().filter(|task| task.worker_id == one.id).cloned().collect();
        all.seen.workers.iter().map(|one| (one.clone(), runs(one))).collect::<Vec<(WorkerSeen, Vec<RunningTask>)>>()
    });
    table("Workers", &["Worker", "Lease", "Running", "What", "Done"], rows, |(one, runs)| worker(one, runs))
}

fn worker(one: WorkerSeen, runs: Vec<RunningTask>) -> AnyView {
    let lease = match one.lease_seconds {
        lapsed @ ..0.0 => format!("lapsed {} ago", duration(-lapsed)),
        left => format!("renewed {} ago, {} left", duration(one.renewed_seconds), duration(left)),
    };
    let fenced = (one.fenced_out > 0).then(|| format!(", {} results dropped", one.fenced_out));
    let more = usize::try_from(one.running).unwrap_or_default().saturating_sub(runs.len());
    let more = (more > 0).then(|| view! { <li>{format!("and {more} more")}</li> });
    let task = |task: RunningTask| view! { <li><a id=format!("running-{}", task.id) href=format!("/tasks/{}", task.id)>{title_of(&task.task_type)}</a></li> };
    view! {
        <tr>
            <td data-label="Worker">
                {one.id}", "{one.host}", process "{one.pid}", version "{one.version}{one.is_draining.then_some(", stops")}
            </td>
            <td data-label="Lease">{lease}</td>
            <td data-label="Running">{format!("{} of {}", one.running, one.concurrency)}</td>
            <td data-label="What"><ul>{runs.into_iter().map(task).collect_view()}{more}</ul></td>
            <td data-label="Done">{one.done}{fenced}</td>
        </tr>
    }
    .into_any()
}

pub(super) fn schedules(shared: Shared) -> AnyView {
    let rows = shared.part(|all| all.schedules.clone());
    table("Schedules", &["Schedule", "Kind", "When", "Last run", "Next run", "What to do"], rows, move |one| {
        schedule(shared, one)
    })
}

fn schedule(shared: Shared, one: Schedule) -> AnyView {
    let CurrentUser(user) = expect_context();
    let is_open = may_change(&one, user.role);
    let last = one.last_at.map(|at| match one.last_task_id {
        Some(id) => view! { <a href=format!("/tasks/{id}")><Moment at/></a> }.into_any(),
        None => view! { <Moment at/> }.into_any(),
    });
    let next = next_run(&one);
    let id = one.id.to_string();
    let run = button(shared, QueueAction::RunSchedule, id.clone(), "Run now", &one.name);
    let (action, label) = match one.is_paused {
        true => (QueueAction::ResumeSchedule, "Resume"),
        false => (QueueAction::PauseSchedule, "Pause"),
    };
    let hold = is_open.then(|| button(shared, action, id, label, &one.name));
    view! {
        <tr>
            <td data-label="Schedule"><a id=format!("schedule-{}", one.id) href=format!("/tasks/schedules/{}", one.id)>{one.name}</a></td>
            <td class="word" data-label="Kind">{title_of(&one.task_type)}</td>
            <td class="word" data-label="When"><code>{one.cron}</code>" "{one.time_zone}</td>
            <td data-label="Last run">{last}</td>
            <td data-label="Next run">{next}</td>
            <td><span class="actions">{run}{hold}</span></td>
        </tr>
    }
    .into_any()
}
