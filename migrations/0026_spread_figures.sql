-- A row that each settlement writes gets a new version each time, and while a transaction stays open all of them stay: whoever looks for the row walks
-- over them. So the figures of a minute have another row after so many transactions (`settle.sql`), and a day's total has many.
alter table task_stats add column spread smallint not null default 0;
alter table task_stats drop constraint task_stats_pkey;
alter table task_stats add primary key (minute, task_type_id, worker_id, spread);
