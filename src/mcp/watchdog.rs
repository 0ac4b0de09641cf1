//! Ends the servers that a killed wrapper leaves behind. The watchdog is a process of its own, which is
//! told which processes belong to servers, and waits until its standard input ends.

use std::io::{BufRead, BufReader, PipeWriter, Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::mcp::server_process::{CHECK_INTERVAL, EXIT_LIMIT, EXIT_LIMIT_AFTER_SIGNAL};
use crate::system::process::{self, ProcessGroup, Termination};

/// The wrapper's side: starts the process with the first server, and tells it of each.
pub(crate) struct Watchdog {
    program: fn() -> Option<PathBuf>,
    /// `None` if it could not be started: a server that ignores the end of its input may then outlive
    /// a killed wrapper.
    pipe: OnceLock<Option<Mutex<PipeWriter>>>,
}

impl Watchdog {
    /// Of this program, whose `mcp-guard` is the watchdog.
    pub(crate) fn new(program: fn() -> Option<PathBuf>) -> Self {
        Self {
            program,
            pipe: OnceLock::new(),
        }
    }

    /// A server with these processes was started.
    pub(crate) fn add(&self, group: u32) {
        self.send('+', group);
    }

    /// Its processes are gone.
    pub(crate) fn remove(&self, group: u32) {
        self.send('-', group);
    }

    fn send(&self, sign: char, group: u32) {
        if let Some(pipe) = self.pipe.get_or_init(|| self.start()) {
            let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = pipe.write_all(format!("{sign}{group}\n").as_bytes());
        }
    }

    fn start(&self) -> Option<Mutex<PipeWriter>> {
        let (reader, writer) = std::io::pipe().ok()?;
        let reader = process::file_of_reader(reader);
        process::spawn_guard(&(self.program)()?, "mcp-guard", reader).ok()?;
        Some(Mutex::new(writer))
    }
}

/// The watchdog's side: reads `+NUMBER` and `-NUMBER` lines to their end, then ends what is left.
pub(crate) fn run(input: impl Read, clock: &dyn Clock) {
    let mut numbers: Vec<u32> = Vec::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let Some((sign, number)) = line.split_at_checked(1) else {
            continue;
        };
        let Ok(number) = number.parse() else {
            continue;
        };
        match sign {
            "+" => numbers.push(number),
            _ => numbers.retain(|known| *known != number),
        }
    }
    let mut groups: Vec<ProcessGroup> = numbers
        .into_iter()
        .filter_map(ProcessGroup::of_number)
        .collect();
    // Their input has ended with the wrapper.
    wait_for(&mut groups, EXIT_LIMIT, clock);
    groups.retain(|group| group.end(Termination::Graceful));
    wait_for(&mut groups, EXIT_LIMIT_AFTER_SIGNAL, clock);
    groups.retain(|group| group.end(Termination::Forced));
}

/// Waits until all are gone.
fn wait_for(groups: &mut Vec<ProcessGroup>, limit: Duration, clock: &dyn Clock) {
    let end = clock.monotonic() + limit;
    loop {
        groups.retain(ProcessGroup::is_there);
        if groups.is_empty() || clock.monotonic() >= end {
            return;
        }
        clock.sleep(CHECK_INTERVAL);
    }
}
