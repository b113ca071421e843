-- The dashboard counts a person's tasks by their status: from the index alone, however many there are.
drop index task_history_owner_idx;
create index task_history_owner_idx on task_history (created_by, id) include (status) where created_by is not null;
