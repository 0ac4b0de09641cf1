//! The person's side of a sign-in: lines that stay, and one that is written over. It changes no mode of
//! the terminal and hides nothing, so that whatever ends the process leaves nothing to be undone.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::{PLAIN, columns, keys};
use crate::formats::drawing::Looks;
use crate::formats::drawing::wrap::{wrapped, wrapped_message};

/// To the row's beginning, and empty from there (ECMA-48, `EL`).
const ERASE: &str = "\r\u{1b}[K";

/// Standard error, as a person sees it.
pub(crate) struct Screen {
    looks: Looks,
    kind: OutputKind,
    state: Mutex<ScreenState>,
}

/// What standard error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutputKind {
    /// A terminal that obeys control sequences.
    Ansi,
    /// A terminal that only prints.
    Dumb,
    /// A file, a pipe.
    NoTerminal,
}

#[derive(Default)]
struct ScreenState {
    /// The line that is written over stands in the present row.
    has_line: bool,
    closed: bool,
    /// The last word belongs to somebody else.
    hushed: bool,
}

impl Screen {
    /// Standard error, of which the environment says this.
    pub(crate) fn new(looks: Looks) -> Self {
        let kind = OutputKind::of_standard_error(looks);
        let coloured = looks.coloured && kind == OutputKind::Ansi;
        Self {
            looks: Looks { coloured, ..looks },
            kind,
            state: Mutex::default(),
        }
    }

    /// What can be drawn here.
    pub(crate) fn looks(&self) -> Looks {
        self.looks
    }

    /// True if a person can read it now.
    pub(crate) fn is_terminal(&self) -> bool {
        self.kind != OutputKind::NoTerminal
    }

    /// True if a line can be written over.
    pub(crate) fn supports_ansi(&self) -> bool {
        self.kind == OutputKind::Ansi
    }

    /// The columns that there are now; the person may change them at any time. Unlimited where there is
    /// no terminal.
    pub(crate) fn columns(&self) -> usize {
        match self.kind {
            OutputKind::NoTerminal => usize::MAX,
            OutputKind::Ansi | OutputKind::Dumb => columns(),
        }
    }

    /// Says lines that stay.
    pub(crate) fn say(&self, text: &str) {
        let text = wrapped(&self.looks.charset.fit(text), self.columns());
        self.print(&text);
    }

    /// Says something beside the matter, marked as ours.
    pub(crate) fn note(&self, text: &str) {
        let text = self.looks.charset.fit(&format!("ghtok: {text}"));
        self.print(&wrapped_message(&text, self.columns()));
    }

    /// Shows a picture, whose rows no blank may break.
    pub(crate) fn show(&self, picture: &str) {
        self.print(picture);
    }

    /// Overwrites the status line. Does nothing where there can be no line, after [`Self::close`],
    /// and while another program has the terminal.
    pub(crate) fn rewrite(&self, line: &str) {
        if !self.supports_ansi() || !keys::is_ours(io::stderr()) {
            return;
        }
        let mut state = self.state();
        if !state.closed {
            write(&format!("{ERASE}{}", self.looks.charset.fit(line)));
            state.has_line = true;
        }
    }

    /// A person pressed Enter, and the terminal went down a row: back to ours. Where they pressed it several
    /// times, the present row has a line of ours too.
    pub(crate) fn entered(&self) {
        let state = self.state();
        if state.has_line && keys::are_echoed() {
            write(&format!("{ERASE}\u{1b}[A{ERASE}"));
        }
    }

    /// Tells the terminal something that moves nothing; no other file gets it.
    pub(crate) fn tell(&self, sequence: &str) {
        if self.supports_ansi() {
            write(sequence);
        }
    }

    /// Ends the line that is written over, for good; what was typed meanwhile is for nobody.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        if state.has_line {
            write(ERASE);
        }
        if !state.closed {
            keys::forget_typed();
        }
        state.has_line = false;
        state.closed = true;
    }

    /// As [`Self::close`], and nothing is said any more: the process is about to end.
    pub(crate) fn hush(&self) {
        self.state().hushed = true;
        self.close();
    }

    fn print(&self, text: &str) {
        let mut state = self.state();
        if state.hushed {
            return;
        }
        let before = if state.has_line { ERASE } else { "" };
        state.has_line = false;
        let text = if self.looks.coloured {
            text.to_owned()
        } else {
            strip_str(text).to_string()
        };
        write(&format!("{before}{text}\n"));
    }

    fn state(&self) -> MutexGuard<'_, ScreenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputKind {
    fn of_standard_error(looks: Looks) -> Self {
        if !io::stderr().is_terminal() {
            return Self::NoTerminal;
        }
        // Switches an older console of Windows to control sequences, if it knows them.
        let stream = AutoStream::new(io::stderr(), ColorChoice::Always);
        let obeys = stream.current_choice() == ColorChoice::AlwaysAnsi;
        if obeys && !looks.dumb && !PLAIN.load(Ordering::Relaxed) {
            Self::Ansi
        } else {
            Self::Dumb
        }
    }
}

/// In one piece; if nobody can read it, that is no failure.
fn write(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
