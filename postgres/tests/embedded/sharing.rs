//! One server for all programs on a folder, for as long as one of them lives.

use crate::support::*;
use embedded_postgres::{Embedded, Error, remove};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Tells [`another_program`] its folder.
const FOLDER_OF_ANOTHER: &str = "EMBEDDED_POSTGRES_TEST_FOLDER";

/// Another program on `data_dir`: this test binary, running only [`another_program`].
struct Program(Child);

impl Program {
    fn on(data_dir: &Path) -> Program {
        let mut program = Program::starting_on(data_dir, None);
        let output = program.0.stdout.take().expect("its output");
        let ready = BufReader::new(output).lines().map_while(Result::ok).any(|line| line.contains("ready"));
        assert!(ready, "the program ended before it was ready");
        program
    }

    fn starting_on(data_dir: &Path, binaries: Option<&Path>) -> Program {
        let this = std::env::current_exe().expect("the test's own path");
        let mut command = Command::new(this);
        command.args(["--exact", "sharing::another_program", "--nocapture"]).env(FOLDER_OF_ANOTHER, data_dir);
        command.envs(binaries.map(|folder| ("STARTER_POSTGRES_BIN", folder)));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Program(child.expect("the program starts"))
    }

    fn killed(mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

/// No test, but what [`Program`] runs; on its own it has nothing to do.
#[test]
fn another_program() {
    let Some(data_dir) = std::env::var_os(FOLDER_OF_ANOTHER).map(PathBuf::from) else { return };
    let _embedded = start(&data_dir);
    println!("\nready");
    // Until it is killed, or the test that started it is gone.
    let _ = std::io::stdin().lines().count();
}

#[test]
fn the_second_program_joins_the_server_and_the_last_one_stops_it() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let first = start(&data_dir);
    let pid = server_pid(&data_dir);
    let second = start(&data_dir);

    assert_eq!(server_pid(&data_dir), pid);
    first.stop();
    assert!(lets_in(second.socket_dir(), "app"));
    second.stop();
    assert_eq!(server_pid(&data_dir), None);
}

#[test]
fn programs_that_start_at_once_get_one_server() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");

    let all: Vec<Embedded> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| start(&data_dir))).collect();
        starts.into_iter().map(|start| start.join().expect("it starts")).collect()
    });

    assert!(all.iter().all(|embedded| lets_in(embedded.socket_dir(), "app")));
    drop(all);
    assert_eq!(server_pid(&data_dir), None);
}

#[test]
fn the_server_of_a_killed_program_stops_and_the_next_start_works() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let ada = Program::on(&data_dir);
    assert!(server_pid(&data_dir).is_some());

    ada.killed();
    until_stopped(&data_dir);

    assert!(lets_in(start(&data_dir).socket_dir(), "app"));
}

#[test]
fn a_program_killed_while_its_server_starts_leaves_none_behind() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    start(&data_dir).stop();
    // Late enough that the keeper looks before the server has told its process id.
    let slow = slow_binaries(folder.path(), &binaries_of(&data_dir));

    let ada = Program::starting_on(&data_dir, Some(&slow));
    until("the server is being started", || data_dir.join("begun").exists());
    ada.killed();

    until("the keeper has looked again", || !data_dir.join("starter.starting").exists());
    until("the late server is gone", || data_dir.join("late").exists() && server_pid(&data_dir).is_none());
    assert!(!lets_in(&data_dir, "postgres"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_next_program_replaces_a_killed_keeper() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let ada = Program::on(&data_dir);
    kill(child_named("pg-keeper", ada.0.id()).expect("ada's keeper"));

    let grace = Program::on(&data_dir);
    ada.killed();
    grace.killed();

    until_stopped(&data_dir);
}

#[test]
fn a_killed_program_does_not_take_the_server_from_another() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let ada = Program::on(&data_dir);
    let grace = start(&data_dir);
    let pid = server_pid(&data_dir);

    ada.killed();

    assert!(lets_in(grace.socket_dir(), "app"));
    assert_eq!(server_pid(&data_dir), pid);
    grace.stop();
    assert_eq!(server_pid(&data_dir), None);
}

#[test]
fn a_program_that_comes_while_the_server_stops_gets_a_new_one() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");

    for _ in 0..5 {
        Program::on(&data_dir).killed();
        let grace = start(&data_dir);
        grace.ensure_running().expect("it runs");
        assert!(lets_in(grace.socket_dir(), "app"));
    }

    until_stopped(&data_dir);
}

#[test]
fn a_folder_in_use_is_not_removed() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let embedded = start(&data_dir);

    let refused = remove(&data_dir).expect_err("it is in use");
    assert!(matches!(refused, Error::InUse(_)), "{refused}");
    assert!(lets_in(embedded.socket_dir(), "app"));

    embedded.stop();
    remove(&data_dir).expect("nobody uses it any more");
    assert!(!data_dir.exists());
}

#[test]
fn a_folder_is_removed_while_the_server_of_a_killed_program_stops() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    Program::on(&data_dir).killed();

    remove(&data_dir).expect("the keeper is waited for");

    assert!(!data_dir.exists());
}
