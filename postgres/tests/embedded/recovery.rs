//! What may be in the way of a start, and is not.

use crate::support::*;
use embedded_postgres::{Embedded, Error, Options, remove};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn a_killed_server_is_started_again() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let embedded = start(&data_dir);
    let killed = server_pid(&data_dir).expect("a server");

    kill(killed);
    until("the server is gone", || !lets_in(embedded.socket_dir(), "app"));
    embedded.ensure_running().expect("it runs again");

    assert!(lets_in(embedded.socket_dir(), "app"));
    assert_ne!(server_pid(&data_dir), Some(killed));
    embedded.stop();
    until_stopped(&data_dir);
}

#[test]
fn the_process_id_of_a_dead_server_may_belong_to_somebody_else() {
    let folder = folder();
    let (data_dir, other) = (folder.path().join("postgres"), folder.path().join("other"));
    start(&data_dir).stop();
    // A live process of the same account, so that PostgreSQL alone would take it for its own server.
    let stranger = start(&other);
    let pid_file = fs::read_to_string(other.join("postmaster.pid")).expect("the stranger's file");
    let forged = pid_file.replace(&other.display().to_string(), &data_dir.display().to_string());
    fs::write(data_dir.join("postmaster.pid"), forged).expect("a stale file");

    let embedded = start(&data_dir);

    assert_ne!(server_pid(&data_dir), server_pid(&other));
    assert!(lets_in(embedded.socket_dir(), "app") && lets_in(stranger.socket_dir(), "app"));
}

#[test]
fn an_interrupted_initdb_leaves_nothing_in_the_way() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let half_done = folder.path().join("postgres.initializing");
    fs::create_dir(&half_done).expect("a folder");
    fs::write(half_done.join("PG_VERSION"), "15").expect("a file");

    assert!(lets_in(start(&data_dir).socket_dir(), "app"));
    assert!(!half_done.exists());
}

#[test]
fn a_deep_folder_gets_a_short_socket() {
    let folder = folder();
    let data_dir = deep(folder.path());

    let embedded = start(&data_dir);
    let socket_dir = embedded.socket_dir().to_path_buf();

    assert!(!socket_dir.starts_with(folder.path()));
    assert!(lets_in(&socket_dir, "app"));
    let mode = fs::metadata(&socket_dir).expect("the socket's folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "others may not get in");
    embedded.stop();
    remove(&data_dir).expect("nobody uses it");
    assert!(!socket_dir.exists());
}

#[test]
fn root_keeps_the_data_elsewhere_when_the_folder_is_out_of_reach() {
    if !is_root() {
        eprintln!("skipped: only root steps down to another account");
        return;
    }
    for (durable, parent) in [(true, "lib"), (false, "tmp")] {
        let folder = folder();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("a closed folder");
        let data_dir = folder.path().join("postgres");
        let options = Options { durable, ..options(&data_dir) };

        Embedded::start(options.clone()).expect("it starts").stop();
        let elsewhere = fs::read_link(&data_dir).expect("a link says where the data is");
        let again = Embedded::start(options).expect("it finds the data");

        assert!(lets_in(again.socket_dir(), "app"));
        assert!(elsewhere.join("PG_VERSION").exists());
        assert!(elsewhere.starts_with(Path::new("/var").join(parent)), "{}", elsewhere.display());
        again.stop();
        remove(&data_dir).expect("nobody uses it");
        assert!(!elsewhere.exists() && !data_dir.is_symlink());
        assert!(!elsewhere.parent().is_some_and(Path::exists), "nothing is left");
    }
}

#[test]
fn any_name_of_a_database_will_do() {
    let folder = folder();
    let strange = "Ada's \"notes\" / 50%";
    let named = Options { database: strange.into(), ..options(&folder.path().join("postgres")) };

    let embedded = Embedded::start(named.clone()).expect("it starts");
    let again = Embedded::start(named).expect("it is there already");

    assert!(lets_in(again.socket_dir(), strange));
    assert!(embedded.database_url().contains("/Ada%27s%20%22notes%22%20%2F%2050%25?host=%2F"));
}

#[test]
fn what_the_server_complains_about_is_told() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    start(&data_dir).stop();
    let conf = data_dir.join("postgresql.conf");
    fs::write(&conf, "no_such_setting = 1\n").expect("a broken setting");

    let Err(refused) = Embedded::start(options(&data_dir)) else { panic!("it started with a broken setting") };

    assert!(matches!(refused, Error::DidNotStart { .. }), "{refused:?}");
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");
}

#[test]
fn data_of_another_version_is_left_alone() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    start(&data_dir).stop();
    fs::write(data_dir.join("PG_VERSION"), "9\n").expect("an old version");

    let Err(refused) = Embedded::start(options(&data_dir)) else { panic!("it started with old data") };

    assert!(matches!(refused, Error::OtherVersion { written_by: 9, .. }), "{refused:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_server_has_a_session_of_its_own() {
    let folder = folder();
    let data_dir = folder.path().join("postgres");
    let _embedded = start(&data_dir);
    let pid = server_pid(&data_dir).expect("a server");

    // After the name in parentheses: state, parent, process group, session.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server's state");
    let session = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(3));

    assert_eq!(session, Some(pid.to_string().as_str()), "Ctrl-C would stop the server before the program is done");
}
