//! Prints what `log::info!` and `log::debug!` record (`-v`, `-vv`, `GHTOK_LOG`), each line with the time since
//! the first and since the one before. No record may hold a token, a body or a query.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};

use crate::auth::ports::Clock;
use crate::formats::plain_text::one_line;
use crate::system::clock::SystemClock;
use crate::system::terminal::Terminal;

/// The most characters of a line.
const LONGEST: usize = 400;

static LOGGER: Logger = Logger;
static STARTED: OnceLock<SystemClock> = OnceLock::new();
static PREVIOUS: Mutex<Duration> = Mutex::new(Duration::ZERO);
static FILE: OnceLock<File> = OnceLock::new();

struct Logger;

/// Logs to standard error.
pub(crate) fn to_standard_error(level: LevelFilter) {
    if level != LevelFilter::Off {
        STARTED.get_or_init(SystemClock::start);
        // Fails where an earlier run of this process did it.
        let _ = log::set_logger(&LOGGER);
    }
    log::set_max_level(level);
}

/// Logs to a file, for a process that has no standard error.
pub(crate) fn to_file(level: LevelFilter, file: File) {
    let _ = FILE.set(file);
    to_standard_error(level);
}

impl Log for Logger {
    /// The libraries' own records could carry headers, and with them tokens.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let crate_name = metadata.target().split("::").next();
        crate_name == Some(env!("CARGO_PKG_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = with_times(&record.args().to_string());
        match FILE.get() {
            None => Terminal.note(&line),
            // What cannot be written is left out: nothing may hold up a refresh.
            Some(mut file) => drop(file.write_all(format!("{line}\n").as_bytes())),
        }
    }

    fn flush(&self) {}
}

fn with_times(text: &str) -> String {
    let now = STARTED.get_or_init(SystemClock::start).monotonic();
    let mut previous = PREVIOUS.lock().unwrap_or_else(PoisonError::into_inner);
    let since_previous = now.saturating_sub(std::mem::replace(&mut *previous, now));
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!(
        "[{:8.1} ms {:+9.1}] {}",
        ms(now),
        ms(since_previous),
        one_line(text, LONGEST)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_libraries_are_dropped() {
        let is_enabled = |target| LOGGER.enabled(&Metadata::builder().target(target).build());
        assert!(is_enabled("ghtok") && is_enabled("ghtok::auth::broker"));
        for library in [
            "",
            "ureq::run",
            "ureq_proto::client",
            "rustls::conn",
            "ghtok_x",
        ] {
            assert!(!is_enabled(library), "{library}");
        }
    }
}
