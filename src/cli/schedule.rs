//! The arguments of `schedule`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::commands::Described;
use crate::commands::Subcommand;
use crate::commands::schedule::{install, status};
use crate::config::Flags;
use crate::schedule::Scheduler;
use crate::session::Session;

/// Arguments of `schedule`.
#[derive(Debug, Args)]
pub struct Schedule {
    /// What to do with the timer.
    #[command(subcommand)]
    pub deed: ScheduleDeed,
}

/// What can be done with the timer.
#[derive(Debug, clap::Subcommand)]
pub enum ScheduleDeed {
    /// Install a timer that runs ghtok every hour
    #[command(before_help = "Examples:
  ghtok schedule install                    with the first scheduler that works
  ghtok schedule install --scheduler cron
  ghtok schedule install --print            show the files without writing them")]
    Install(ScheduleInstall),
    /// Show the installed timer, its last run and its next run
    #[command(before_help = "Examples:
  ghtok schedule status
  ghtok schedule status --json")]
    Status(ScheduleStatus),
    /// Remove the timer and its files
    #[command(before_help = "Examples:
  ghtok schedule remove")]
    Remove(ScheduleRemove),
    /// Check every App's sign-in once, as the timer does; never prompts
    #[command(before_help = "Examples:
  ghtok schedule run    now, or from another scheduler

Settings in config.toml, with their defaults:
  [schedule]
  warn = true         notify, at most once a day, if a sign-in has expired or expires within 14 days
  keep_alive = true   refresh an unused sign-in in the last quarter of its six months")]
    Run(ScheduleRun),
}

/// Arguments of `schedule install`.
#[derive(Debug, Args)]
pub struct ScheduleInstall {
    #[command(flatten)]
    described: Described,
    /// Scheduler to use [default: the first that works]
    #[arg(long, value_enum, value_name = "NAME")]
    scheduler: Option<Named>,
    /// Print the files without writing them
    #[arg(long)]
    print: bool,
}

/// Arguments of `schedule status`.
#[derive(Debug, Args)]
pub struct ScheduleStatus {
    #[command(flatten)]
    described: Described,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `schedule remove`.
#[derive(Debug, Args)]
pub struct ScheduleRemove {}

/// Arguments of `schedule run`.
#[derive(Debug, Args)]
pub struct ScheduleRun {
    #[command(flatten)]
    described: Described,
}

/// The schedulers' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Named {
    /// A timer of systemd's user manager
    Systemd,
    /// The user's crontab
    Cron,
    /// A launchd agent (macOS)
    Launchd,
    /// A task of the Task Scheduler (Windows)
    TaskScheduler,
}

impl ScheduleInstall {
    /// The command's input.
    pub fn input(&self) -> install::Input {
        install::Input {
            scheduler: self.scheduler.map(|named| match named {
                Named::Systemd => Scheduler::Systemd,
                Named::Cron => Scheduler::Cron,
                Named::Launchd => Scheduler::Launchd,
                Named::TaskScheduler => Scheduler::TaskScheduler,
            }),
            deed: if self.print {
                install::Deed::Print
            } else {
                install::Deed::Install
            },
        }
    }
}

impl ScheduleStatus {
    /// How to tell.
    pub fn output(&self) -> status::Output {
        if self.json {
            status::Output::Json
        } else {
            status::Output::Text
        }
    }
}

/// `schedule run`, and nothing else.
pub(super) fn plain(arguments: &[OsString]) -> Option<Schedule> {
    let [_, schedule, run] = arguments else {
        return None;
    };
    (schedule == "schedule" && run == "run").then(|| Schedule {
        deed: ScheduleDeed::Run(ScheduleRun {
            described: Described::default(),
        }),
    })
}

impl Schedule {
    pub(super) fn wants_json(&self) -> bool {
        matches!(&self.deed, ScheduleDeed::Status(status) if status.json)
    }

    pub(super) fn flags(&self) -> Flags {
        match &self.deed {
            ScheduleDeed::Install(install) => install.described.flags(),
            ScheduleDeed::Status(status) => status.described.flags(),
            ScheduleDeed::Run(run) => run.described.flags(),
            ScheduleDeed::Remove(_) => Flags::default(),
        }
    }
}

impl Subcommand for Schedule {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn wants_json(&self) -> bool {
        Self::wants_json(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.schedule(self)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn a_plain_run_is_read_as_clap_reads_it() {
        let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
        let run = words("ghtok schedule run");
        let plain_one = plain(&run).map(|schedule| Cli {
            verbose: 0,
            command: Command::Schedule(schedule),
        });
        let clap_one = Cli::try_parse_from(run).expect("a run");
        assert_eq!(
            format!("{:?}", plain_one.expect("a run")),
            format!("{clap_one:?}")
        );
        for other in [
            "ghtok schedule",
            "ghtok schedule status",
            "ghtok schedule run -v",
            "ghtok run schedule",
        ] {
            assert!(plain(&words(other)).is_none(), "{other}");
        }
    }
}
