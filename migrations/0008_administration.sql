-- Links that are handed over without a letter, where changes come from, and administrators who act as somebody else.

-- The letter that a token came by; none for a link that an administrator was shown.
alter table user_tokens alter column letter_id drop not null;

-- The address of the request; null for the command line, and for what was written before there was this column.
alter table audit_log add column ip inet;

create index audit_log_at_idx on audit_log (at);

-- The administrator who acted as `actor_id`.
alter table audit_log add column impersonator_id uuid;

create index audit_log_impersonator_idx on audit_log (impersonator_id, id) where impersonator_id is not null;

alter table sessions
    -- The administrator who acts as the user in this session, and the own session that is gone back to: this one ends with that.
    add column impersonator_id uuid references users (id) on delete cascade,
    add column impersonator_session_id uuid references sessions (id) on delete cascade,
    add constraint sessions_impersonator_check check ((impersonator_id is null) = (impersonator_session_id is null));

create index sessions_impersonator_id_idx on sessions (impersonator_id) where impersonator_id is not null;
create index sessions_impersonator_session_id_idx on sessions (impersonator_session_id) where impersonator_session_id is not null;
