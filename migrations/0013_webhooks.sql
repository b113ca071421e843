-- Webhooks: what was sent and answered, and which hosts are left alone for a while.

create table webhook_deliveries (
    id uuid primary key,
    -- No foreign key: tasks move between tables.
    task_id uuid not null,
    attempt integer not null,
    method text not null,
    url text not null,
    status integer,
    duration_ms integer not null,
    error text,
    response text,
    at timestamptz not null default now()
);

create index webhook_deliveries_task_id_idx on webhook_deliveries (task_id, id desc);
create index webhook_deliveries_at_idx on webhook_deliveries (at);

-- A host that has failed lately; the columns are those of the breaker of a type.
create table webhook_hosts (
    host text primary key,
    breaker breaker_state not null default 'closed',
    window_from timestamptz,
    window_ok integer not null default 0,
    window_failed integer not null default 0,
    probe_at timestamptz,
    times_opened integer not null default 0,
    probes_claimed integer not null default 0,
    probes_ok integer not null default 0,
    changed_at timestamptz not null default now()
);
