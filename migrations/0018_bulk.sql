-- Long tasks remember what they have done, and the filter of tasks is written once.

-- What a task keeps of its work from one attempt to the next, and after its worker's death; no index names it, so writing it is a HOT
-- update. It stays through a replay, and a task that is cancelled leaves it as its result.
alter table tasks add column checkpoint jsonb;
alter table dead_tasks add column checkpoint jsonb;

-- What a filter leaves, wherever it is; a null does not limit. One plain select that is not volatile: PostgreSQL puts it into the statement
-- that calls it, so that order, limit and index are those of that statement.
create function matching_tasks(of_owner uuid, of_type integer, of_status task_status, of_priority smallint, from_id uuid, below_id uuid,
        of_error text, of_life boolean) returns setof all_tasks language sql stable as $$
    select *
    from all_tasks
    where (of_owner is null or created_by = of_owner)
      and (of_type is null or task_type_id = of_type)
      and (of_status is null or status = of_status)
      and (of_priority is null or priority = of_priority)
      and (from_id is null or id >= from_id)
      and (below_id is null or id < below_id)
      and (of_error is null or error_group = of_error)
      and (of_life is null or is_alive = of_life)
$$;
