-- $1: the types; $2: seconds of a unit of time.
select jsonb_build_object(
    'alive', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'kind', task_type_id, 'priority', priority, 'seq', seq, 'worker', worker_id, 'blocked_by', pending_deps,
        'left', case when run_at < 'infinity' then ceil(extract(epoch from run_at - clock_timestamp()) / $2)::int end,
        'attempts', attempts, 'max_attempts', max_attempts, 'rescues', rescues, 'epoch', lease_epoch,
        'told_to_stop', cancel_requested, 'errors', coalesce(jsonb_array_length(errors), 0))), '[]') from tasks),
    'ended', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'kind', task_type_id, 'priority', priority, 'status', status, 'attempts', attempts, 'max_attempts', max_attempts,
        'errors', coalesce(jsonb_array_length(errors), 0))), '[]') from task_history),
    'dead', (select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'kind', task_type_id, 'priority', priority, 'reason', reason, 'attempts', attempts, 'max_attempts', max_attempts,
        'rescues', rescues, 'epoch', lease_epoch, 'errors', jsonb_array_length(errors))), '[]') from dead_tasks),
    'waits', (select coalesce(jsonb_agg(jsonb_build_array(prerequisite_id, dependent_id, needs_success)), '[]') from task_dependencies),
    'workers', (select coalesce(jsonb_agg(id), '[]') from workers),
    'running', (select jsonb_object_agg(task_type_id, running) from task_type_state where task_type_id = any($1)),
    'figures', (select coalesce(jsonb_agg(jsonb_build_array(task_type_id, jsonb_build_array(completed, failed, retried, cancelled))), '[]')
        from (
            select task_type_id, sum(completed) as completed, sum(failed) as failed, sum(retried) as retried, sum(cancelled) as cancelled
            from task_stats
            group by task_type_id
        ) as figures))
