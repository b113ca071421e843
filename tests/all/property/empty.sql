delete from tasks; delete from task_history; delete from dead_tasks; delete from task_dependencies; delete from task_uniques;
delete from workers; delete from task_stats; delete from task_totals;
update task_types set paused_at = null, paused_reason = null, paused_by = null where paused_at is not null;
update task_type_state
set running = 0, tokens = 0, tokens_at = '-infinity', breaker = 'closed', is_manual = false, window_from = null, window_ok = 0,
    window_failed = 0, probe_at = null, times_opened = 0, probes_claimed = 0, probes_ok = 0;
