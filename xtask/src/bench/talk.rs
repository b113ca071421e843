//! Child processes that are spoken to by lines: the worker, the producer, and the client of the database.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// For a child to end after its standard input has.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running child. It is killed with this value.
pub struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talk {
    pub fn begin(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("{} could not be started", command.get_program().display()))?;
        let output = BufReader::new(child.stdout.take().context("no output to read")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { input: child.stdin.take(), child, lines })
    }

    pub fn say(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("its input is closed")?;
        writeln!(input, "{line}").context("a program of the benchmark has ended too early")
    }

    /// The next line; none when it does not come in time.
    pub fn next(&self, until: Instant) -> Result<Option<String>> {
        match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("a program of the benchmark has ended too early"),
        }
    }

    /// What follows `word` in the next line that begins with it; none when it does not come in time.
    pub fn after(&self, word: &str, until: Instant) -> Result<Option<String>> {
        while let Some(line) = self.next(until)? {
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(Some(rest.trim().to_owned()));
            }
        }
        Ok(None)
    }

    /// Tells it to stop as a service manager does, and waits until it has.
    pub fn terminate(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        process::run(Command::new("kill").args(["-s", "TERM", &pid]))?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("a program of the benchmark ended badly ({status})") }
    }

    /// Closes its input, and returns what it says at its end after `word`.
    pub fn end(mut self, word: &str) -> Result<String> {
        self.input.take();
        let said = self.after(word, Instant::now() + PATIENCE)?;
        said.with_context(|| format!("a program of the benchmark did not say `{word}` at its end"))
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.input.take();
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // It may have ended meanwhile; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
