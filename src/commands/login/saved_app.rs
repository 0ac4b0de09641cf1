//! How later commands find the App that was signed in to, and what a person is told of that.

use std::path::PathBuf;

use crate::error::Error;

/// The App in the configuration, and on a command line.
pub struct SavedApp {
    /// What became of it in the configuration.
    pub in_config: AppInConfig,
    /// What a command must say so that it means the App and its store: nothing, its name, or flags.
    pub arguments: String,
}

/// What became of the App in the configuration.
pub enum AppInConfig {
    /// It was there.
    Before {
        /// Its name.
        name: String,
    },
    /// It was written.
    Now {
        /// Where.
        file: PathBuf,
        /// Its name.
        name: String,
        /// The App that was made the default, because it was the only one before.
        new_default: Option<String>,
    },
    /// It was not written, as `--no-save` says.
    NotWanted,
    /// It could not be written.
    NotWritten {
        /// Where.
        file: PathBuf,
        /// The lines that a person can add.
        lines: String,
        /// Why not.
        error: Error,
    },
}

impl AppInConfig {
    /// The App's name there.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Before { name } | Self::Now { name, .. } => Some(name),
            Self::NotWanted | Self::NotWritten { .. } => None,
        }
    }

    /// What a person is told of it; `None` if there is nothing to say.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Before { .. } | Self::NotWanted => None,
            Self::Now {
                file,
                name,
                new_default,
            } => {
                let default = match new_default {
                    Some(default) => format!("; the default is still \"{default}\""),
                    None => String::new(),
                };
                Some(format!(
                    "The App is now in {} as \"{name}\"{default}.",
                    file.display()
                ))
            }
            Self::NotWritten { file, lines, error } => {
                let lines = lines.trim_end().replace('\n', "\n  ");
                Some(format!(
                    "The App is not in the configuration: {error}.\n\
                     So that it needs no flags, add these lines to {}:\n\n  {lines}",
                    file.display()
                ))
            }
        }
    }
}

/// The next steps, a command and its meaning a line.
pub(super) fn next_steps(arguments: &str) -> String {
    let steps = [
        ("get", "print a valid token"),
        ("status", "see what is stored"),
        ("logout", "forget it"),
    ]
    .map(|(verb, meaning)| {
        let command = format!("ghtok {verb} {arguments}");
        (command.trim_end().to_owned(), meaning)
    });
    let widest = steps.iter().map(|(command, _)| command.chars().count());
    let width = widest.max().unwrap_or_default();
    let line = |(command, meaning): &(String, &str)| format!("  {command:width$}   {meaning}");
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}
