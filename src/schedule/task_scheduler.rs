//! Tasks of the Windows Task Scheduler, by `schtasks`.

mod task_xml;

use std::path::PathBuf;

use super::Timer;
use super::installer::{Inspection, Installer, SchedulerPaths, TimerFile, run, run_checked};
use crate::error::system_reason;

pub(super) struct TaskScheduler(pub(super) SchedulerPaths);

impl TaskScheduler {
    /// The task as the scheduler has it, which may differ in bytes from the given one.
    fn read(&self) -> Option<String> {
        let arguments = ["/query", "/tn", task_xml::TASK, "/xml"];
        let output = run(&self.0, "schtasks", &arguments, b"").ok()?;
        output.succeeded().then(|| output.text())
    }
}

impl Installer for TaskScheduler {
    fn probe(&self) -> Result<(), String> {
        run_checked(&self.0, "schtasks", &["/query"], b"").map(drop)
    }

    fn files(&self, timer: &Timer) -> Vec<TimerFile> {
        vec![TimerFile {
            place: format!("task \"{}\"", task_xml::TASK),
            text: task_xml::task(timer),
        }]
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        let file = self.0.scratch.join("timer.xml");
        let path = file.display().to_string();
        let bytes = task_xml::bytes(&task_xml::task(timer));
        std::fs::write(&file, bytes)
            .map_err(|error| format!("{path}: {}", system_reason(&error)))?;
        let arguments = ["/create", "/tn", task_xml::TASK, "/xml", &path, "/f"];
        let made = run_checked(&self.0, "schtasks", &arguments, b"");
        // It has been read.
        let _ = std::fs::remove_file(&file);
        made.map(drop)
    }

    fn remove(&self) -> Result<bool, String> {
        if self.read().is_none() {
            return Ok(false);
        }
        let arguments = ["/delete", "/tn", task_xml::TASK, "/f"];
        run_checked(&self.0, "schtasks", &arguments, b"").map(|_| true)
    }

    fn inspect(&self, timer: &Timer) -> Inspection {
        let drift = match self.read() {
            None => Some("the Task Scheduler has no ghtok task"),
            Some(text) if !task_xml::is_in(timer, &text) => Some("ghtok's task was changed"),
            Some(_) => None,
        };
        Inspection {
            drift: drift.into_iter().map(str::to_owned).collect(),
            next: None,
        }
    }
}
