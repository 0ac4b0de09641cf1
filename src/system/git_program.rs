//! git itself, asked what its configuration says about credentials. No repository takes part.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tool;

/// What git may take for one answer.
const LIMIT: Duration = Duration::from_secs(20);
/// A folder that is not there: git takes no repository for the current one.
const NO_REPOSITORY: (&str, &str) = ("GIT_DIR", "/no-repository");

/// git, and how it is asked. What it prints is for `formats::git_config::listing`.
pub struct GitProgram(PathBuf);

impl GitProgram {
    /// git by its path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// What one file says, with the files that it includes.
    ///
    /// # Errors
    /// What git says, in a line.
    pub fn of_file(&self, file: &Path) -> Result<Vec<u8>, String> {
        self.ask(&["--file".as_ref(), file.as_os_str()], &[])
    }

    /// What the system's file says, and whatever else is not the user's.
    ///
    /// # Errors
    /// What git says, in a line.
    pub fn without_users_files(&self) -> Result<Vec<u8>, String> {
        self.ask(&[], &[("GIT_CONFIG_GLOBAL", "/dev/null")])
    }

    /// What all files and variables say.
    ///
    /// # Errors
    /// What git says, in a line.
    pub fn of_everything(&self) -> Result<Vec<u8>, String> {
        self.ask(&[], &[])
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
        let said = tool::run(&self.0, &arguments, &environment, b"", LIMIT)?;
        match said.code {
            // 1: there is none.
            Some(0 | 1) if said.stderr.is_empty() || said.is_good() => {}
            _ => return Err(said.trouble()),
        }
        if !said.is_whole {
            return Err("git said more than ghtok reads".into());
        }
        Ok(said.stdout)
    }
}
