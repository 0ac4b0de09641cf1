//! The user's crontab, changed by the program of that name.

use std::path::PathBuf;

use super::{File, Look, Places, Stopped, Timers, cron_daemon, must, run};
use crate::schedule::{Timer, cron};

/// cron.
pub(super) struct Cron(pub(super) Places);

impl Cron {
    /// The whole crontab, for what is missing here would be lost; a user without one has an empty one.
    fn read(&self) -> Result<Vec<u8>, String> {
        let said = run(&self.0, "crontab", &["-l"], b"")?;
        if !said.is_good() && is_none(&said.stderr) {
            return Ok(Vec::new());
        }
        if !said.is_good() {
            return Err(format!("crontab -l: {}", said.trouble()));
        }
        if !said.is_whole {
            return Err("crontab -l: the crontab could not be read whole".into());
        }
        Ok(said.stdout)
    }

    fn replace(&self, crontab: &[u8]) -> Result<(), String> {
        must(&self.0, "crontab", &["-"], crontab).map(drop)
    }
}

/// Whether these are the words for a user who has no crontab: the usual ones, and busybox's.
fn is_none(words: &str) -> bool {
    let absent = words.contains("can't open '") && words.contains("No such file or directory");
    absent || words.contains("no crontab for")
}

impl Timers for Cron {
    fn probe(&self) -> Result<(), String> {
        self.read().map(drop)
    }

    fn stopped(&self) -> Option<Stopped> {
        cron_daemon::stopped()
    }

    fn files(&self, timer: &Timer) -> Vec<File> {
        vec![File {
            place: "crontab".into(),
            text: cron::lines(timer),
        }]
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        if !cron::fits(timer) {
            return Err("the command is longer than cron reads".into());
        }
        let before = self.read()?;
        let after = cron::with(&before, timer);
        if before == after {
            return Ok(());
        }
        self.replace(&after)
    }

    fn remove(&self) -> Result<bool, String> {
        let before = self.read()?;
        if cron::ours(&before).is_none() {
            return Ok(false);
        }
        let after = cron::without(&before);
        if after.is_empty() {
            must(&self.0, "crontab", &["-r"], b"")?;
        } else {
            self.replace(&after)?;
        }
        Ok(true)
    }

    fn look(&self, timer: &Timer) -> Look {
        let drift = match self.read() {
            Err(silent) => Some(silent),
            Ok(crontab) => match cron::ours(&crontab) {
                None => Some("the crontab has no lines of ghtok's".into()),
                Some(ours) if ours != cron::lines(timer).as_bytes() => {
                    Some("ghtok's lines in the crontab were changed".into())
                }
                Some(_) => None,
            },
        };
        Look {
            drift: drift.into_iter().collect(),
            next: None,
        }
    }
}
