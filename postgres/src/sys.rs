//! The few system calls that the standard library does not offer. All that is unsafe in this crate is here.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Where the keeper finds its locks. The kernel closes in rising order at exit, so that "no keeper" is true before
/// anybody who waited for `users` looks.
const KEEPER_FD: RawFd = 3;
const USERS_FD: RawFd = 4;

/// The user this program acts as.
#[expect(unsafe_code, reason = "geteuid cannot fail and touches no memory")]
pub(crate) fn effective_user() -> u32 {
    unsafe { libc::geteuid() }
}

/// Sends `signal`; false when there is no such process.
#[expect(unsafe_code, reason = "kill touches no memory")]
pub(crate) fn signal(pid: i32, signal: i32) -> bool {
    unsafe { libc::kill(pid, signal) == 0 }
}

/// Gives the command a session of its own, so that Ctrl-C and a closed terminal do not reach it.
#[expect(unsafe_code, reason = "the hook only calls setsid, which is async-signal-safe")]
pub(crate) fn own_session(command: &mut Command) {
    unsafe { command.pre_exec(own_session_here) };
}

/// Lets the command begin only when nobody holds `users` any more, even when all of them were killed.
///
/// `spawn` returns at once all the same: it waits for the end of a pipe, which the hook closes with everything else.
#[expect(unsafe_code, reason = "the hook allocates nothing and makes only async-signal-safe calls")]
pub(crate) fn begin_when_unused(command: &mut Command, keeper: &File, users: &File) {
    let (keeper, users) = (keeper.as_raw_fd(), users.as_raw_fd());
    let hook = move || {
        own_session_here()?;
        another_name();
        place_locks(keeper, users)?;
        close_from(USERS_FD + 1);
        lock_exclusively(USERS_FD)
    };
    unsafe { command.pre_exec(hook) };
}

#[expect(unsafe_code, reason = "setsid touches no memory")]
fn own_session_here() -> io::Result<()> {
    check(unsafe { libc::setsid() })
}

/// Until exec the keeper is a copy of the program: whoever kills all programs of that name should not hit it.
#[expect(unsafe_code, reason = "prctl reads a static string")]
fn another_name() {
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"pg-keeper".as_ptr())
    };
}

/// Puts both locks where the keeper expects them, and lets them live on over exec.
#[expect(unsafe_code, reason = "descriptors only; the originals are closed right after")]
fn place_locks(keeper: RawFd, users: RawFd) -> io::Result<()> {
    // Above both targets first: one of the originals may sit on the other's place. dup2 leaves CLOEXEC off.
    let keeper = unsafe { libc::fcntl(keeper, libc::F_DUPFD, USERS_FD + 1) };
    check(keeper)?;
    let users = unsafe { libc::fcntl(users, libc::F_DUPFD, USERS_FD + 1) };
    check(users)?;
    check(unsafe { libc::dup2(keeper, KEEPER_FD) })?;
    check(unsafe { libc::dup2(users, USERS_FD) })
}

/// Closes what was inherited: sockets, pipes, and above all the share in `users` of the program that forked us.
#[expect(unsafe_code, reason = "the process is about to exec and owns no descriptor object any more")]
fn close_from(first: RawFd) {
    #[cfg(target_os = "linux")]
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } == 0 {
        return;
    }
    // Some containers allow a thousand million descriptors; nobody opens that many.
    let limit = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) }.clamp(256, 65_536);
    for descriptor in first..limit as RawFd {
        unsafe { libc::close(descriptor) };
    }
}

#[expect(unsafe_code, reason = "flock touches no memory")]
fn lock_exclusively(descriptor: RawFd) -> io::Result<()> {
    while unsafe { libc::flock(descriptor, libc::LOCK_EX) } != 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
