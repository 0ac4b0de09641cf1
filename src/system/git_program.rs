//! git itself, asked what its configuration says about credentials.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{ProgramOutput, find_program, run_with_timeout};

/// What git may take for one answer.
const LIMIT: Duration = Duration::from_secs(20);
/// A folder that is not there: git takes no repository for the current one.
const NO_REPOSITORY: (&str, &str) = ("GIT_DIR", "/no-repository");

/// git, and how it is asked. What it prints is for `formats::git_config::listing`.
pub(crate) struct GitProgram(PathBuf);

impl GitProgram {
    /// git in the first of these folders that has it.
    pub(crate) fn find(folders: &[PathBuf]) -> Option<Self> {
        find_program("git", folders).map(Self)
    }

    /// What one file says, with the files that it includes.
    ///
    /// # Errors
    /// What git says, in a line.
    pub(crate) fn of_file(&self, file: &Path) -> Result<Vec<u8>, String> {
        self.ask(&["--file".as_ref(), file.as_os_str()], &[])
    }

    /// What the system's file says, and whatever else is not the user's.
    ///
    /// # Errors
    /// What git says, in a line.
    pub(crate) fn without_users_files(&self) -> Result<Vec<u8>, String> {
        self.ask(&[], &[("GIT_CONFIG_GLOBAL", "/dev/null")])
    }

    /// What all files and variables say.
    ///
    /// # Errors
    /// What git says, in a line.
    pub(crate) fn of_everything(&self) -> Result<Vec<u8>, String> {
        self.ask(&[], &[])
    }

    /// What git itself would be told in the current folder, repository included; `None` where git does
    /// not say.
    pub(crate) fn of_current_folder(&self) -> Option<Vec<u8>> {
        let arguments = ["config", "--list", "-z", "--show-scope", "--show-origin"];
        let output = run_with_timeout(&self.0, &arguments, &[], b"", LIMIT).ok()?;
        (output.succeeded() && output.is_complete).then_some(output.stdout)
    }

    /// The address of the remote `origin` of the current folder's repository.
    ///
    /// # Errors
    /// What git says, in a line.
    pub(crate) fn url_of_origin(&self) -> Result<String, String> {
        let arguments = ["remote", "get-url", "origin"];
        let output = run_with_timeout(&self.0, &arguments, &[], b"", LIMIT)?;
        if !output.succeeded() || !output.is_complete {
            return Err(output.failure());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn ask(
        &self,
        flags: &[&std::ffi::OsStr],
        environment: &[(&str, &str)],
    ) -> Result<Vec<u8>, String> {
        let mut arguments: Vec<&std::ffi::OsStr> = vec!["config".as_ref()];
        arguments.extend(flags);
        let what = [
            "--includes",
            "--show-scope",
            "--show-origin",
            "-z",
            "--get-regexp",
            r"^credential\.",
        ];
        arguments.extend(what.map(std::ffi::OsStr::new));
        let environment = [&[NO_REPOSITORY], environment].concat();
        let output = run_with_timeout(&self.0, &arguments, &environment, b"", LIMIT)?;
        if !output.succeeded() && !says_none(&output) {
            return Err(output.failure());
        }
        if !output.is_complete {
            return Err("git's output is too long".into());
        }
        Ok(output.stdout)
    }
}

/// True if git has read everything, and there is no such setting. Warnings and traces do not matter; what
/// is only a stand-in for git (as on macOS without its developer tools) reports an error.
fn says_none(output: &ProgramOutput) -> bool {
    let is_error = |line: &str| line.contains("error: ") || line.contains("fatal: ");
    output.code == Some(1) && !output.stderr.lines().any(is_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_is_told_apart_from_a_failure() {
        let output = |code: i32, stderr: &str| ProgramOutput {
            code: Some(code),
            stdout: Vec::new(),
            is_complete: true,
            stderr: stderr.into(),
        };
        for stderr in [
            "",
            "warning: unable to access 'x': Permission denied\n",
            "12:00:01.5 git.c:479 trace: built-in: git config\n",
        ] {
            assert!(says_none(&output(1, stderr)), "{stderr}");
            assert!(!says_none(&output(128, stderr)), "{stderr}");
        }
        assert!(!says_none(&output(
            1,
            "xcrun: error: invalid active developer path\n"
        )));
        assert!(!says_none(&output(
            1,
            "warning: x\nfatal: bad config line 1\n"
        )));
    }
}
