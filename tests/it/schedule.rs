//! The timer: what is written for each scheduler, that it leaves nothing, and what its runs do.

mod desk;
mod hours;
mod lifecycle;
mod notices;
mod others;
mod real_cron;
mod real_systemd;
mod runs;
mod written;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fake_github::FakeGitHub;
use ghtok::testing::auth::record::RefreshRejected;

use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, now, path_of};

/// A home with ghtok installed in it.
pub struct Stage {
    pub fake: FakeGitHub,
    pub sandbox: Sandbox,
    /// A folder that is not the home's, for what a scheduler keeps.
    pub spool: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let bin = sandbox.home().join("bin");
        fs::create_dir(&bin).expect("a folder");
        place(&path_of(Program::Real), &bin.join("ghtok"));
        let spool = tempfile::tempdir().expect("a folder");
        Self {
            fake,
            sandbox,
            spool,
        }
    }

    /// One whose sign-in has ended: the refresh token was refused, the access token lives.
    pub fn after_the_end() -> Self {
        let stage = Self::new();
        stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
        let mut record = stage.sandbox.record();
        record.refresh_rejected = Some(RefreshRejected {
            at: now(),
            interrupted_at: None,
            access_checked_at: None,
        });
        stage.sandbox.put(&record);
        stage
    }

    /// Where ghtok is installed.
    pub fn program(&self) -> PathBuf {
        self.sandbox.home().join("bin/ghtok")
    }

    /// The installed ghtok, with no program but the given folders'.
    pub fn command(&self, folders: &[&Path], arguments: &[&str]) -> Command {
        let usual = self.sandbox.command(Program::Real, arguments);
        let mut command = Command::new(self.program());
        command.args(arguments).env_clear();
        for (name, value) in usual.get_envs() {
            command.env(name, value.expect("set"));
        }
        command.env("PATH", std::env::join_paths(folders).expect("folders"));
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        command
    }

    pub fn run_in(&self, folders: &[&Path], arguments: &[&str]) -> Run {
        run_command(&mut self.command(folders, arguments))
    }

    /// What the run with the timer's own arguments does.
    pub fn look_after(&self) -> Run {
        self.run_in(&[Path::new("/nonexistent")], &["schedule", "run"])
    }
}

/// The same program under another name: a link where that is possible, otherwise a copy, made by another
/// process (a file that this one had open for writing could not be run).
pub fn place(program: &Path, at: &Path) {
    if fs::hard_link(program, at).is_err() {
        let copied = Command::new("cp").arg(program).arg(at).status();
        assert!(copied.expect("cp").success());
    }
}

/// Everything below a folder: modes, links and bytes.
pub fn everything(below: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let bytes = if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                target.to_string_lossy().into_owned().into_bytes()
            } else if metadata.is_file() {
                fs::read(&path).expect("a file")
            } else {
                folders.push(path.clone());
                Vec::new()
            };
            found.insert(path, (metadata.permissions().mode(), bytes));
        }
    }
    found
}

/// A program in a folder: this shell script.
pub fn script(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}
