use crate::error::Error;
use crate::formats::plain_text::without_tricks;
use crate::system::terminal::{Label, Terminal};

/// Prints an error: as JSON to stdout, or as text to stderr. Returns its exit code.
pub(crate) fn report(error: &Error, as_json: bool) -> u8 {
    match error {
        Error::OutputClosed => {}
        error if as_json => Terminal.say(&error.to_json()),
        error => {
            Terminal.labelled(Label::Error, &without_tricks(&error.to_string()));
            if let Some(hint) = error.hint() {
                let lines: Vec<String> = hint.lines().map(without_tricks).collect();
                Terminal.labelled(Label::Hint, &lines.join("\n"));
            }
        }
    }
    error.exit_code()
}
