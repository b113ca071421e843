-- Lists of one person's tasks by what few tasks have: cancelled, or not of normal priority. The other index of an owner holds all of them, and to
-- find ten thousand among half a million takes too long for a page. Most tasks are completed and normal, so a settlement rarely writes to it.
create index task_history_owner_rare_idx on task_history (created_by, id) include (status, priority, task_type_id)
    where created_by is not null and (status = 'cancelled' or priority <> 1);
