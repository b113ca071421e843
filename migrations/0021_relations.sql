-- Which task came before which in a chain, and which batch a callback followed. A dependency goes when it is met; this stays as long as the
-- history, for people to look at.

create table task_relations (
    -- No foreign keys: tasks move between tables.
    before_id uuid not null,
    after_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (before_id, after_id)
);

create index task_relations_after_idx on task_relations (after_id);
create index task_relations_created_idx on task_relations (created_at);

insert into task_relations (before_id, after_id) select prerequisite_id, dependent_id from task_dependencies on conflict do nothing;
