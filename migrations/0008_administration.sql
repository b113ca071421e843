-- Links that are handed over without a letter, and where changes come from.

-- The letter that a token came by; none for a link that an administrator was shown.
alter table user_tokens alter column letter_id drop not null;

-- The address of the request; null for the command line, and for what was written before there was this column.
alter table audit_log add column ip inet;

create index audit_log_at_idx on audit_log (at);
