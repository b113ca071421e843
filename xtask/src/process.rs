//! Child processes, and telling the person in front of the terminal how far they are.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const TICK: Duration = Duration::from_secs(10);
/// Lines of a command that failed which are told once more.
const TOLD: usize = 20;

/// A failure that has been explained to the person already.
#[derive(Debug)]
pub struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("see above")
    }
}

impl std::error::Error for Fault {}

/// The cargo that started this program.
pub fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Takes out what `cargo run` says about this package: build scripts that look at it would run anew each time.
pub fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_PRIMARY_PACKAGE" {
            command.env_remove(&name);
        }
    }
}

/// Something that takes time: says that it begins, that it still runs, and how long it took.
pub struct Step {
    title: String,
    begun: Instant,
}

impl Step {
    /// Begins a step that is worth a line of its own.
    pub fn begin(title: impl Into<String>) -> Self {
        let title = title.into();
        eprintln!("{title} …");
        Self { title, begun: Instant::now() }
    }

    /// Ends the step.
    pub fn done(self) {
        eprintln!("{} … {}", self.title, seconds(self.begun));
    }

    /// Runs a command that shows its own progress, and ends the step when it succeeds.
    pub fn stream(self, command: &mut Command) -> Result<()> {
        run(command)?;
        self.done();
        Ok(())
    }

    /// Runs a command that shows its own progress; when it fails, the last that it said as an error is part of ours.
    pub fn telling(self, command: &mut Command) -> Result<()> {
        let mut last = VecDeque::new();
        let good = follow(command, Output::Error, |line| {
            last.truncate(TOLD - 1);
            last.push_front(line.to_owned());
        })?;
        if !good {
            let lines: Vec<String> = last.into_iter().rev().collect();
            bail!("{} failed:\n{}", name(command), lines.join("\n"));
        }
        self.done();
        Ok(())
    }

    /// Runs a command that says nothing while it works; its output is shown only when it fails.
    pub fn quietly(self, command: &mut Command) -> Result<()> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.with_context(|| format!("{} could not be started", name(command)))?;
        let output = self.ticking(|| child.wait_with_output())?;
        if !output.status.success() {
            eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            return judge(command, output.status);
        }
        self.done();
        Ok(())
    }

    /// Waits for `work`, with a line every ten seconds.
    fn ticking<T>(&self, work: impl FnOnce() -> T) -> T {
        let (ended, waiting) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while waiting.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    eprintln!("{} … {}", self.title, seconds(self.begun));
                }
            });
            let value = work();
            drop(ended);
            value
        })
    }
}

/// The time since `begun`, for people.
pub fn seconds(begun: Instant) -> String {
    format!("{:.1} s", begun.elapsed().as_secs_f64())
}

/// Runs a command on this terminal.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} could not be started", name(command)))?;
    judge(command, status)
}

/// Runs a command and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{} could not be started", name(command)))?;
    judge(command, output.status)?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a command can be started and ends well, without showing anything.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Which output of a command somebody reads along.
pub enum Output {
    Standard,
    Error,
}

/// Runs a command, shows one of its outputs and lets `read` see each line of it. Says whether it ended well.
pub fn follow(command: &mut Command, output: Output, mut read: impl FnMut(&str)) -> Result<bool> {
    match output {
        Output::Standard => command.stdout(Stdio::piped()),
        Output::Error => command.stderr(Stdio::piped()),
    };
    let child = command.stdin(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("{} could not be started", name(command)))?;
    let (standard, error) = (child.stdout.take().map(either), child.stderr.take().map(either));
    for line in BufReader::new(standard.or(error).context("no output to read")?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        read(&line);
    }
    Ok(child.wait()?.success())
}

fn either(stream: impl Read + 'static) -> Box<dyn Read> {
    Box::new(stream)
}

fn judge(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let arguments: Vec<_> = command.get_args().take(3).map(|one| one.to_string_lossy()).collect();
    format!("`{program} {}`", arguments.join(" "))
}
