//! Agents of launchd, in the session of the user who is logged in.

mod plist;

use std::path::PathBuf;
use std::time::Duration;

use super::Timer;
use super::installer::{
    Inspection, Installer, SchedulerPaths, TimerFile, drift, erase, is_foreign, is_there, run,
    run_checked, write,
};
use crate::system::clock::pause;

/// launchd refuses an agent of a name that it has not quite ended yet.
const TRIES: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

pub(super) struct Launchd(pub(super) SchedulerPaths);

impl Launchd {
    fn file(&self) -> PathBuf {
        self.0.agents.join(plist::file())
    }

    /// launchctl(1): agents live in the user's graphical session, where the keychain is.
    fn domain() -> String {
        #[cfg(unix)]
        let user = rustix::process::getuid().as_raw();
        #[cfg(not(unix))]
        let user = 0;
        format!("gui/{user}")
    }

    fn service() -> String {
        format!("{}/{}", Self::domain(), plist::LABEL)
    }

    fn is_loaded(&self) -> bool {
        let output = run(&self.0, "launchctl", &["print", &Self::service()], b"");
        output.is_ok_and(|output| output.succeeded())
    }

    fn load(&self) -> Result<(), String> {
        let file = self.file().display().to_string();
        let arguments = ["bootstrap", &Self::domain(), &file];
        for _ in 1..TRIES {
            // What does not even answer is not asked again.
            if run(&self.0, "launchctl", &arguments, b"")?.succeeded() {
                return Ok(());
            }
            pause(BETWEEN_TRIES);
        }
        run_checked(&self.0, "launchctl", &arguments, b"").map(drop)
    }
}

impl Installer for Launchd {
    fn probe(&self) -> Result<(), String> {
        run_checked(&self.0, "launchctl", &["print", &Self::domain()], b"").map(drop)
    }

    fn files(&self, timer: &Timer) -> Vec<TimerFile> {
        vec![TimerFile {
            place: self.file().display().to_string(),
            text: plist::agent(timer),
        }]
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.0
            .agents
            .ancestors()
            .take(2)
            .map(PathBuf::from)
            .collect()
    }

    fn foreign(&self) -> Option<PathBuf> {
        Some(self.file()).filter(|path| is_foreign(path))
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        write(&self.file(), &plist::agent(timer))?;
        let _ = run(&self.0, "launchctl", &["bootout", &Self::service()], b"");
        self.load()
    }

    fn remove(&self) -> Result<bool, String> {
        if !is_there(&self.file()) && !self.is_loaded() {
            return Ok(false);
        }
        let _ = run(&self.0, "launchctl", &["bootout", &Self::service()], b"");
        erase(&self.file()).map(|_| true)
    }

    fn inspect(&self, timer: &Timer) -> Inspection {
        let changed = drift(&self.file(), &plist::agent(timer));
        let idle = (!self.is_loaded()).then(|| "launchd has not loaded the agent".to_owned());
        Inspection {
            drift: changed.into_iter().chain(idle).collect(),
            next: None,
        }
    }
}
