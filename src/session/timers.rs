//! The machine's schedulers and the installed timer, for `schedule` and `doctor`.

use std::path::{Path, PathBuf};

use super::{Session, stable_program};
use crate::app::App;
use crate::auth::ports::Clock;
use crate::config::Environment;
use crate::error::Result;
use crate::schedule::installer::{Installer, SchedulerPaths, Stopped};
use crate::schedule::notes::{Installed, LastRun, Notes};
use crate::schedule::{Scheduler, Timer};
use crate::token::Timestamp;

/// The machine's schedulers, what is remembered of the timer, and the timer as it would be now.
pub(crate) struct Timers<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) environment: Environment,
    pub(crate) paths: SchedulerPaths,
    pub(crate) notes: Box<dyn Notes>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) timer: Timer,
}

/// What is known of the installed timer.
pub(crate) struct InstalledTimer {
    pub(crate) installed: Option<Installed>,
    /// Why its scheduler runs no timers now.
    pub(crate) stopped: Option<Stopped>,
    /// How it differs from what was installed, or why it does not run; empty if all is well.
    pub(crate) drift: Vec<String>,
    pub(crate) last_run: Option<LastRun>,
    pub(crate) next_run: Option<Timestamp>,
}

impl<'a> Timers<'a> {
    pub(crate) fn of(session: &'a Session<'a>) -> Result<Self> {
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

    pub(crate) fn installer(&self, scheduler: Scheduler) -> Box<dyn Installer> {
        scheduler.installer(self.paths.clone())
    }

    /// Compares what is installed with what was.
    ///
    /// # Errors
    /// If the notes about it cannot be read.
    pub(crate) fn look(&self) -> Result<InstalledTimer> {
        let last_run = self.notes.last_run();
        let Some(installed) = self.notes.installed()? else {
            return Ok(InstalledTimer {
                installed: None,
                stopped: None,
                drift: Vec::new(),
                last_run,
                next_run: None,
            });
        };
        let adapter = self.installer(installed.scheduler);
        let looked = adapter.inspect(&installed.timer);
        let stopped = adapter.stopped();
        let mut drift = looked.drift;
        drift.extend(stopped.iter().map(|stopped| stopped.cause.clone()));
        if !Path::new(&installed.timer.program).exists() {
            drift.push(format!("{} is no longer there", installed.timer.program));
        }
        let same_minute = Timer {
            minute: installed.timer.minute,
            ..self.timer.clone()
        };
        if installed.timer != same_minute {
            drift.push(
                "it was installed for another path, folder or App than this ghtok has now".into(),
            );
        }
        let now = self.clock.now();
        let next_run = match (looked.next, drift.is_empty()) {
            (Some(told), _) => Some(told),
            (None, true) => Some(installed.timer.next_after(now, self.clock.utc_offset())),
            (None, false) => None,
        };
        Ok(InstalledTimer {
            installed: Some(installed),
            stopped,
            drift,
            last_run,
            next_run,
        })
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
