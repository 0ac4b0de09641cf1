//! Where git keeps what it is told (git-config(1), "FILES"; git-credential-store(1), "FILES").

use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::error::Result;

const GIT_CONFIG_GLOBAL: &str = "GIT_CONFIG_GLOBAL";

/// The files of git that `setup git` reads and changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitPlaces {
    /// The account's home, which git calls `~`.
    pub(crate) home: PathBuf,
    /// The file that `git config --global` writes.
    pub(crate) global: PathBuf,
    /// Whether git reads no file of the user's at all: the variable that names it is empty, or names
    /// `/dev/null`.
    pub(crate) is_hidden: bool,
    /// The file of the user's that git reads before that one.
    pub(crate) earlier: Option<PathBuf>,
    /// Every file that may have been the global one when ghtok was set up.
    pub(crate) all: Vec<PathBuf>,
    /// ghtok's own file.
    pub(crate) own: PathBuf,
    /// Its place where other users can read the global file, but not enter the folder of `own`.
    pub(crate) beside: PathBuf,
    /// Where git keeps passwords in plain text, if it does.
    pub(crate) plain_stores: Vec<PathBuf>,
}

impl GitPlaces {
    /// A path as a file of git names it: below the home folder by `~`, which is right in a copy too.
    pub(crate) fn spelled(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.home) {
            Ok(below) => Path::new("~").join(below),
            Err(_) => path.to_owned(),
        }
    }

    /// What a path in the file `named_in` means to git.
    pub(crate) fn expanded(&self, path: &Path, named_in: &Path) -> PathBuf {
        match path.strip_prefix("~") {
            Ok(below) => self.home.join(below),
            Err(_) => named_in.parent().unwrap_or(Path::new("")).join(path),
        }
    }
}

impl Environment {
    /// How many settings the environment tells git (git-config(1), `GIT_CONFIG_COUNT`); `None` where git
    /// could not read that.
    pub(crate) fn git_config_count(&self) -> Option<u32> {
        match self.lossy_text("GIT_CONFIG_COUNT") {
            None => Some(0),
            Some(text) => text.trim_start().parse().ok(),
        }
    }

    /// Where git keeps what it is told.
    pub(crate) fn git_places(&self) -> Result<GitPlaces> {
        let home = self.home()?;
        let usual = home.join(".config").join("git");
        let folder = self.xdg_config()?.join("git");
        let is_null = |file: &PathBuf| file.as_os_str() == "/dev/null";
        let set = self.absolute_path(GIT_CONFIG_GLOBAL)?;
        let is_hidden = self.is_empty(GIT_CONFIG_GLOBAL) || set.as_ref().is_some_and(is_null);
        let named = set.filter(|file| !is_null(file));
        let (own_name, other) = (home.join(".gitconfig"), folder.join("config"));
        let (global, earlier) = match &named {
            Some(file) => (file.clone(), None),
            None if own_name.exists() || own_name.is_symlink() || !other.exists() => {
                (own_name.clone(), Some(other.clone()))
            }
            None => (other.clone(), None),
        };
        let mut all: Vec<PathBuf> = Vec::new();
        for file in named
            .into_iter()
            .chain([own_name, other, usual.join("config")])
        {
            if !all.contains(&file) {
                all.push(file);
            }
        }
        Ok(GitPlaces {
            is_hidden,
            beside: global.with_file_name(".ghtok.gitconfig"),
            own: folder.join("ghtok.gitconfig"),
            plain_stores: vec![home.join(".git-credentials"), folder.join("credentials")],
            home,
            global,
            earlier,
            all,
        })
    }
}
