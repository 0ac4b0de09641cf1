use super::Session;
#[cfg(windows)]
use crate::config::Environment;
use crate::store::timer_notes::TimerNotes;
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
use crate::system::notification;
use crate::system::notification::Notice;

impl Session<'_> {
    /// The stored notes about the timer.
    pub(crate) fn timer_notes(&self) -> TimerNotes {
        TimerNotes::of(self.stores.folder.clone())
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn notify(&self, notice: &Notice) -> Result<(), String> {
        let bus = super::stores::session_bus(&self.config);
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
