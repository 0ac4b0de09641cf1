//! Tasks of the Windows Task Scheduler, by `schtasks`.

use std::path::PathBuf;

use super::{File, Look, Places, Timers, must, run};
use crate::error::system_reason;
use crate::schedule::{Timer, task_scheduler};

/// The Task Scheduler.
pub(super) struct TaskScheduler(pub(super) Places);

impl TaskScheduler {
    /// The task as the scheduler has it, which is not to the byte as it was given.
    fn read(&self) -> Option<String> {
        let arguments = ["/query", "/tn", task_scheduler::TASK, "/xml"];
        let said = run(&self.0, "schtasks", &arguments, b"").ok()?;
        said.is_good().then(|| said.text())
    }
}

impl Timers for TaskScheduler {
    fn probe(&self) -> Result<(), String> {
        must(&self.0, "schtasks", &["/query"], b"").map(drop)
    }

    fn files(&self, timer: &Timer) -> Vec<File> {
        vec![File {
            place: format!("task \"{}\"", task_scheduler::TASK),
            text: task_scheduler::task(timer),
        }]
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        let file = self.0.scratch.join("timer.xml");
        let path = file.display().to_string();
        let bytes = task_scheduler::bytes(&task_scheduler::task(timer));
        std::fs::write(&file, bytes)
            .map_err(|error| format!("{path}: {}", system_reason(&error)))?;
        let arguments = ["/create", "/tn", task_scheduler::TASK, "/xml", &path, "/f"];
        let made = must(&self.0, "schtasks", &arguments, b"");
        // It has been read.
        let _ = std::fs::remove_file(&file);
        made.map(drop)
    }

    fn remove(&self) -> Result<bool, String> {
        if self.read().is_none() {
            return Ok(false);
        }
        let arguments = ["/delete", "/tn", task_scheduler::TASK, "/f"];
        must(&self.0, "schtasks", &arguments, b"").map(|_| true)
    }

    fn look(&self, timer: &Timer) -> Look {
        let drift = match self.read() {
            None => Some("the Task Scheduler has no task of ghtok's"),
            Some(text) if !task_scheduler::is_told_by(timer, &text) => {
                Some("ghtok's task was changed")
            }
            Some(_) => None,
        };
        Look {
            drift: drift.into_iter().map(str::to_owned).collect(),
            next: None,
        }
    }
}
