//! `ghtok exec gh repo list`, `ghtok mcp npx -y some-server`: a command that no `--` stands before.

use std::ffi::OsString;

use clap::{Arg, Command};

use crate::error::Error;
use crate::formats::plain_text::one_line;
use crate::formats::shell::{is_flag, word};

/// The subcommands that run a command.
const RUNNERS: [&str; 2] = ["exec", "mcp"];

/// The arguments of such a call, from which the right one is suggested.
#[derive(Debug)]
pub struct Unseparated {
    /// The subcommand.
    pub verb: &'static str,
    /// The flags before the command.
    pub flags: Vec<OsString>,
    /// The command, and perhaps an App's name before it.
    pub words: Vec<OsString>,
}

/// The arguments with `--` before the command, as far as the flags of `parser` tell where it begins.
pub(crate) fn separated(
    arguments: &[OsString],
    parser: fn() -> Command,
) -> Option<(Vec<OsString>, Unseparated)> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    let verb = RUNNERS.into_iter().find(|name| verb == name)?;
    if rest.iter().any(|argument| argument == "--") {
        return None;
    }
    let parser = parser();
    let parser = parser.find_subcommand(verb)?;
    let mut words = rest.iter();
    let mut flags = Vec::new();
    while let Some(flag) = words.as_slice().first().filter(|word| is_flag(word)) {
        flags.push(flag.clone());
        words.next();
        if parser.get_arguments().any(|known| has_a_value(known, flag)) {
            flags.extend(words.next().cloned());
        }
    }
    let words = words.as_slice().to_vec();
    let mut separated = arguments[..2].to_vec();
    separated.extend(flags.iter().cloned());
    separated.push("--".into());
    separated.extend(words.iter().cloned());
    (!words.is_empty()).then_some((separated, Unseparated { verb, flags, words }))
}

/// True if this is the flag, and its value may be the next word.
fn has_a_value(known: &Arg, flag: &OsString) -> bool {
    let long = known
        .get_long()
        .is_some_and(|name| *flag == *format!("--{name}"));
    let short = known
        .get_short()
        .is_some_and(|name| *flag == *format!("-{name}"));
    (long || short) && known.get_action().takes_values()
}

impl Unseparated {
    /// The error that shows the line as it should be. `apps` are the names of known Apps.
    pub fn error(&self, apps: &[&str]) -> Error {
        let shown = |words: &[OsString]| -> String {
            words
                .iter()
                .map(|part| format!(" {}", word(&one_line(&part.to_string_lossy(), 200))))
                .collect()
        };
        let (app, command) = match self.words.as_slice() {
            [first, rest @ ..] if !rest.is_empty() && apps.iter().any(|app| first == app) => {
                self.words.split_at(1)
            }
            words => (&[][..], words),
        };
        Error::Usage {
            message: format!("{}: put -- before the command", self.verb),
            hint: format!(
                "run:\n  ghtok {}{}{} --{}",
                self.verb,
                shown(&self.flags),
                shown(app),
                shown(command)
            ),
        }
    }
}
