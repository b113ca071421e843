-- Where the schema has an owner of its own (`database.migration_url`), the server and the worker come as a role that reads and writes rows and
-- does nothing else. Where one role does everything, this changes nothing.

-- These two make and drop tables of the history, which only an owner may. So they run as the owner; the path is fixed, so that nobody puts
-- tables of their own in the way.
do $$
begin
    execute format('alter function make_history_of(date) security definer set search_path = %I, pg_temp', current_schema());
    execute format('alter function drop_history_before(date) security definer set search_path = %I, pg_temp', current_schema());
end
$$;

revoke execute on function make_history_of(date), drop_history_before(date) from public;

-- Lets a role use the rows of all tables that there are; it is called after each run of the migrations. The audit log can be added to and read.
create function let_use_rows(role name) returns void language plpgsql as $$
declare
    here text := current_schema();
    relation name;
begin
    -- Nobody else gives rights meanwhile, or makes and drops tables of the history.
    perform pg_advisory_xact_lock(hashtext('task_history'));
    execute format('grant usage on schema %I to %I', here, role);
    for relation in
        select relname from pg_class
        where relnamespace = here::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
        order by relname
    loop
        execute format('grant %s on %I to %I', case relation
            when 'audit_log' then 'select, insert'
            when '_sqlx_migrations' then 'select'
            else 'select, insert, update, delete' end, relation, role);
    end loop;
    execute format('grant usage on all sequences in schema %I to %I', here, role);
    execute format('grant execute on function make_history_of(date), drop_history_before(date) to %I', role);
end
$$;

revoke execute on function let_use_rows(name) from public;
