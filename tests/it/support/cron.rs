//! A process that has a cron daemon's name and does nothing: `schedule install` looks for one.

use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Ends with the test.
#[derive(Debug)]
pub struct CronDaemon {
    process: Child,
    _folder: TempDir,
}

impl CronDaemon {
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let program = folder.path().join("cron");
        symlink("/bin/sleep", &program).expect("a link");
        let process = Command::new(program)
            .arg("600")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        Self {
            process,
            _folder: folder,
        }
    }
}

impl Drop for CronDaemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
