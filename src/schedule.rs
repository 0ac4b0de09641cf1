//! The hourly timer: its rules, the files that each scheduler of the machine has of it, and their
//! installation.

mod cron;
pub(crate) mod installer;
mod launchd;
pub(crate) mod notes;
pub(crate) mod rules;
mod systemd;
mod task_scheduler;
mod xml;

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::cron::Cron;
use self::installer::{Installer, SchedulerPaths};
use self::launchd::Launchd;
use self::systemd::Systemd;
use self::task_scheduler::TaskScheduler;
use crate::token::Timestamp;

/// The machine's schedulers that ghtok can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::enum_variant_names, reason = "the Task Scheduler is called so")]
pub(crate) enum Scheduler {
    /// A timer of systemd's user manager
    Systemd,
    /// The user's crontab
    Cron,
    /// A launchd agent (macOS)
    Launchd,
    /// A task of the Task Scheduler (Windows)
    TaskScheduler,
}

impl Scheduler {
    /// All of them, in the order in which they are tried.
    pub(crate) const ALL: [Self; 4] = [
        Self::Launchd,
        Self::TaskScheduler,
        Self::Systemd,
        Self::Cron,
    ];

    /// Its name in flags and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Launchd => "launchd",
            Self::TaskScheduler => "task-scheduler",
        }
    }

    /// What can be done with the timer by this scheduler.
    pub(crate) fn installer(self, paths: SchedulerPaths) -> Box<dyn Installer> {
        match self {
            Self::Systemd => Box::new(Systemd(paths)),
            Self::Cron => Box::new(Cron(paths)),
            Self::Launchd => Box::new(Launchd(paths)),
            Self::TaskScheduler => Box::new(TaskScheduler(paths)),
        }
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An hourly run of ghtok.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    /// ghtok's own absolute path.
    pub program: String,
    /// What it is given.
    pub arguments: Vec<String>,
    /// The variables that it needs to find what a login shell would have it find.
    pub environment: Vec<(String, String)>,
    /// The minute of every hour at which it runs, by local time.
    pub minute: u8,
}

impl Timer {
    /// The program and its arguments.
    pub(crate) fn command(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.program.as_str()).chain(self.arguments.iter().map(String::as_str))
    }

    /// Whether every word of it can be written into a scheduler's file, of which each is text made of
    /// lines. What stands for bytes that are no text would name another path.
    pub(crate) fn is_writable(&self) -> bool {
        let variables = self.environment.iter().map(|(_, value)| value.as_str());
        !self
            .command()
            .chain(variables)
            .any(|word| word.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER))
    }

    /// The next run after `now`, where local time is `offset` seconds ahead of UTC.
    pub(crate) fn next_after(&self, now: Timestamp, offset: i32) -> Timestamp {
        const HOUR: i64 = 3600;
        let since_the_hour = (now.0 + i64::from(offset)).rem_euclid(HOUR);
        let wait = (i64::from(self.minute) * 60 - since_the_hour).rem_euclid(HOUR);
        let wait = if wait == 0 { HOUR } else { wait };
        now.after(Duration::from_secs(wait.unsigned_abs()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A timer whose words need every kind of quoting.
    pub(crate) fn awkward() -> Timer {
        Timer {
            program: "/opt/it's 100%/gh$tok\\x".into(),
            arguments: vec![
                "schedule".into(),
                "run".into(),
                "--client-id=Iv1.a$b\"<&>".into(),
            ],
            environment: vec![("GHTOK_STATE_DIR".into(), "/home/me/a b%c\"d'$e".into())],
            minute: 7,
        }
    }

    pub(crate) fn plain() -> Timer {
        Timer {
            program: "/usr/local/bin/ghtok".into(),
            arguments: vec!["schedule".into(), "run".into()],
            environment: vec![],
            minute: 42,
        }
    }

    #[test]
    fn the_next_run_is_at_the_minute_of_local_time() {
        let next = |now, offset| plain().next_after(Timestamp(now), offset).0;
        assert_eq!(next(0, 0), 42 * 60);
        assert_eq!(next(42 * 60 - 1, 0), 42 * 60);
        assert_eq!(next(42 * 60, 0), 42 * 60 + 3600);
        assert_eq!(next(42 * 60 + 1, 0), 42 * 60 + 3600);
        // India is five hours and a half ahead: its minute 42 is 12 of UTC.
        assert_eq!(next(0, 19_800), 12 * 60);
        assert_eq!(next(0, -12_600), 12 * 60);
        assert_eq!(next(-1, 0), 42 * 60);
    }

    #[test]
    fn what_would_break_a_line_cannot_be_written() {
        assert!(plain().is_writable() && awkward().is_writable());
        let mut timer = plain();
        timer.environment.push(("A".into(), "x\ny".into()));
        assert!(!timer.is_writable());
        let mut timer = plain();
        timer.program.push('\u{1b}');
        assert!(!timer.is_writable());
        let mut timer = plain();
        timer.program = String::from_utf8_lossy(b"/opt/caf\xe9/ghtok").into_owned();
        assert!(!timer.is_writable(), "it would name another path");
    }
}
