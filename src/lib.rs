//! ghtok signs a person in to GitHub once and gives every tool a short-lived token.
//!
//! The library serves the `ghtok` binary and the project's tests; it promises no stability.

mod app;
mod auth;
#[cfg(target_os = "linux")]
mod bus;
mod cli;
mod commands;
mod config;
mod error;
mod formats;
mod github;
mod host;
mod limits;
mod mcp;
mod permits;
mod plain_file;
mod private_file;
mod sandbox;
mod schedule;
mod session;
mod spelling;
mod store;
mod store_choice;
mod system;
#[doc(hidden)]
pub mod testing;
mod token;

use std::ffi::OsString;
use std::process::ExitCode;

use log::LevelFilter;

use crate::cli::{Cli, Command};
use crate::commands::mcp::McpGuard;
use crate::commands::{Subcommand, completions, get};
use crate::config::{Environment, Flags};
use crate::error::{Error, Result, WRAPPER_FAILED};
use crate::formats::plain_text::without_tricks;
use crate::formats::shell::word;
use crate::limits::Limits;
use crate::sandbox::client::SandboxClient;
pub use crate::session::Machine;
use crate::session::{Session, report};
use crate::system::clock::SystemClock;
use crate::system::logger;
use crate::system::notes::StderrNotes;
use crate::system::process;
use crate::system::terminal::Terminal;
use crate::token::has_token_prefix;

/// Runs ghtok on this machine.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    process::hide_memory();
    let machine = Machine {
        clock: &SystemClock::start(),
        observer: &StderrNotes,
        limits: Limits::STANDARD,
    };
    run_on(&machine, arguments)
}

/// Runs ghtok on a machine that a test may have replaced in part.
pub fn run_on(machine: &Machine<'_>, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let shell = get::shell_of(&arguments);
    let code = run_to_code(machine, arguments);
    if let Some(shell) = shell.filter(|_| code != 0) {
        // If it cannot be written, no shell evaluates it.
        let _ = get::tell_shell_of_failure(shell, code, Terminal);
    }
    ExitCode::from(code)
}

fn run_to_code(machine: &Machine<'_>, arguments: Vec<OsString>) -> u8 {
    if arguments.get(1).is_some_and(|first| first == "--")
        && let Some(code) = complete(&arguments)
    {
        return code;
    }
    let is_wrapper = is_wrapper(&arguments);
    let environment = Environment::from_process();
    let host_command = environment.names_socket().then(|| as_typed(&arguments));
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(help) => {
            let code = print_help(&help);
            return if is_wrapper && code != 0 {
                WRAPPER_FAILED
            } else {
                code
            };
        }
    };
    let in_sandbox = host_command.filter(|_| !cli.command.is_anywhere());
    let done = in_sandbox.map_or(Ok(None), |command| {
        run_in_sandbox(machine, &cli, &environment, command)
    });
    let done = done.and_then(|code| code.map_or_else(|| dispatch(machine, &cli), Ok));
    done.unwrap_or_else(|error| {
        let subcommand = cli.command.subcommand();
        report(&error, subcommand.is_some_and(Subcommand::wants_json));
        subcommand.map_or_else(|| error.exit_code(), |it| it.exit_code(&error))
    })
}

/// True for the subcommands that end with the exit code of a command.
fn is_wrapper(arguments: &[OsString]) -> bool {
    let word = |place: usize| arguments.get(place).and_then(|word| word.to_str());
    match word(1) {
        Some("exec" | "mcp") => true,
        Some("sandbox") => word(2) == Some("run"),
        Some(_) | None => false,
    }
}

/// Runs the command through the socket that the environment names; `None` if that is not used.
fn run_in_sandbox(
    machine: &Machine<'_>,
    cli: &Cli,
    environment: &Environment,
    command: String,
) -> Result<Option<u8>> {
    let Some(variables) = environment.socket_variables()? else {
        return Ok(None);
    };
    let level = begin(cli, environment)?;
    let sandbox = SandboxClient::open(variables, machine.clock, machine.limits, command)?;
    let Some(sandbox) = sandbox else {
        return Ok(None);
    };
    logger::to_standard_error(level);
    cli.command.run_in_sandbox(&sandbox).map(Some)
}

/// Prepares standard error; returns the log level.
fn begin(cli: &Cli, environment: &Environment) -> Result<LevelFilter> {
    if cli.plain || environment.is_plain() {
        Terminal::make_plain();
    }
    Ok(cli.log_level().max(environment.log_level()?))
}

/// A command line, for a shell on another machine. Without its arguments where these may be secrets.
fn as_typed(arguments: &[OsString]) -> String {
    const LONGEST: usize = 300;
    let typed = arguments.get(1..).unwrap_or_default();
    let words: Vec<String> = typed
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let quoted: Vec<String> = words
        .iter()
        .map(|text| word(&without_tricks(text)))
        .collect();
    let line = quoted.join(" ");
    let is_shown = line.len() <= LONGEST && !has_token_prefix(&line);
    let shown = if is_shown {
        line
    } else {
        quoted.into_iter().next().unwrap_or_default()
    };
    format!("ghtok {shown}")
}

fn dispatch(machine: &Machine<'_>, cli: &Cli) -> Result<u8> {
    let load = |flags: &Flags| {
        let environment = Environment::from_process();
        let level = begin(cli, &environment)?;
        match cli.command {
            Command::Refresher(_) => {
                Session::load_with_log_file(machine, flags, &environment, level)
            }
            _ => {
                logger::to_standard_error(level);
                Session::load(machine, flags, &environment)
            }
        }
    };
    match &cli.command {
        Command::GitCredential(git) => git.run(|| load(&git.flags())),
        Command::Doctor(doctor) => doctor.run(|| load(&doctor.flags())),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(Cli::visible()),
        Command::Docs(docs) => docs.run(),
        Command::McpGuard(_) => Ok(McpGuard::run(machine)),
        Command::Refresher(refresher) => {
            process::leave_session();
            refresher.run(&*load(&refresher.flags())?)
        }
        Command::AskReach(ask) => {
            process::leave_session();
            ask.run(&*load(&ask.flags())?)
        }
        _ => match cli.command.subcommand() {
            Some(subcommand) => subcommand.run(&*load(&subcommand.flags())?),
            None => Ok(0),
        },
    }
}

/// Answers a shell that completes a command line; `None` if none asks. Without an answer it offers nothing.
fn complete(arguments: &[OsString]) -> Option<u8> {
    let answered = completions::answer(arguments, &Environment::from_process(), Cli::visible)?;
    Some(answered.map_or(1, |()| 0))
}

/// Prints a help page to stdout, or an error about the arguments to stderr.
fn print_help(help: &clap::Error) -> u8 {
    if Environment::from_process().is_plain() {
        Terminal::make_plain();
    }
    if help.use_stderr() {
        Terminal.styled(&help.render().ansi().to_string());
    } else if let Err(error) = help.print() {
        let error = Error::of_output(error);
        return report(&error, false);
    }
    u8::try_from(help.exit_code()).unwrap_or(2)
}
