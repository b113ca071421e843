-- Who did what to whom or what. Rows are added and never changed.

create table audit_log (
    id uuid primary key,
    at timestamptz not null default now(),
    actor_id uuid not null,
    action text not null,
    -- What it was done to: the kind of thing, and its id or name.
    subject_kind text not null,
    subject text not null,
    details jsonb not null default '{}'
);

create index audit_log_subject_idx on audit_log (subject_kind, subject, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;

create trigger audit_log_append_only before update or delete on audit_log for each statement execute function refuse_change();
create trigger audit_log_kept before truncate on audit_log for each statement execute function refuse_change();
