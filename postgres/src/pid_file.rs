use crate::error::{Doing, Error};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "postmaster.pid";

/// What a server writes into its data folder about itself.
#[derive(Debug)]
pub(crate) struct PidFile {
    pub pid: i32,
    /// Missing in the first moments.
    pub socket_dir: Option<PathBuf>,
}

impl PidFile {
    /// The server that runs on `cluster`. Files of a dead server whose process id now belongs to something else are
    /// removed: PostgreSQL would take that for itself and refuse to start. Only for whoever keeps others from starting.
    pub(crate) fn of_live_server(cluster: &Path) -> Result<Option<PidFile>, Error> {
        let path = cluster.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing("read", &path),
        };
        let Some(found) = parse(&text) else { return Ok(None) };
        if could_be_server_of(&command_line(found.pid), cluster) {
            return Ok(Some(found));
        }
        for stale in [path, cluster.join(".s.PGSQL.5432.lock")] {
            match fs::remove_file(&stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing("remove", &stale),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Process id, data folder, start time, port, socket folder, and more that does not matter here: one a line.
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    // A stand-alone backend writes a negative number.
    let pid = lines.next()?.trim().parse::<i32>().ok()?.checked_abs().filter(|pid| *pid > 1)?;
    let socket_dir = lines.nth(3).filter(|line| !line.is_empty()).map(PathBuf::from);
    Some(PidFile { pid, socket_dir })
}

/// The arguments of a process; none when it is gone, or dead and not yet collected.
fn command_line(pid: i32) -> Vec<String> {
    if let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline")) {
        let arguments = bytes.split(|byte| *byte == 0).filter(|argument| !argument.is_empty());
        return arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
    }
    if Path::new("/proc/self/cmdline").exists() {
        return Vec::new();
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    said.split_whitespace().map(str::to_string).collect()
}

/// Whether this may be the server of `cluster`. In doubt it is: to take a live one for dead would cost data.
fn could_be_server_of(arguments: &[String], cluster: &Path) -> bool {
    let program = arguments.first().and_then(|program| Path::new(program).file_name()).unwrap_or_default();
    let program = program.to_string_lossy();
    // `postgres: checkpointer` and its like are children, which never write the file.
    if program.contains(':') || !(program.contains("postgres") || program.contains("postmaster")) {
        return false;
    }
    let folder = arguments.iter().skip_while(|argument| *argument != "-D").nth(1).map(Path::new);
    let elsewhere = |folder: &Path| {
        let same =
            fs::canonicalize(folder).is_ok_and(|folder| fs::canonicalize(cluster).is_ok_and(|own| own == folder));
        folder.is_absolute() && folder.exists() && !same
    };
    !folder.is_some_and(elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_without_another_folder_is_taken_for_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = tempfile::tempdir().expect("a folder");
        let path = |folder: &tempfile::TempDir| folder.path().display().to_string();
        let judge = |arguments: &[&str]| {
            could_be_server_of(&arguments.iter().map(|text| text.to_string()).collect::<Vec<_>>(), folder.path())
        };

        assert!(judge(&["/usr/bin/postgres", "-D", &path(&folder)]));
        assert!(judge(&["postgres", "-D", "data"]));
        assert!(!judge(&["postgres", "-D", &path(&other)]));
        assert!(!judge(&["postgres: walwriter "]));
        assert!(!judge(&["vim"]));
        assert!(!judge(&[]));
    }

    #[test]
    fn a_pid_file_in_the_making_has_no_socket_yet() {
        let early = parse("4711\n/data\n1700000000\n5432\n").expect("a pid");
        let ready = parse("4711\n/data\n1700000000\n5432\n/socket\n\n").expect("a pid");

        assert_eq!((early.pid, early.socket_dir), (4711, None));
        assert_eq!(ready.socket_dir, Some(PathBuf::from("/socket")));
    }
}
