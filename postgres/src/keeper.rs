use crate::account::Account;
use crate::binaries;
use crate::error::{Doing, Error};
use crate::locks::Locks;
use crate::place::Place;
use crate::sys;
use std::path::Path;
use std::process::{Child, Stdio};

/// Stops the server, once. Only when a start was cut short it looks again: such a server may not have told its process
/// id yet.
const STOP: &str = r#"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    "$0" stop -D "$1" -m fast -w -t 60 && rm -f "$2" && exit
    [ -e "$2" ] || exit 0
    sleep 0.3
done
rm -f "$2"
"#;

/// Makes sure that a process waits for the last program on the cluster to be gone, to stop the server then.
///
/// It holds `keeper` while it lives, so that there is one, and `users` while it stops the server, so that a program which
/// comes in that moment waits and finds the truth.
pub(crate) fn ensure(
    locks: &Locks,
    place: &Place,
    account: &Account,
    binaries: &Path,
    one_just_ended: bool,
) -> Result<(), Error> {
    let Some(keeper) = locks.keeper(one_just_ended)? else { return Ok(()) };
    let users = locks.users()?;
    let shell = Path::new("/bin/sh");
    let mut command = account.command(shell);
    command.args(["-c", STOP]).arg(binaries::program(binaries, "pg_ctl")).arg(&place.cluster).arg(place.starting());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    sys::begin_when_unused(&mut command, &keeper, &users);
    let child = command.spawn().doing("run", shell)?;
    reap(child);
    Ok(())
}

/// Collects a child that may outlive its purpose but not its parent; uncollected, it would seem to be alive.
pub(crate) fn reap(mut child: Child) {
    // When there is no thread to be had, init collects the child after us.
    let _ = std::thread::Builder::new().name("pg-reaper".into()).spawn(move || child.wait());
}
