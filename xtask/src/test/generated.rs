//! Generated requests: Schemathesis reads our OpenAPI document and sends what no person would, as an administrator, as a user and as nobody.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::count::{self, Count};
use crate::postgres;
use crate::process::{self, Step};
use crate::python;
use crate::site;
use crate::workspace::Workspace;

/// Fewest requests of all people together.
const CASES: u64 = 5_000;
/// Who asks. The administrator comes last, as nobody can be sure of their account afterwards.
const PEOPLE: [&str; 3] = ["anonymous", "ada", "admin"];
const PASSWORD: &str = "a passphrase for generated requests";
/// In reach of no case, so that it is the API that answers and not a limit.
const SETTINGS: [(&str, &str); 12] = [
    ("STARTER__INITIAL_ADMIN_PASSWORD", PASSWORD),
    ("STARTER__DATABASE__DATA_DIR", "postgres"),
    ("STARTER__DATABASE__DURABLE", "false"),
    ("STARTER__MAIL__FOLDER", "mail"),
    ("STARTER__AUTH__SUDO_MINUTES", "1440"),
    ("STARTER__LIMITS__LOGIN_PER_ACCOUNT", "off"),
    ("STARTER__LIMITS__LOGIN_PER_ADDRESS", "off"),
    ("STARTER__LIMITS__PASSWORD_PER_SESSION", "off"),
    ("STARTER__LIMITS__REGISTER_PER_ADDRESS", "off"),
    ("STARTER__LIMITS__RESET_PER_ACCOUNT", "off"),
    ("STARTER__LIMITS__RESET_PER_ADDRESS", "off"),
    ("STARTER__LIMITS__VERIFY_PER_ACCOUNT", "off"),
];

/// Runs them all and counts operations, each once a person; or says what this machine lacks.
pub fn run(workspace: &Workspace) -> Result<Result<Count, String>> {
    let here = workspace.root.join("tests/schemathesis");
    let packages = workspace.target.join("schemathesis");
    let python = match python::with_packages(&packages, &here.join("requirements.txt"))? {
        Ok(python) => python,
        Err(missing) => return Ok(Err(missing)),
    };
    let server = Server::start(workspace)?;
    let (mut sum, mut cases) = (Count::default(), 0);
    for person in PEOPLE {
        let report = server.folder.join(format!("{person}.json"));
        let mut command = Command::new(&python);
        command.current_dir(&here).args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"]);
        command.arg(format!("{}/api-docs/openapi.json", server.address)).arg("--no-color");
        command.arg("--report-json-path").arg(&report);
        command.env("FUZZ_API", format!("{}/api/v1", server.address));
        command.env("FUZZ_PERSON", person).env("FUZZ_PASSWORD", PASSWORD).env("PYTHONDONTWRITEBYTECODE", "1");
        let good = Step::begin(format!("tests: generated requests as {person}")).quietly(&mut command);
        if let Err(error) = &good {
            eprintln!("error: {error:#}");
        }
        let text = fs::read_to_string(&report).context("Schemathesis wrote no report")?;
        let report: Value = serde_json::from_str(&text)?;
        let count = count::schemathesis(&report).context("the report of Schemathesis has no sums")?;
        sum = sum + count.ended(good.is_ok());
        cases += report["test_cases"]["generated"].as_u64().unwrap_or_default();
    }
    eprintln!("generated requests: {cases}; the server's log is {}", server.folder.join("log.txt").display());
    if cases < CASES {
        eprintln!("error: at least {CASES} requests have to be made");
        sum.failed += 1;
    }
    server.stop()?;
    Ok(Ok(sum))
}

/// The program on an empty database of its own.
struct Server {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl Server {
    fn start(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("generated-requests");
        postgres::remove(&folder.join("postgres"))?;
        site::remove(&folder)?;
        fs::create_dir_all(&folder)?;
        let mut command = Command::new(workspace.server(false));
        command.current_dir(&folder).args(["serve", "--worker", "--port", "0"]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STARTER__")) {
            command.env_remove(name);
        }
        command.env_remove("DATABASE_URL").env_remove("RUST_LOG").envs(SETTINGS);
        postgres::provide(workspace, &mut command)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(folder.join("log.txt"))?);
        let mut child = command.spawn().context("the server could not be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output to read")?).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.find("http://")?;
            Some(line[at..].trim().to_owned())
        });
        // It must not wait for somebody to read on.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut server = Self { child, folder, address: String::new() };
        let Some(address) = address else {
            server.child.wait()?;
            bail!("the server did not start: see {}", server.folder.join("log.txt").display());
        };
        server.address = address;
        Ok(server)
    }

    /// Ends it as an operator does, so that its PostgreSQL ends with it.
    fn stop(mut self) -> Result<()> {
        process::run(Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended badly ({status})");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After an error; where it has ended already there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
