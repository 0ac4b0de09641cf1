use crate::error::Error;
use crate::formats::plain_text::without_tricks;
use crate::system::terminal::Terminal;

/// Prints an error: as JSON to stdout, or as text to stderr.
pub(crate) fn report(error: &Error, as_json: bool) {
    match error {
        Error::OutputClosed => {}
        error if as_json => Terminal.say(&error.to_json()),
        error => {
            for line in error.to_text().lines() {
                Terminal.note(&without_tricks(line));
            }
        }
    }
}
