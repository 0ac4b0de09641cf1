//! Puts `schedule` together.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::app::App;
use crate::cli::{self, ScheduleDeed};
use crate::commands::schedule::install::{self, Draft};
use crate::commands::schedule::run::{News, Outcome, Round, failed, look_after};
use crate::commands::schedule::{Desk, remove, status};
use crate::config::Environment;
use crate::error::{Result, most_serious};
use crate::schedule::installer::SchedulerPaths;
use crate::schedule::notes::{AppRun, LastRun, Notes};
use crate::schedule::{Scheduler, Timer};
use crate::session::{Session, stable_program};
use crate::store::state_folder::StateFolder;
use crate::store::timer_notes::TimerNotes;
use crate::system::notification::{self, Notice};
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

impl Session<'_> {
    pub(crate) fn schedule(&self, schedule: &cli::Schedule) -> Result<u8> {
        match &schedule.deed {
            ScheduleDeed::Run(_) => {
                self.config.check_store()?;
                self.look_after_all()
            }
            ScheduleDeed::Install(install) => {
                self.config.check_store()?;
                // Without an App there is nothing to look after.
                if self.config.all_apps().next().is_none() {
                    self.config.app(None)?;
                }
                self.at_desk(|desk, draft| install::run(install.input(), draft, desk))
                    .map(|()| 0)
            }
            ScheduleDeed::Status(status) => {
                let rules = self.config.schedule;
                self.at_desk(|desk, draft| status::run(status.output(), rules, &draft.timer, desk))
            }
            ScheduleDeed::Remove(_) => self.at_desk(|desk, _| remove::run(desk)).map(|()| 0),
        }
    }

    pub(crate) fn timer_notes(&self) -> TimerNotes {
        TimerNotes::of(StateFolder::at(self.config.state_dir.clone()))
    }

    fn at_desk<T>(&self, work: impl FnOnce(&Desk<'_>, Draft<'_>) -> Result<T>) -> Result<T> {
        // The time zone can be read only while there is one thread, and schedulers' programs are waited
        // for by several.
        let clock = self.machine.clock;
        let _ = clock.local_time(clock.now());
        let environment = Environment::from_process();
        let folders = environment.timer_folders()?;
        let paths = SchedulerPaths {
            programs: environment.path(),
            units: folders.units,
            stamps: folders.stamps,
            agents: folders.agents,
            scratch: self.config.state_dir.clone(),
        };
        let scheduler = |scheduler: Scheduler| scheduler.installer(paths.clone());
        let notes = self.timer_notes();
        let desk = Desk {
            scheduler: &scheduler,
            notes: &notes,
            clock,
            terminal: Terminal,
        };
        let draft = Draft {
            timer: self.timer(&environment),
            moved_by: environment.folder_variables(),
            proxy_variable: self
                .config
                .network
                .proxy
                .as_ref()
                .and_then(crate::github::ProxySetting::variable),
            config_file: &self.config.file,
            state_dir: &self.config.state_dir,
        };
        work(&desk, draft)
    }

    /// The timer as it would be now. It is told the folders, because a scheduler knows no variables
    /// of this shell.
    fn timer(&self, environment: &Environment) -> Timer {
        let text = |path: &PathBuf| path.display().to_string();
        let config = self
            .config
            .file
            .parent()
            .map(PathBuf::from)
            .unwrap_or_default();
        let mut arguments = vec!["schedule".to_owned(), "run".to_owned()];
        let undescribed = self.config.all_apps().filter(|app| app.name.is_none());
        arguments.extend(undescribed.flat_map(|app: &App| self.flags_of(app)));
        Timer {
            program: stable_program(environment).to_string_lossy().into_owned(),
            arguments,
            environment: vec![
                ("GHTOK_CONFIG_DIR".into(), text(&config)),
                ("GHTOK_STATE_DIR".into(), text(&self.config.state_dir)),
            ],
            minute: random_minute(),
        }
    }

    fn look_after_all(&self) -> Result<u8> {
        let notes = self.timer_notes();
        let Some(turn) = notes.turn()? else {
            Terminal.note("another run of the timer goes on");
            return Ok(0);
        };
        let apps: Vec<&App> = self.config.all_apps().collect();
        if apps.is_empty() {
            self.config.app(None)?;
        }
        self.read_ahead();
        let before = notes.last_run();
        let warned: HashMap<&str, Timestamp> = before.iter().flat_map(LastRun::warnings).collect();
        let at = self.machine.clock.now();
        let outcomes: Vec<Outcome> = apps
            .into_iter()
            .map(|app| self.look_after_one(app, &warned))
            .collect();
        let run = LastRun {
            at: at.0,
            apps: outcomes.iter().map(|outcome| outcome.run.clone()).collect(),
        };
        // Neither keeps the other from its work: a full log, or a full disk.
        let remembered = if turn.stands() {
            notes.tell_run(&run)
        } else {
            Ok(())
        };
        outcomes.iter().try_for_each(tell)?;
        remembered?;
        Ok(most_serious(
            outcomes.iter().map(|outcome| outcome.exit_code),
        ))
    }

    fn look_after_one(&self, app: &App, warned: &HashMap<&str, Timestamp>) -> Outcome {
        let warned_at = warned.get(app.key().as_str()).copied();
        let notify = |notice: &Notice| self.notify(notice);
        let round = Round {
            rules: self.config.schedule,
            usual: self.config.min_ttl,
            notify: &notify,
        };
        let looked = self.with_call(app, |call| Ok(look_after(warned_at, round, call)));
        looked.unwrap_or_else(|error| failed(&error, warned_at, app))
    }

    #[cfg(target_os = "linux")]
    fn notify(&self, notice: &Notice) -> Result<(), String> {
        notification::show(notice, &self.session_bus(), self.machine.limits.store)
    }

    #[cfg(target_os = "macos")]
    fn notify(&self, notice: &Notice) -> Result<(), String> {
        notification::show(notice, self.machine.limits.store)
    }

    #[cfg(windows)]
    fn notify(&self, notice: &Notice) -> Result<(), String> {
        let folders = Environment::from_process().path();
        let powershell = crate::system::process::find_program("powershell", &folders)
            .ok_or("there is no powershell")?;
        // It takes seconds to start.
        notification::show(notice, &powershell, 4 * self.machine.limits.store)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    fn notify(&self, _: &Notice) -> Result<(), String> {
        Err("this system has no way for it".into())
    }
}

/// A person at a terminal reads of everything, a log of what is news.
fn tell(outcome: &Outcome) -> Result<()> {
    let AppRun { app, words, .. } = &outcome.run;
    if outcome.news == News::No && !Terminal.shows_notes() {
        return Ok(());
    }
    let named = words.starts_with(&format!("{app}: "));
    Terminal.line(&if named {
        words.clone()
    } else {
        format!("{app}: {words}")
    })
}

/// So that the machines of the world do not ask GitHub in the same minute.
fn random_minute() -> u8 {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut byte = [0];
    // Without randomness, some minute does.
    let _ = SystemRandom::new().fill(&mut byte);
    byte[0] % 60
}
