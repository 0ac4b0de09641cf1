//! Standard output carries data and nothing else; words for people go to standard error. The only
//! place (with its two rooms) that writes to either, or reads what a person types.

pub(crate) mod keys;
pub(crate) mod screen;
mod unseen;

use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use terminal_size::terminal_size_of;
use zeroize::Zeroizing;

use self::unseen::Typed;
use crate::error::{Error, Result, system_reason};
use crate::formats::drawing::wrap::{wrapped, wrapped_message, wrapped_report};
use crate::system::pipes::Waiting;

/// The columns of a terminal that does not tell.
const USUAL_COLUMNS: usize = 80;

/// Set once, by `--plain` or `GHTOK_PLAIN`.
static PLAIN: AtomicBool = AtomicBool::new(false);

/// The process's standard streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

/// The first word of a message, coloured as clap colours its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// What failed.
    Error,
    /// What to do next.
    Hint,
}

impl Label {
    fn styled(self) -> String {
        let (word, style): (_, Style) = match self {
            Self::Error => ("error:", AnsiColor::Red.on_default().bold()),
            Self::Hint => ("hint:", AnsiColor::Green.on_default()),
        };
        format!("{style}{word}{style:#}")
    }
}

impl Terminal {
    /// Writes data to standard output, whole.
    ///
    /// # Errors
    /// `OutputClosed` if nobody reads it any more, `Output` for anything else.
    pub fn data(self, bytes: &[u8]) -> Result<()> {
        let mut out = Waiting(io::stdout().lock());
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(Error::of_output)
    }

    /// Writes a line of data to standard output.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn line(self, text: &str) -> Result<()> {
        self.data(format!("{text}\n").as_bytes())
    }

    /// The columns of the terminal that standard output is; `None` if it is none.
    pub fn output_columns(self) -> Option<usize> {
        let out = io::stdout();
        out.is_terminal()
            .then(|| terminal_size_of(out).map_or(USUAL_COLUMNS, |(width, _)| width.0.into()))
    }

    /// Writes lines for people to standard output. On a terminal they are broken between words, but for a
    /// command on a line of its own; colours remain only where they are shown.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn report(self, text: &str) -> Result<()> {
        let text = match self.output_columns() {
            Some(columns) => wrapped_report(text, columns),
            None => text.to_owned(),
        };
        self.coloured_line(&text)
    }

    /// As [`Self::line`], for text with colours, which remain only where they are shown.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn coloured_line(self, text: &str) -> Result<()> {
        let mut out = AutoStream::auto(io::stdout().lock());
        out.write_all(format!("{text}\n").as_bytes())
            .and_then(|()| out.flush())
            .map_err(Error::of_output)
    }

    /// What a program sends us.
    pub fn input(self) -> impl Read {
        Waiting(io::stdin().lock())
    }

    /// From now on nothing is drawn, coloured or written over, as a screen reader needs it.
    pub(crate) fn make_plain() {
        ColorChoice::Never.write_global();
        PLAIN.store(true, Ordering::Relaxed);
    }

    /// Writes lines for people to standard error as they are. If nobody can read them, that is no failure.
    pub fn say(self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err
            .write_all(format!("{text}\n").as_bytes())
            .and_then(|()| err.flush());
    }

    /// Passes on what another program says to people.
    pub fn pass(self, bytes: &[u8]) {
        let mut err = Waiting(io::stderr().lock());
        let _ = err.write_all(bytes).and_then(|()| err.flush());
    }

    /// Says something beside the matter, marked as ours. A line after the first that begins with two blanks
    /// is a command; on a terminal all other lines are broken between words.
    pub fn note(self, text: &str) {
        self.say(&fitted(&format!("ghtok: {text}")));
    }

    /// As [`Self::note`], for a text without control characters that follows a coloured word.
    pub fn labelled(self, label: Label, text: &str) {
        print_styled(&fitted(&format!("ghtok: {} {text}\n", label.styled())));
    }

    /// Writes the parser's message, all lines broken between words.
    pub fn styled(self, text: &str) {
        if io::stderr().is_terminal() {
            print_styled(&wrapped(text, columns()));
        } else {
            print_styled(text);
        }
    }

    /// True if standard error takes a short line at once, as far as that can be known: where a note may be
    /// lost, and nobody may wait for whoever reads it.
    pub fn takes_notes(self) -> bool {
        #[cfg(unix)]
        return crate::system::process::takes_at_once(&io::stderr(), 1);
        #[cfg(not(unix))]
        true
    }

    /// True if a person can read standard error.
    pub fn shows_notes(self) -> bool {
        io::stderr().is_terminal()
    }

    /// True if a person can read standard error and answer on standard input.
    pub fn has_person(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// True unless another job has the terminal that standard input is: reading would stop this process.
    pub fn is_in_foreground(self) -> bool {
        #[cfg(unix)]
        return keys::is_ours(io::stdin());
        #[cfg(not(unix))]
        true
    }

    /// True if standard input is a terminal.
    pub fn reads_from_person(self) -> bool {
        io::stdin().is_terminal()
    }

    /// Asks for a line that is not shown while it is typed.
    ///
    /// # Errors
    /// `Interrupted` after Ctrl-C, `Usage` where the terminal cannot hide what is typed.
    pub fn ask_unseen(self, prompt: &str) -> Result<Zeroizing<String>> {
        let mut err = io::stderr();
        let typed = unseen::read_line(|| {
            let mut err = io::stderr();
            let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
        });
        let _ = err.write_all(b"\n").and_then(|()| err.flush());
        match typed {
            Ok(Typed::Line(line)) => Ok(line),
            Ok(Typed::Interrupted) => Err(Error::Interrupted {
                left: "nothing was changed",
                signal: 2,
            }),
            Err(error) => Err(Error::Usage {
                message: format!(
                    "cannot read unseen from this terminal: {}",
                    system_reason(&error)
                ),
                hint: "give it on standard input, from a file or a pipe".into(),
            }),
        }
    }

    /// Asks a yes-or-no question; anything but a yes is a no.
    pub fn ask(self, question: &str) -> bool {
        let answer = self.ask_line(&format!("{question} [y/N]"));
        answer.is_some_and(|answer| is_yes(&answer))
    }

    /// Asks a yes-or-no question that Enter answers with yes; anything else but a yes is a no.
    pub(crate) fn confirm(self, question: &str) -> bool {
        let answer = self.ask_line(&format!("{question} [Y/n]"));
        answer.is_some_and(|answer| answer.trim().is_empty() || is_yes(&answer))
    }

    /// Asks a question; `None` at the end of the input.
    pub(crate) fn ask_line(self, question: &str) -> Option<String> {
        // Not locked while the person thinks: whoever ends the process has a word to say there.
        let mut err = io::stderr();
        err.write_all(format!("{} ", fitted(question)).as_bytes())
            .and_then(|()| err.flush())
            .ok()?;
        let answer = keys::line();
        if answer.is_none() {
            // What follows begins in a row of its own.
            self.say("");
        }
        answer
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Colours remain only where they are shown.
fn print_styled(text: &str) {
    let mut err = AutoStream::auto(io::stderr().lock());
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// The columns of the terminal that standard error is; the person may change them at any time.
fn columns() -> usize {
    terminal_size_of(io::stderr()).map_or(USUAL_COLUMNS, |(width, _)| width.0.into())
}

/// A message for standard error: on a terminal its lines are broken to fit.
fn fitted(text: &str) -> String {
    if io::stderr().is_terminal() {
        wrapped_message(text, columns())
    } else {
        text.to_owned()
    }
}
