//! An error as it is printed: for people, and as JSON for programs.

use serde::Serialize;

use super::Error;

impl Error {
    /// The error and its hint, a line each, as a person reads them.
    pub fn to_text(&self) -> String {
        match self.hint() {
            Some(hint) => format!("error: {self}\nhint: {hint}"),
            None => format!("error: {self}"),
        }
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
            hint: self.hint(),
            exit_code: self.exit_code(),
        };
        serde_json::to_string(&ErrorReport {
            schema_version: 1,
            error,
        })
        .unwrap_or_default()
    }
}
