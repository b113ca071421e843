-- What administrators do with accounts. A deleted account keeps its row, and with it its name, until it is purged.

alter table users
    add column deleted_at timestamptz,
    -- Somebody else chose the password: nothing else may be done before it is changed.
    add column must_change_password boolean not null default false,
    add constraint users_deleted_check check (deleted_at is null or not is_active);

-- Lists are read from the newest on.
create index users_role_idx on users (role, id);

-- Which rule of the permission table allowed it; null for what was written before there was this column.
alter table audit_log add column rule text;

create index audit_log_actor_idx on audit_log (actor_id, id);
