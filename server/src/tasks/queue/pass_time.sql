-- Moves everything that a moment is compared with into the past by $1 seconds. Infinity stays what it is.
with alive as (
    update tasks
    set run_at = run_at - make_interval(secs => $1), scheduled_at = scheduled_at - make_interval(secs => $1),
        created_at = created_at - make_interval(secs => $1), updated_at = updated_at - make_interval(secs => $1),
        started_at = started_at - make_interval(secs => $1)
), ended as (
    update task_history
    set scheduled_at = scheduled_at - make_interval(secs => $1), created_at = created_at - make_interval(secs => $1),
        started_at = started_at - make_interval(secs => $1), finished_at = finished_at - make_interval(secs => $1)
), dead as (
    update dead_tasks
    set scheduled_at = scheduled_at - make_interval(secs => $1), created_at = created_at - make_interval(secs => $1),
        started_at = started_at - make_interval(secs => $1), finished_at = finished_at - make_interval(secs => $1)
), leases as (
    update workers
    set lease_until = lease_until - make_interval(secs => $1), started_at = started_at - make_interval(secs => $1)
), keys as (
    update task_uniques set expires_at = expires_at - make_interval(secs => $1)
), timetable as (
    update task_schedules
    set next_at = next_at - make_interval(secs => $1), last_at = last_at - make_interval(secs => $1)
), pauses as (
    update task_types set paused_at = paused_at - make_interval(secs => $1) where paused_at is not null
)
update task_type_state
set tokens_at = tokens_at - make_interval(secs => $1), window_from = window_from - make_interval(secs => $1),
    probe_at = probe_at - make_interval(secs => $1), changed_at = changed_at - make_interval(secs => $1)
