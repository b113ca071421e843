//! What the tests do and see, in their words.

use embedded_postgres::{Embedded, Options};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A folder that the account of the server may enter, unlike a usual temporary one.
pub fn folder() -> tempfile::TempDir {
    let open = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(open).tempdir().expect("a temporary folder")
}

pub fn options(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_path_buf(),
        database: "app".into(),
        durable: false,
        binaries: None,
        settings: Vec::new(),
    }
}

pub fn start(data_dir: &Path) -> Embedded {
    Embedded::start(options(data_dir)).expect("the cluster starts")
}

/// The process id of the server, as its folder tells it.
pub fn server_pid(data_dir: &Path) -> Option<u32> {
    fs::read_to_string(data_dir.join("postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

/// Whether a client gets into `database`: the first letter of the server's answer is R when it lets one in.
pub fn lets_in(socket_dir: &Path, database: &str) -> bool {
    let answer = || -> std::io::Result<u8> {
        let mut stream = UnixStream::connect(socket_dir.join(".s.PGSQL.5432"))?;
        let body = [&[0, 3, 0, 0], "user\0postgres\0database\0".as_bytes(), database.as_bytes(), &[0, 0]].concat();
        stream.write_all(&(body.len() as u32 + 4).to_be_bytes())?;
        stream.write_all(&body)?;
        // R comes before the database is looked for, so what counts is whether an E follows.
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = stream.read(&mut chunk)?;
            answer.extend_from_slice(&chunk[..read]);
            // "Ready for query" is five bytes and its state, at the end.
            if read == 0 || answer.ends_with(&[b'Z', 0, 0, 0, 5, b'I']) {
                return Ok(answer.last().copied().unwrap_or(b'E'));
            }
        }
    };
    answer().is_ok_and(|last| last == b'I')
}

/// Waits until `is_true`, and fails when that takes too long.
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_true() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Waits until the server of `data_dir` has said goodbye to its files.
pub fn until_stopped(data_dir: &Path) {
    until("the server has stopped", || server_pid(data_dir).is_none() && !lets_in(data_dir, "postgres"));
}

pub fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "nobody to kill");
}

pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout == b"0\n"
}

/// A folder so deep that the path of a socket in it would be too long.
pub fn deep(folder: &Path) -> PathBuf {
    folder
        .join("a-folder-with-a-rather-long-name".repeat(2))
        .join("and-another-one-below-it".repeat(2))
        .join("postgres")
}

/// The programs that last ran on the folder: within reach of the server's account, also when [`find_binaries`] is not.
///
/// [`find_binaries`]: embedded_postgres::find_binaries
pub fn binaries_of(data_dir: &Path) -> PathBuf {
    let command = fs::read_to_string(data_dir.join("postmaster.opts")).expect("how the server was started");
    let program = command.split(" \"").next().expect("its program");
    Path::new(program).parent().expect("its folder").to_path_buf()
}

/// `real` as on a machine so busy that a server needs a second to begin. It writes `begun` and `late` into its folder.
pub fn slow_binaries(folder: &Path, real: &Path) -> PathBuf {
    let slow = folder.join("slow");
    fs::create_dir(&slow).expect("a folder");
    for name in ["initdb", "pg_ctl"] {
        std::os::unix::fs::symlink(real.join(name), slow.join(name)).expect("a link");
    }
    let wait = r#"if [ "$1" = -D ]; then : > "$2/begun"; sleep 1; : > "$2/late"; fi"#;
    let script = format!("#!/bin/sh\n{wait}\nexec '{}' \"$@\"\n", real.join("postgres").display());
    fs::write(slow.join("postgres"), script).expect("a program");
    fs::set_permissions(slow.join("postgres"), fs::Permissions::from_mode(0o755)).expect("it can run");
    slow
}

/// A child of `parent`, by the name the kernel shows.
#[cfg(target_os = "linux")]
pub fn child_named(name: &str, parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").expect("the processes").flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent_of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        stat.contains(&format!("({name})")) && parent_of == Some(parent.to_string().as_str())
    })
}
