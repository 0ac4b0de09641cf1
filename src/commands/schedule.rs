//! `ghtok schedule`: a timer that keeps sign-ins alive and warns in time.

pub(crate) mod check;
mod install;
mod program_path;
mod remove;
mod run;
mod status;

use std::ffi::OsString;

use clap::Args;

use self::install::Install;
use self::remove::Remove;
use self::run::Run;
use self::status::TimerStatus;
use crate::commands::{Described, Subcommand};
use crate::config::Flags;
use crate::error::Result;
use crate::session::{Session, Timers};

/// Install a timer that keeps sign-ins alive and warns before they expire
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  ghtok schedule install   once on each machine
  ghtok schedule status    what it did last"
)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    action: ScheduleAction,
}

#[derive(Debug, clap::Subcommand)]
enum ScheduleAction {
    Install(Install),
    Status(TimerStatus),
    Remove(Remove),
    Run(Run),
}

impl Subcommand for Schedule {
    fn flags(&self) -> Flags {
        match &self.action {
            ScheduleAction::Install(install) => install.described.flags(),
            ScheduleAction::Status(status) => status.described.flags(),
            ScheduleAction::Run(run) => run.described.flags(),
            ScheduleAction::Remove(_) => Flags::default(),
        }
    }

    fn wants_json(&self) -> bool {
        matches!(&self.action, ScheduleAction::Status(status) if status.json)
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        match &self.action {
            ScheduleAction::Run(_) => run::run(session),
            ScheduleAction::Install(install) => install.run(session).map(|()| 0),
            ScheduleAction::Status(status) => status.run(session),
            ScheduleAction::Remove(_) => remove::run(session).map(|()| 0),
        }
    }
}

impl Schedule {
    /// `schedule run`, and nothing else.
    pub(crate) fn plain(arguments: &[OsString]) -> Option<Self> {
        let [_, schedule, run] = arguments else {
            return None;
        };
        (schedule == "schedule" && run == "run").then(|| Self {
            action: ScheduleAction::Run(Run {
                described: Described::default(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    enum Parsed {
        Schedule(Schedule),
    }

    #[test]
    fn a_plain_run_is_read_as_clap_reads_it() {
        let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
        let run = words("ghtok schedule run");
        let plain_one = Schedule::plain(&run);
        let Parsed::Schedule(clap_one) = Parsed::try_parse_from(run).expect("a run");
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
            assert!(Schedule::plain(&words(other)).is_none(), "{other}");
        }
    }
}
