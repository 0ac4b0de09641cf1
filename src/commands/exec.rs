//! `ghtok exec`: runs a command with tokens in its environment and nowhere else. On Unix the command
//! takes this process's place, with its terminal, its signals and its exit code.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::time::Duration;

use crate::app::App;
use crate::commands::Call;
use crate::error::{Error, Result, system_reason};
use crate::formats::plain_text::one_line;
use crate::formats::shell::word;
use crate::host::Inherited;
pub use crate::host::token_env::Others;
use crate::host::token_env::{self, Plan, Reason, Recipient};
use crate::system::process::{self, Change, Children};
use crate::system::terminal::Terminal;
use crate::token::{AccessToken, MinTtl};

/// A refresher that has told its outcome ends within this; then the command has no child that it did
/// not start.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What `exec` is asked.
#[derive(Debug)]
pub struct Input {
    /// The variables that are named; none means those of the App's host.
    pub variables: Vec<Named>,
    /// What becomes of token variables that are there already.
    pub others: Others,
    /// How much life the tokens must have left, where the caller says it.
    pub min_ttl: Option<Duration>,
    /// When to say what was changed beside the tokens.
    pub notes: Notes,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

/// `-e VAR[:APP]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The variable.
    pub variable: String,
    /// Whose token; `None` for the App of this call.
    pub app: Option<String>,
}

/// A variable that gets an App's token.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// The variable.
    pub variable: String,
    /// Whose token.
    pub app: &'a App,
}

/// When to say what was changed beside the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notes {
    /// Where a person reads them.
    OnATerminal,
    /// In any case (`-v`).
    Always,
}

impl Input {
    /// Each variable with the name of its App; `None` for what the call itself means.
    pub fn wanted(&self) -> Vec<(Option<&str>, Option<&str>)> {
        if self.variables.is_empty() {
            return vec![(None, None)];
        }
        let parts = self.variables.iter();
        parts
            .map(|named| (Some(named.variable.as_str()), named.app.as_deref()))
            .collect()
    }
}

/// The exit code of `exec` when ghtok itself failed; a command's own codes are its own.
pub const FAILED: u8 = 125;

/// The exit code of `exec` for an error.
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::CommandNotFound { .. } | Error::CommandNotRun { .. } => error.exit_code(),
        _ => FAILED,
    }
}

/// A valid token for one of the variables.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn token(input: &Input, usual: MinTtl, call: &Call<'_>) -> Result<AccessToken> {
    let served = call
        .broker
        .access_token(input.min_ttl.map_or(usual, MinTtl::Explicit))?;
    let deadline = call.clock.monotonic() + LAST_WORDS;
    while process::reap() == Children::Running && call.clock.monotonic() < deadline {
        call.clock.sleep(Duration::from_millis(1));
    }
    Ok(served.token)
}

/// Which variables get whose token, and what else changes in the command's environment.
///
/// # Errors
/// `Usage` if a token would be where tools of other hosts look for theirs (P6).
pub fn plan(grants: &[Grant<'_>], others: Others, inherited: &Inherited) -> Result<Plan> {
    let grants: Vec<token_env::Grant<'_>> = grants
        .iter()
        .map(|grant| token_env::Grant {
            variable: &grant.variable,
            host: &grant.app.host,
        })
        .collect();
    token_env::plan(Recipient::Command, &grants, others, inherited)
}

/// Runs the command with the tokens of the plan's grants. On Unix this returns only if it cannot be
/// run.
///
/// # Errors
/// If there is no such command, or it cannot be run.
pub fn run(input: &Input, plan: &Plan, tokens: &[AccessToken], terminal: Terminal) -> Result<u8> {
    // That the command will work on another host than it was told is news even to a log.
    let reasons: &[Reason] = if input.notes == Notes::Always || terminal.shows_notes() {
        &[Reason::Token, Reason::OtherHost]
    } else {
        &[Reason::OtherHost]
    };
    if let Some(note) = plan.note(Recipient::Command, reasons) {
        terminal.note(&note);
    }
    let changes: Vec<Change<'_>> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            token_env::Change::Remove(name) => Some(Change::Remove(name)),
            token_env::Change::Text(name, text) => Some(Change::Set(name, text)),
            token_env::Change::Token { variable, grant } => {
                Some(Change::Set(variable, tokens.get(*grant)?.expose()))
            }
        })
        .collect();
    let (program, arguments) = input.command.split_first().ok_or_else(no_command)?;
    process::run_in_place(program, arguments, &changes).map_err(|error| {
        let command = one_line(&program.to_string_lossy(), 200);
        match error.kind() {
            ErrorKind::NotFound => Error::CommandNotFound { command },
            _ => Error::CommandNotRun {
                command,
                cause: system_reason(&error),
            },
        }
    })
}

fn no_command() -> Error {
    Error::Usage {
        message: "exec: no command is given".into(),
        hint: "set it apart, as in: ghtok exec -- gh repo list".into(),
    }
}

/// The command was not set apart: the line as it should be.
pub fn without_dashes(words: &[OsString], head: &[OsString], apps: &[&str]) -> Error {
    let shown = |words: &[OsString]| -> String {
        words
            .iter()
            .map(|part| format!(" {}", word(&one_line(&part.to_string_lossy(), 200))))
            .collect()
    };
    let (app, command) = match words {
        [first, rest @ ..] if !rest.is_empty() && apps.iter().any(|app| first == app) => {
            words.split_at(1)
        }
        _ => (&[][..], words),
    };
    Error::Usage {
        message: "exec: the command must be set apart by --".into(),
        hint: format!(
            "ghtok exec{}{} --{}",
            shown(head),
            shown(app),
            shown(command)
        ),
    }
}
