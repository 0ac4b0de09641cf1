//! The user's crontab, changed by the program of that name.

mod crontab;
mod daemon;

use std::path::PathBuf;

use super::Timer;
use super::installer::{
    Inspection, Installer, SchedulerPaths, Stopped, TimerFile, run, run_checked,
};

pub(super) struct Cron(pub(super) SchedulerPaths);

impl Cron {
    /// The whole crontab, for what is missing here would be lost; a user without one has an empty one.
    fn read(&self) -> Result<Vec<u8>, String> {
        let output = run(&self.0, "crontab", &["-l"], b"")?;
        if !output.succeeded() && is_none(&output.stderr) {
            return Ok(Vec::new());
        }
        if !output.succeeded() {
            return Err(format!("crontab -l: {}", output.failure()));
        }
        if !output.is_complete {
            return Err("crontab -l: could not read the whole crontab".into());
        }
        Ok(output.stdout)
    }

    fn replace(&self, crontab: &[u8]) -> Result<(), String> {
        run_checked(&self.0, "crontab", &["-"], crontab).map(drop)
    }
}

/// Whether these are the words for a user who has no crontab: the usual ones, and busybox's.
fn is_none(words: &str) -> bool {
    let absent = words.contains("can't open '") && words.contains("No such file or directory");
    absent || words.contains("no crontab for")
}

impl Installer for Cron {
    fn probe(&self) -> Result<(), String> {
        self.read().map(drop)
    }

    fn stopped(&self) -> Option<Stopped> {
        daemon::stopped()
    }

    fn files(&self, timer: &Timer) -> Vec<TimerFile> {
        vec![TimerFile {
            place: "crontab".into(),
            text: crontab::lines(timer),
        }]
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        if !crontab::fits(timer) {
            return Err("the command is too long for cron".into());
        }
        let before = self.read()?;
        let after = crontab::with(&before, timer);
        if before == after {
            return Ok(());
        }
        self.replace(&after)
    }

    fn remove(&self) -> Result<bool, String> {
        let before = self.read()?;
        if crontab::ours(&before).is_none() {
            return Ok(false);
        }
        let after = crontab::without(&before);
        if after.is_empty() {
            run_checked(&self.0, "crontab", &["-r"], b"")?;
        } else {
            self.replace(&after)?;
        }
        Ok(true)
    }

    fn inspect(&self, timer: &Timer) -> Inspection {
        let drift = match self.read() {
            Err(silent) => Some(silent),
            Ok(crontab) => match crontab::ours(&crontab) {
                None => Some("the crontab has no ghtok lines".into()),
                Some(ours) if ours != crontab::lines(timer).as_bytes() => {
                    Some("ghtok's lines in the crontab were changed".into())
                }
                Some(_) => None,
            },
        };
        Inspection {
            drift: drift.into_iter().collect(),
            next: None,
        }
    }
}
