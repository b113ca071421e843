//! `cargo xtask …`: one command for each thing a developer does with the workspace.

mod browser;
mod build;
mod check;
mod client;
mod npm;
mod postgres;
mod prepare;
mod process;
mod run;
mod site;
mod test;
mod tools;
mod workspace;

use clap::{Parser, Subcommand};
use process::Fault;

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The developer's commands", disable_version_flag = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build, and serve the application with a worker and its own PostgreSQL
    Run(run::Options),
    /// Build the client and the server
    Build(build::Options),
    /// Write `.sqlx`, what the compiler must know of the database, anew from the migrations
    Prepare(prepare::Options),
    /// Unit, integration, documentation and end-to-end tests; closes with `N passed, N failed`
    Test(test::Options),
    /// Everything that can be judged without running the program
    Check(check::Options),
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match start(arguments.command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        // A part that failed has already said why.
        Err(error) if error.is::<Fault>() => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> anyhow::Result<()> {
    let workspace = Workspace::load()?;
    match command {
        Command::Run(options) => run::run(&workspace, &options),
        Command::Build(options) => build::build(&workspace, &options).map(drop),
        Command::Check(options) => check::check(&workspace, &options),
        Command::Test(options) => test::test(&workspace, &options),
        Command::Prepare(options) => prepare::prepare(&workspace, &options),
    }
}
