//! Notes on stderr: that ghtok is waiting, that the current token was served after a failed refresh,
//! and that a sign-in ends soon.

use crate::auth::ports::{Event, Observer};
use crate::formats::durations::human_duration;
use crate::system::terminal::Terminal;

/// Prints the notes to stderr. Replaced in tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct StderrNotes;

impl Observer for StderrNotes {
    fn observe(&self, event: &Event) {
        match event {
            Event::Waiting => Terminal.note("waiting for a refresh of the token …"),
            Event::ServedAnyway {
                cause,
                left: Some(left),
            } => Terminal.note(&format!(
                "{cause}; the current token is still valid for {} and was used",
                human_duration(*left)
            )),
            Event::ServedAnyway { cause, left: None } => {
                Terminal.note(&format!("{cause}; the current token was used"));
            }
            Event::SignInBefore { app, end, login } => Terminal.note(&format!(
                "{app}: GitHub refused the refresh token; sign in again before {end} with:\n  {login}"
            )),
            Event::ManyScopedTokens { app, count } => Terminal.note(&format!(
                "{app}: this is the scoped token number {count} within an hour, and ghtok creates at most 9"
            )),
            Event::Refresh(_) => {}
        }
    }
}
