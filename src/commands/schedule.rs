//! `ghtok schedule`: a timer that keeps sign-ins alive and warns in time.

pub(crate) mod check;
mod install;
mod program_path;
mod remove;
mod run;
mod status;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use self::install::Install;
use self::remove::Remove;
use self::run::Run;
use self::status::TimerStatus;
use crate::app::App;
use crate::auth::ports::Clock;
use crate::commands::{Described, Subcommand};
use crate::config::{Environment, Flags};
use crate::error::Result;
use crate::schedule::installer::{Installer, SchedulerPaths};
use crate::schedule::notes::Notes;
use crate::schedule::{Scheduler, Timer};
use crate::session::{Session, stable_program};

/// Install a timer that keeps sign-ins alive and warns before they expire
#[derive(Debug, Args)]
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

/// The machine's schedulers, what is remembered of the timer, and the timer as it would be now.
struct Timers<'a> {
    session: &'a Session<'a>,
    environment: Environment,
    paths: SchedulerPaths,
    notes: Box<dyn Notes>,
    clock: &'a dyn Clock,
    timer: Timer,
}

impl<'a> Timers<'a> {
    fn of(session: &'a Session<'a>) -> Result<Self> {
        // The time zone can be read only while there is one thread, and schedulers' programs are waited
        // for by several.
        let clock = session.machine.clock;
        let _ = clock.local_time(clock.now());
        let environment = Environment::from_process();
        Ok(Self {
            session,
            paths: session.scheduler_paths(&environment)?,
            notes: Box::new(session.timer_notes()),
            clock,
            timer: timer(session, &environment),
            environment,
        })
    }

    fn installer(&self, scheduler: Scheduler) -> Box<dyn Installer> {
        scheduler.installer(self.paths.clone())
    }
}

/// The timer as it would be now. It is told the folders, because a scheduler knows no variables
/// of this shell.
fn timer(session: &Session<'_>, environment: &Environment) -> Timer {
    let text = |path: &PathBuf| path.display().to_string();
    let config = session
        .config
        .file
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default();
    let mut arguments = vec!["schedule".to_owned(), "run".to_owned()];
    let undescribed = session.config.all_apps().filter(|app| app.name.is_none());
    arguments.extend(undescribed.flat_map(|app: &App| session.flags_of(app)));
    Timer {
        program: stable_program(environment).to_string_lossy().into_owned(),
        arguments,
        environment: vec![
            ("GHTOK_CONFIG_DIR".into(), text(&config)),
            ("GHTOK_STATE_DIR".into(), text(&session.config.state_dir)),
        ],
        minute: random_minute(),
    }
}

/// So that the machines of the world do not ask GitHub in the same minute.
fn random_minute() -> u8 {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut byte = [0];
    // Without randomness, some minute does.
    let _ = SystemRandom::new().fill(&mut byte);
    byte[0] % 60
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
