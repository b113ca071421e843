//! `cargo xtask …`: one command for each thing a developer does with the workspace.

mod bench;
mod browser;
mod build;
mod check;
mod client;
mod mutate;
mod npm;
mod postgres;
mod prepare;
mod process;
mod python;
mod run;
mod site;
mod test;
mod tools;
mod watch;
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
    /// Rebuild and reload at every edit, by cargo-leptos
    Watch,
    /// Build the client and the server
    Build(build::Options),
    /// Unit, integration, documentation and end-to-end tests; closes with `N passed, N failed`
    Test(test::Options),
    /// Everything that can be judged without running the program
    Check(check::Options),
    /// Write `.sqlx`, what the compiler must know of the database, anew from the migrations
    Prepare(prepare::Options),
    /// Measure us, beside others where there are some
    #[command(subcommand)]
    Bench(bench::Options),
    /// Take each guard away in turn and see that a test fails; an hour
    Mutate(mutate::Options),
    /// Let git run the quick checks before each commit
    Hooks,
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
        Command::Watch => watch::watch(&workspace),
        Command::Build(options) => build::build(&workspace, &options).map(drop),
        Command::Test(options) => test::test(&workspace, &options),
        Command::Check(options) => check::check(&workspace, &options),
        Command::Prepare(options) => prepare::prepare(&workspace, &options),
        Command::Bench(options) => bench::bench(&workspace, &options),
        Command::Mutate(options) => mutate::mutate(&workspace, &options),
        Command::Hooks => hooks(&workspace),
    }
}

fn hooks(workspace: &Workspace) -> anyhow::Result<()> {
    let mut git = std::process::Command::new("git");
    git.current_dir(&workspace.root).args(["config", "core.hooksPath", ".githooks"]);
    process::run(&mut git)?;
    println!("git runs `cargo xtask check --quick` before each commit from now on");
    Ok(())
}
