//! `ghtok exec gh repo list`: a command that no `--` stands before.

use std::ffi::OsString;

use crate::error::Error;
use crate::formats::plain_text::one_line;
use crate::formats::shell::{is_flag, word};

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

/// The arguments of such a call, from which the right one is suggested.
#[derive(Debug)]
pub struct Unseparated {
    /// The flags before the command.
    pub flags: Vec<OsString>,
    /// The command, and perhaps an App's name before it.
    pub words: Vec<OsString>,
}

/// The arguments with `--` before the command, as far as flags tell where it begins.
pub(super) fn separated(arguments: &[OsString]) -> Option<(Vec<OsString>, Unseparated)> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    if verb != "exec" || rest.iter().any(|argument| argument == "--") {
        return None;
    }
    let mut words = rest.iter();
    let mut flags = Vec::new();
    while let Some(flag) = words.as_slice().first().filter(|word| is_flag(word)) {
        flags.push(flag.clone());
        words.next();
        if WITH_A_VALUE.iter().any(|known| flag == known) {
            flags.extend(words.next().cloned());
        }
    }
    let words = words.as_slice().to_vec();
    let mut separated = arguments[..2].to_vec();
    separated.extend(flags.iter().cloned());
    separated.push("--".into());
    separated.extend(words.iter().cloned());
    (!words.is_empty()).then_some((separated, Unseparated { flags, words }))
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
            message: "exec: put -- before the command".into(),
            hint: format!(
                "run:\n  ghtok exec{}{} --{}",
                shown(&self.flags),
                shown(app),
                shown(command)
            ),
        }
    }
}
