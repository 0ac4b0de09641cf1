use super::Session;
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::schedule::Scheduler;
use crate::schedule::installer::{SchedulerPaths, remove_empty_folders};
use crate::schedule::notes::Notes as _;
use crate::store::timer_notes::TimerNotes;
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
use crate::system::notification;
use crate::system::notification::Notice;

impl Session<'_> {
    /// The stored notes about the timer.
    pub(crate) fn timer_notes(&self) -> TimerNotes {
        TimerNotes::of(self.stores.folder.clone())
    }

    pub(crate) fn scheduler_paths(&self, environment: &Environment) -> Result<SchedulerPaths> {
        let folders = environment.timer_folders()?;
        Ok(SchedulerPaths {
            programs: environment.path(),
            units: folders.units,
            stamps: folders.stamps,
            agents: folders.agents,
            scratch: self.config.state_dir.clone(),
        })
    }

    /// Removes the timer and all its files; true if there was one.
    ///
    /// # Errors
    /// If the scheduler that has it does not remove it, or a note of it stays.
    pub(crate) fn remove_timer(&self, paths: &SchedulerPaths) -> Result<bool> {
        let notes = self.timer_notes();
        let known = notes.installed()?;
        let found = clear_timer(paths, known.as_ref().map(|known| known.scheduler), None)?;
        notes.forget()?;
        if let Some(known) = &known {
            remove_empty_folders(&known.made);
        }
        Ok(found || known.is_some())
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn notify(&self, notice: &Notice) -> Result<(), String> {
        let bus = self.session_bus();
        notification::show(notice, &bus, self.machine.limits.store)
    }

    #[cfg(target_os = "macos")]
    pub(crate) fn notify(&self, notice: &Notice) -> Result<(), String> {
        notification::show(notice, self.machine.limits.store)
    }

    #[cfg(windows)]
    pub(crate) fn notify(&self, notice: &Notice) -> Result<(), String> {
        let folders = Environment::from_process().path();
        let powershell = crate::system::process::find_program("powershell", &folders)
            .ok_or("cannot find powershell")?;
        // It takes seconds to start.
        notification::show(notice, &powershell, 4 * self.machine.limits.store)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    pub(crate) fn notify(&self, _: &Notice) -> Result<(), String> {
        Err("this system does not support it".into())
    }
}

/// Removes the timer from every scheduler that may have it, but for one that keeps it. True if any had it.
/// The one that is known to have it must remove it.
pub(crate) fn clear_timer(
    paths: &SchedulerPaths,
    known: Option<Scheduler>,
    but: Option<Scheduler>,
) -> Result<bool> {
    let mut found = false;
    for scheduler in Scheduler::ALL {
        if but == Some(scheduler) {
            continue;
        }
        let adapter = scheduler.installer(paths.clone());
        let is_unknown = known != Some(scheduler);
        if is_unknown && (adapter.foreign().is_some() || adapter.probe().is_err()) {
            continue;
        }
        match adapter.remove() {
            Ok(was_there) => found |= was_there,
            Err(cause) if known == Some(scheduler) => {
                return Err(Error::Timer {
                    doing: "remove the timer",
                    cause: format!("{scheduler}: {cause}"),
                    fix: "correct this and run again:\n  ghtok schedule remove".into(),
                });
            }
            Err(_) => {}
        }
    }
    Ok(found)
}
