use crate::account::Account;
use crate::error::{Doing, Error};
use crate::locks::Locks;
use crate::place::{Place, beside};
use crate::{binaries, postmaster, wire};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// Makes a fresh cluster in `data_dir`, all of it or nothing. Without `durable` it does not wait for the disk.
pub fn init_cluster(binaries: &Path, data_dir: &Path, durable: bool) -> Result<(), Error> {
    let place = Place::of(data_dir)?;
    let account = Account::for_folder(&place.cluster)?;
    init(place, &account, binaries, durable).map(drop)
}

/// Runs `sql` as one transaction on a cluster that no server runs on, without any client library.
///
/// A single statement that must not be in a transaction, such as `create database`, is not put into one.
pub fn run_single_user(binaries: &Path, data_dir: &Path, database: &str, sql: &str) -> Result<(), Error> {
    let place = Place::of(data_dir)?;
    let account = Account::for_folder(&place.cluster)?;
    let postgres = binaries::program(&account.within_reach(binaries)?, "postgres");
    let mut command = account.command(&postgres);
    // Without "exit on error" the program goes on after a refused statement, and ends as if all were well.
    command.args(["--single", "-j", "-c", "exit_on_error=on", "-c", "timezone=UTC", "-D"]);
    command.arg(&place.cluster).arg(database);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().doing("run", &postgres)?;
    let input = child.stdin.take();
    let text = in_one_piece(sql);
    // Written beside the reading: when both pipes are full, neither side would go on.
    let output = std::thread::scope(|scope| {
        // A server that has already given up says why itself.
        scope.spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
        child.wait_with_output()
    });
    let output = output.doing("wait for", Path::new("postgres"))?;
    if output.status.success() { Ok(()) } else { Err(Error::Refused(words(&output))) }
}

/// Deletes the cluster in `data_dir`, wherever its data lies. Refuses while a program uses it.
pub fn remove(data_dir: &Path) -> Result<(), Error> {
    let place = Place::of(data_dir)?;
    // A cluster that was only ever used by `run_single_user` needs no locks.
    let locks = place.locks().is_dir().then(|| Locks::of(&place)).transpose()?;
    let _start = locks.as_ref().map(Locks::start).transpose()?;
    let _alone = match &locks {
        Some(locks) => Some(locks.nobody_else()?.ok_or_else(|| Error::InUse(place.asked.clone()))?),
        None => None,
    };
    let is_cluster = place.is_initialized();
    let account = Account::for_folder(&place.cluster)?;
    let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if place.cluster.exists() && !is_cluster && !is_empty(&place.cluster) {
        return Err(Error::NotACluster(place.cluster));
    }
    postmaster::stop(&place.cluster)?;
    let socket_dir = place.socket_dir(&account);
    let mut folders = vec![place.cluster.clone(), socket_dir, half_done(&place.cluster)];
    folders.extend(place.elsewhere().map(Path::to_path_buf));
    for folder in folders {
        gone(fs::remove_dir_all(&folder), &folder)?;
    }
    if place.asked.is_symlink() { gone(fs::remove_file(&place.asked), &place.asked) } else { Ok(()) }
}

/// Makes the cluster of `place`, or of where `account` can reach it, and says where that is.
pub(crate) fn init(place: Place, account: &Account, binaries: &Path, durable: bool) -> Result<Place, Error> {
    let place = place.within_reach(account, durable)?;
    if fs::read_dir(&place.cluster).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::NotACluster(place.cluster));
    }
    let binaries = &account.within_reach(binaries)?;
    // Beside, then renamed: what was interrupted must not look like a cluster.
    let new = half_done(&place.cluster);
    // Case folding should know all letters, while order stays the same on every machine.
    let knows_letters = initdb(account, binaries, &new, durable, &["--lc-ctype=C.UTF-8"])?;
    if !knows_letters.status.success() {
        let plain = initdb(account, binaries, &new, durable, &[])?;
        if !plain.status.success() {
            gone(fs::remove_dir_all(&new), &new)?;
            return Err(Error::Failed { program: "initdb", said: words(&plain) });
        }
    }
    fs::rename(&new, &place.cluster).doing("create", &place.cluster)?;
    Ok(place)
}

fn initdb(account: &Account, binaries: &Path, new: &Path, durable: bool, more: &[&str]) -> Result<Output, Error> {
    gone(fs::remove_dir_all(new), new)?;
    account.own_folder(new)?;
    let program = binaries::program(binaries, "initdb");
    let mut command = account.command(&program);
    command.args(["-U", wire::SUPERUSER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-instructions"]);
    command.args(more).arg("-D").arg(new);
    if !durable {
        command.arg("--no-sync");
    }
    command.output().doing("run", &program)
}

fn half_done(cluster: &Path) -> PathBuf {
    beside(cluster, ".initializing")
}

/// Takes what was not there for removed.
pub(crate) fn gone(removed: io::Result<()>, path: &Path) -> Result<(), Error> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).doing("remove", path),
        _ => Ok(()),
    }
}

/// Keeps the server from cutting the text at a blank line after a semicolon, which may be within a function.
fn in_one_piece(sql: &str) -> String {
    let mut text = sql.replace("\r\n", "\n").replace(";\n\n", ";\n \n");
    text.push('\n');
    text
}

fn words(output: &Output) -> String {
    let said = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).trim().to_string());
    said.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| output.status.to_string())
}
