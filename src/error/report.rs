//! An error as it is printed: for people, and as JSON for programs.

use serde::Serialize;

use super::Error;

impl Error {
    /// The error and its hint, as a person reads them.
    pub fn to_text(&self) -> String {
        match self.hint() {
            Some(hint) => format!("error: {self}\nhint: {hint}"),
            None => format!("error: {self}"),
        }
    }

    /// The hint where there is no room for more than a line.
    pub fn one_line_hint(&self) -> Option<String> {
        self.hint().map(|hint| joined(&hint))
    }

    /// The error as one line of JSON (docs/exit-codes.md).
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct ErrorReport<'a> {
            schema_version: u32,
            error: Details<'a>,
        }
        #[derive(Serialize)]
        struct Details<'a> {
            code: &'a str,
            message: String,
            hint: Option<String>,
            exit_code: u8,
        }
        let error = Details {
            code: self.code(),
            message: self.to_string(),
            hint: self.one_line_hint(),
            exit_code: self.exit_code(),
        };
        serde_json::to_string(&ErrorReport {
            schema_version: 1,
            error,
        })
        .unwrap_or_default()
    }
}

/// A message in one line; what follows a command is set off by a semicolon.
pub(crate) fn joined(message: &str) -> String {
    let mut lines = message.lines().peekable();
    let mut text = String::new();
    while let Some(line) = lines.next() {
        let command = line.strip_prefix("  ");
        text.push_str(command.unwrap_or(line));
        if lines.peek().is_some() {
            text.push_str(if command.is_some() { "; " } else { " " });
        }
    }
    text
}

/// The configured names, for the end of a message.
pub(super) fn known_apps(known: &[String]) -> String {
    if known.is_empty() {
        " (the configuration has no Apps)".into()
    } else {
        format!(" (configured: {})", known.join(", "))
    }
}
