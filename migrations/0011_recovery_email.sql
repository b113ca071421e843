-- An address counts for the way back into an account only once it was shown to be the owner's: until then letters go to the one before.

alter table users add column verified_email text;

update users set verified_email = email where email_verified;

-- Somebody who shows that an address is theirs takes it over from an account that had it before.
create unique index users_verified_email_key on users (lower(verified_email));

-- The rule in one place. An account that never showed an address has the one that it was made with.
alter table users add column recovery_email text not null generated always as (
    case when email_verified or verified_email is null then email else verified_email end) stored;

create index users_recovery_email_idx on users (lower(recovery_email));
