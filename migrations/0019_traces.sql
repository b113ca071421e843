-- Where in the program an attempt failed, and the causes: for administrators. Apart from the errors of a task, which its owner sees and in which
-- a text is looked for.

create table attempt_traces (
    -- No foreign key: tasks move between tables.
    task_id uuid not null,
    attempt integer not null,
    -- That of the error in the task.
    at timestamptz not null,
    trace text not null check (char_length(trace) <= 20000),
    primary key (task_id, at)
);

create index attempt_traces_at_idx on attempt_traces (at);
