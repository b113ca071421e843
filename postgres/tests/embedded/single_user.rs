//! SQL without a server and without a client.

use crate::support::*;
use embedded_postgres::{Error, find_binaries, init_cluster, remove, run_single_user};

const FUNCTION_WITH_BLANK_LINES: &str = "
create function answer() returns int language plpgsql as $$
declare found int;

begin
    found := 42;

    return found;
end $$;

create table answers (value int);

insert into answers select answer();
";

#[test]
fn a_throw_away_cluster_runs_sql_and_reports_what_fails() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let binaries = find_binaries(None).expect("PostgreSQL");
    init_cluster(&binaries, &data_dir, false).expect("a cluster");
    let run = |sql: &str| run_single_user(&binaries, &data_dir, "postgres", sql);

    run(FUNCTION_WITH_BLANK_LINES).expect("blank lines within a function do no harm");
    run("do $$ begin assert (select count(*) from answers) = 1; end $$;").expect("the row is there");

    let refused = run("insert into answers values (1);\n\nselect 1 from no_such_table;\n\nselect 2;");
    let Err(Error::Refused(said)) = refused else { panic!("an error was not reported: {refused:?}") };
    assert!(said.contains("no_such_table"), "{said}");
    run("do $$ begin assert (select count(*) from answers) = 1; end $$;").expect("what failed left nothing behind");
}

#[test]
fn a_missing_database_is_an_error() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let binaries = find_binaries(None).expect("PostgreSQL");
    init_cluster(&binaries, &data_dir, false).expect("a cluster");

    let refused = run_single_user(&binaries, &data_dir, "nowhere", "select 1;").expect_err("no such database");

    assert!(refused.to_string().contains("nowhere"), "{refused}");
}

#[test]
fn what_is_no_cluster_is_neither_overwritten_nor_removed() {
    let folder = folder();
    let data_dir = folder.path().join("letters");
    std::fs::create_dir(&data_dir).expect("a folder");
    std::fs::write(data_dir.join("letter.txt"), "Dear Ada").expect("a file");
    let binaries = find_binaries(None).expect("PostgreSQL");

    let initialized = init_cluster(&binaries, &data_dir, false);
    let removed = remove(&data_dir);

    assert!(matches!(initialized, Err(Error::NotACluster(_))), "{initialized:?}");
    assert!(matches!(removed, Err(Error::NotACluster(_))), "{removed:?}");
    assert!(data_dir.join("letter.txt").exists());
}
