//! Says what came of a call that brought no result: the parser's words, or an error.

use crate::cli::ErrorOutput;
use crate::error::Error;
use crate::formats::plain_text::without_tricks;
use crate::system::terminal::Terminal;

/// Prints what the parser has to say: a help page to standard output, a complaint to standard error.
pub(crate) fn tell(told: &clap::Error) -> u8 {
    match told.print() {
        Err(error) if !told.use_stderr() => {
            let error = Error::of_output(error);
            report(&error, ErrorOutput::Text);
            error.exit_code()
        }
        // If nobody can read a complaint, the exit code still tells.
        Ok(()) | Err(_) => u8::try_from(told.exit_code()).unwrap_or(2),
    }
}

/// Prints an error where people or programs look for it.
pub(crate) fn report(error: &Error, output: ErrorOutput) {
    match (error, output) {
        (Error::OutputClosed, _) => {}
        (_, ErrorOutput::Json) => Terminal.say(&error.to_json()),
        (_, ErrorOutput::Text) => {
            for line in error.to_text().lines() {
                Terminal.note(&without_tricks(line));
            }
        }
    }
}
