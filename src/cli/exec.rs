//! The arguments of `exec`, and what is to be done about a command that is not set apart.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Parser};

use super::{Cli, Command, Target};
use crate::commands::exec::{Input, Named, Notes, Others};
use crate::config::{Flags, check_app_name};
use crate::formats::durations::parse_duration;

/// The flags of `exec` whose value may be the next word.
const WITH_A_VALUE: [&str; 7] = [
    "-e",
    "--env",
    "--min-ttl",
    "--app",
    "--client-id",
    "--host",
    "--store",
];

/// Arguments of `exec`.
#[derive(Debug, Args)]
pub struct Exec {
    #[command(flatten)]
    target: Target,
    /// Put a token into this variable, of this App or of APP, and into no others (may be repeated)
    #[arg(short = 'e', long = "env", value_name = "VAR[:APP]", value_parser = named)]
    variables: Vec<Named>,
    /// Leave other token variables of the environment as they are
    #[arg(long)]
    keep_env: bool,
    /// How long the token must be good for, as in 90s, 30m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
    #[arg(skip)]
    missing: Option<Missing>,
}

/// A command that was not set apart: what stood before it, and itself.
#[derive(Debug)]
pub struct Missing {
    /// The flags before it.
    pub head: Vec<OsString>,
    /// It, and perhaps an App's name first.
    pub words: Vec<OsString>,
}

impl Exec {
    /// The command's input. With `-v` it also says what it does to the variables.
    pub fn input(&self, is_verbose: bool) -> Input {
        Input {
            variables: self.variables.clone(),
            others: if self.keep_env {
                Others::Keep
            } else {
                Others::Remove
            },
            min_ttl: self.min_ttl,
            notes: if is_verbose {
                Notes::Always
            } else {
                Notes::OnATerminal
            },
            command: self.command.clone(),
        }
    }

    /// Set if the command was not set apart.
    pub fn missing(&self) -> Option<&Missing> {
        self.missing.as_ref()
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

/// `VAR` or `VAR:APP`.
fn named(text: &str) -> Result<Named, String> {
    let (variable, app) = match text.split_once(':') {
        Some((variable, app)) => (variable, Some(app)),
        None => (text, None),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if variable.is_empty()
        || !variable.chars().all(fits)
        || variable.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err("the name of a variable is letters, digits and underscores".into());
    }
    if let Some(app) = app {
        check_app_name(app).map_err(|reason| format!("the App's name {reason}"))?;
    }
    Ok(Named {
        variable: variable.to_owned(),
        app: app.map(str::to_owned),
    })
}

/// Reads the arguments; a command of `exec` that is not set apart is read as if it were, and marked.
pub(super) fn read(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let Some((parted, missing)) = set_apart(&arguments) else {
        return Cli::try_parse_from(arguments);
    };
    let mut cli = Cli::try_parse_from(parted)?;
    if let Command::Exec(exec) = &mut cli.command {
        exec.missing = Some(missing);
    }
    Ok(cli)
}

/// Sets the command apart where the caller did not, as far as flags tell.
fn set_apart(arguments: &[OsString]) -> Option<(Vec<OsString>, Missing)> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    if verb != "exec" || rest.iter().any(|argument| argument == "--") {
        return None;
    }
    let mut words = rest.iter();
    let mut head = Vec::new();
    while let Some(flag) = words.as_slice().first().filter(|word| is_flag(word)) {
        head.push(flag.clone());
        words.next();
        if WITH_A_VALUE.iter().any(|known| flag == known) {
            head.extend(words.next().cloned());
        }
    }
    let words = words.as_slice().to_vec();
    let mut parted = arguments[..2].to_vec();
    parted.extend(head.iter().cloned());
    parted.push("--".into());
    parted.extend(words.iter().cloned());
    (!words.is_empty()).then_some((parted, Missing { head, words }))
}

pub(super) fn is_flag(word: &OsString) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}
