//! A home with something wrong in it, doctor's report about it, and its fixes, tried.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_github::FakeGitHub;
use serde_json::Value;

use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

/// A home in which ghtok is installed, and the variables of a shell in it.
pub struct Patient {
    pub fake: FakeGitHub,
    pub sandbox: Sandbox,
    set: BTreeMap<&'static str, String>,
    removed: Vec<&'static str>,
}

impl Patient {
    pub fn new() -> Self {
        Self::at(FakeGitHub::start().expect("a fake"))
    }

    pub fn at(fake: FakeGitHub) -> Self {
        let sandbox = Sandbox::new(&fake);
        let bin = sandbox.home().join("bin");
        fs::create_dir(&bin).expect("a folder");
        symlink(path_of(Program::Real), bin.join("ghtok")).expect("a link");
        let usual = std::env::var("PATH").expect("a PATH");
        let path = format!("{}:{usual}", bin.display());
        Self {
            fake,
            sandbox,
            set: BTreeMap::from([("PATH", path)]),
            removed: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.set.insert(name, value.into());
        self
    }

    pub fn without(mut self, names: &[&'static str]) -> Self {
        self.removed.extend(names);
        self
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.sandbox.home().join(below)
    }

    pub fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// A line of a shell in this home.
    pub fn shell(&self, line: &str) -> Command {
        let ghtok = self.sandbox.command(Program::Real, [""; 0]);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env_clear()
            .envs(
                ghtok
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(&self.set)
            .current_dir(self.sandbox.home())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        for name in &self.removed {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, line: &str) -> Run {
        run_command(&mut self.shell(line))
    }

    /// The findings, in full.
    #[track_caller]
    pub fn findings(&self) -> Findings {
        Findings::of(&self.run("ghtok doctor --json --full"))
    }

    /// The report as a person reads it.
    pub fn report(&self, flags: &str) -> Run {
        self.run(&format!("ghtok doctor {flags}"))
    }

    /// Expects this finding, and no change of any file by looking.
    #[track_caller]
    pub fn has(&self, code: &str, level: &str) -> Value {
        let before = Tree::of(self.sandbox.home());
        let findings = self.findings();
        assert_eq!(Tree::of(self.sandbox.home()), before, "{code}");
        let finding = findings.get(code);
        assert_eq!(finding["level"], level, "{finding}");
        assert_eq!(
            findings.exit_code,
            i32::from(findings.all().any(|one| one["level"] == "problem")),
            "{findings:?}"
        );
        let text = self.report("--full");
        assert!(
            text.stdout
                .contains(finding["message"].as_str().expect("a text"))
        );
        findings.get(code)
    }

    /// Expects this finding, runs its command as printed, and expects that it is gone.
    #[track_caller]
    pub fn is_fixed_of(&self, code: &str, level: &str) {
        let finding = self.has(code, level);
        let command = finding["command"].as_str().expect("a command");
        let line = format!("{command}\nghtok doctor --json --full");
        let run = self.run(&line);
        let after = Findings::of(&run);
        assert!(!after.has(code), "{command} did not fix {code}: {run:?}");
    }

    /// Expects this finding with advice in words.
    #[track_caller]
    pub fn is_advised_about(&self, code: &str, level: &str) -> Value {
        let finding = self.has(code, level);
        let fix = finding["fix"].as_str().unwrap_or_default();
        assert!(fix.len() > 10, "{finding}");
        finding
    }
}

/// What doctor found.
#[derive(Debug)]
pub struct Findings {
    pub exit_code: i32,
    list: Vec<Value>,
}

impl Findings {
    /// Of the JSON in the last line.
    #[track_caller]
    pub fn of(run: &Run) -> Self {
        let line = run.stdout.lines().last().unwrap_or_default();
        let report: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!(report["schema_version"], 1);
        Self {
            exit_code: run.code.expect("an exit code"),
            list: report["findings"].as_array().expect("a list").clone(),
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.list.iter()
    }

    pub fn has(&self, code: &str) -> bool {
        self.list.iter().any(|finding| finding["code"] == code)
    }

    #[track_caller]
    pub fn get(&self, code: &str) -> Value {
        let found = self.list.iter().find(|finding| finding["code"] == code);
        found
            .unwrap_or_else(|| panic!("no {code}: {self:#?}"))
            .clone()
    }
}

/// Everything below a folder: names, kinds, rights, times of change and contents.
#[derive(Debug, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>);

impl Tree {
    pub fn of(root: &Path) -> Self {
        let mut all = BTreeMap::new();
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            let content = if metadata.is_dir() {
                open.extend(
                    fs::read_dir(&path)
                        .into_iter()
                        .flatten()
                        .flatten()
                        .map(|entry| entry.path()),
                );
                Vec::new()
            } else if metadata.is_file() {
                fs::read(&path).unwrap_or_default()
            } else {
                Vec::new()
            };
            all.insert(
                path,
                (
                    metadata.mode(),
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                    content,
                ),
            );
        }
        Self(all)
    }
}
