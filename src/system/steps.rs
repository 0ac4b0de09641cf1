//! Prints the steps of a call, each with the time since the first and since the one before.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::auth::ports::{Clock, Event, Observer};
use crate::formats::plain_text::one_line;
use crate::steps::{Detail, Steps};
use crate::system::clock::SystemClock;
use crate::system::terminal::Terminal;

/// The most characters of a line.
const LONGEST: usize = 400;

static BEGAN: OnceLock<SystemClock> = OnceLock::new();
static BEFORE: Mutex<Duration> = Mutex::new(Duration::ZERO);
static FILE: OnceLock<File> = OnceLock::new();

/// Steps on standard error.
pub fn on_standard_error(detail: Detail) -> Steps {
    begin(detail, |text| Terminal.note(&timed(text)))
}

/// Steps in a file, for a process that has no standard error. What cannot be written is left out:
/// nothing may hold up a refresh.
pub fn in_file(detail: Detail, file: File) -> Steps {
    let _ = FILE.set(file);
    begin(detail, |text| {
        if let Some(mut file) = FILE.get() {
            let _ = file.write_all(format!("{}\n", timed(text)).as_bytes());
        }
    })
}

fn begin(detail: Detail, tell: fn(&str)) -> Steps {
    if detail == Detail::Off {
        return Steps::SILENT;
    }
    BEGAN.get_or_init(SystemClock::start);
    Steps::new(detail, tell)
}

fn timed(text: &str) -> String {
    let now = BEGAN.get_or_init(SystemClock::start).monotonic();
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let took = now.saturating_sub(std::mem::replace(&mut *before, now));
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!(
        "[{:8.1} ms {:+9.1}] {}",
        ms(now),
        ms(took),
        one_line(text, LONGEST)
    )
}

/// Tells the steps of a refresh too.
pub struct Telling<'a> {
    /// Who else is told.
    pub observer: &'a dyn Observer,
    /// Where steps are told.
    pub steps: Steps,
}

impl Observer for Telling<'_> {
    fn observe(&self, event: &Event) {
        if let Event::Refresh(step) = event {
            self.steps.info(|| format!("refresh: {}", step.words()));
        }
        self.observer.observe(event);
    }
}
