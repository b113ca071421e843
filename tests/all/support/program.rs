//! The real binary as a child process.

use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::within_patience;

/// The environment of a program: what a setting is named, and its value.
pub type Settings<'a> = [(&'a str, &'a str)];

/// A running program; it is killed when the test ends.
pub struct Program {
    child: Child,
    /// Stays open: a worker under torture ends with it.
    _stdin: ChildStdin,
    said: Arc<Said>,
    reading: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Program {
    pub fn start(args: &[&str], settings: &Settings<'_>) -> Self {
        let mut command = command(args, settings);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take().expect("a pipe");
        let said = Arc::<Said>::default();
        let reading = vec![
            tokio::spawn(read(child.stdout.take().expect("a pipe"), said.clone())),
            tokio::spawn(read(child.stderr.take().expect("a pipe"), said.clone())),
        ];
        Self { child, _stdin: stdin, said, reading }
    }

    /// Waits for a line with these words, in output or log.
    pub async fn says(&self, words: &str) -> String {
        within_patience(words, async {
            loop {
                let more = self.said.more.notified();
                if let Some(line) = self.said().lines().find(|line| line.contains(words)) {
                    return line.to_owned();
                }
                more.await;
            }
        })
        .await
    }

    /// Everything that it has said until now.
    pub fn said(&self) -> String {
        self.said.lines.lock().expect("nobody panicked with it").join("\n")
    }

    /// Sends a signal by its name.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await.expect("kill is there");
        assert!(sent.success());
    }

    /// Waits for its end, and until all that it said is read.
    pub async fn ends(&mut self) -> ExitStatus {
        let status = within_patience("the program ends", self.child.wait()).await.expect("its end");
        for reading in self.reading.drain(..) {
            within_patience("its last words", reading).await.expect("they are read");
        }
        status
    }
}

async fn read(pipe: impl AsyncRead + Unpin, said: Arc<Said>) {
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        said.lines.lock().expect("nobody panicked with it").push(line);
        said.more.notify_waiters();
    }
}

/// Runs a command to its end.
pub async fn run(args: &[&str], settings: &Settings<'_>) -> Output {
    within_patience("the command ends", run_to_its_end(args, settings)).await
}

/// The same for a command that reads from standard input.
pub async fn run_with_input(args: &[&str], settings: &Settings<'_>, input: &str) -> Output {
    let mut program = command(args, settings);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().expect("the program starts");
    let mut stdin = program.stdin.take().expect("its standard input");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
    drop(stdin);
    within_patience("the command ends", program.wait_with_output()).await.expect("the program runs")
}

/// The same for a command that takes its time and ends by itself.
pub async fn run_to_its_end(args: &[&str], settings: &Settings<'_>) -> Output {
    command(args, settings).output().await.expect("the program runs")
}

/// In a folder without a configuration file, and with no settings but these.
fn command(args: &[&str], settings: &Settings<'_>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_starter"));
    command.args(args).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null()).kill_on_drop(true);
    let ours = |name: &String| name.starts_with("STARTER__") || name == "DATABASE_URL" || name == "RUST_LOG";
    for name in std::env::vars().map(|(name, _)| name).filter(ours) {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied());
    command
}
