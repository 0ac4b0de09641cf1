//! Where ghtok, git, schedulers and MCP clients keep their files for this account.

use std::path::{Path, PathBuf};

use super::environment::{CONFIG_DIR, Environment, STATE_DIR, XDG_CONFIG_HOME, not_absolute};
use super::folder_permissions;
use crate::error::Result;
use crate::formats::mcp_client::ClientFolders;

/// Where schedulers keep a user's timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimerFolders {
    /// Units of systemd's user manager.
    pub(crate) units: PathBuf,
    /// What that manager notes about timers that make up for missed runs.
    pub(crate) stamps: PathBuf,
    /// launchd's agents.
    pub(crate) agents: PathBuf,
}

impl Environment {
    /// The folder of `config.toml`. One that is named is checked; ghtok makes its usual one itself.
    pub(super) fn config_dir(&self, flag: Option<&Path>) -> Result<PathBuf> {
        let named = match flag {
            Some(folder) if !folder.is_absolute() => {
                return Err(not_absolute("--config-dir", folder));
            }
            Some(folder) => Some(folder.to_owned()),
            None => self.absolute_path(CONFIG_DIR)?,
        };
        if let Some(folder) = named {
            return folder_permissions::check_config(&folder).map(|()| folder);
        }
        let base = match self.xdg_folder(XDG_CONFIG_HOME) {
            Some(base) => base,
            None => self.usual_config()?,
        };
        Ok(base.join("ghtok"))
    }

    /// The folder of `config.toml`, where a process without ghtok's and XDG's variables looks elsewhere.
    pub(crate) fn unusual_config_dir(&self) -> Result<Option<PathBuf>> {
        let (here, usual) = (self.config_dir(None)?, self.usual_config()?.join("ghtok"));
        Ok(Some(here).filter(|here| *here != usual))
    }

    /// The folder of locks, outcomes and the file store. No XDG variable moves it: processes with a
    /// stripped environment must find the same lock.
    pub(super) fn state_dir(&self) -> Result<PathBuf> {
        match self.absolute_path(STATE_DIR)? {
            Some(folder) => folder_permissions::check_state(&folder).map(|()| folder),
            None => Ok(self.usual_state()?.join("ghtok")),
        }
    }

    /// Where MCP clients keep their files.
    pub(crate) fn client_folders(&self, project: PathBuf) -> Result<ClientFolders> {
        let home = self.home()?;
        let config = if cfg!(windows) {
            self.usual_config()?
        } else {
            self.xdg_config()?
        };
        let programs = if cfg!(target_os = "macos") {
            home.join("Library").join("Application Support")
        } else {
            config.clone()
        };
        Ok(ClientFolders {
            home,
            programs,
            config,
            project,
        })
    }

    /// Where schedulers keep a user's timers (systemd.unit(5); launchd.plist(5), "FILES").
    pub(crate) fn timer_folders(&self) -> Result<TimerFolders> {
        let home = self.home()?;
        let data = self.xdg_folder("XDG_DATA_HOME");
        let data = data.unwrap_or_else(|| home.join(".local").join("share"));
        Ok(TimerFolders {
            units: self.xdg_config()?.join("systemd").join("user"),
            stamps: data.join("systemd").join("timers"),
            agents: home.join("Library").join("LaunchAgents"),
        })
    }

    /// Where programs keep their configuration (XDG Base Directory Specification).
    pub(super) fn xdg_config(&self) -> Result<PathBuf> {
        match self.xdg_folder(XDG_CONFIG_HOME) {
            Some(base) => Ok(base),
            None => Ok(self.home()?.join(".config")),
        }
    }

    /// A relative path there is to be ignored (XDG Base Directory Specification, "Basics").
    fn xdg_folder(&self, name: &str) -> Option<PathBuf> {
        self.value(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    #[cfg(not(windows))]
    fn usual_config(&self) -> Result<PathBuf> {
        Ok(self.home()?.join(".config"))
    }

    #[cfg(windows)]
    fn usual_config(&self) -> Result<PathBuf> {
        let known = || Some(directories::BaseDirs::new()?.config_dir().to_owned());
        self.account_folder("APPDATA", known)
    }

    #[cfg(not(windows))]
    fn usual_state(&self) -> Result<PathBuf> {
        Ok(self.home()?.join(".local").join("state"))
    }

    #[cfg(windows)]
    fn usual_state(&self) -> Result<PathBuf> {
        let known = || Some(directories::BaseDirs::new()?.data_local_dir().to_owned());
        self.account_folder("LOCALAPPDATA", known)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn config_dir(pairs: &[(&str, &str)]) -> Result<PathBuf> {
        Environment::from_pairs(pairs.iter().copied()).config_dir(None)
    }

    fn state_dir(pairs: &[(&str, &str)]) -> Result<PathBuf> {
        Environment::from_pairs(pairs.iter().copied()).state_dir()
    }

    const HOME: (&str, &str) = ("HOME", "/home/me");

    #[test]
    fn the_configuration_folder_is_ours_then_xdgs_then_the_homes() {
        let xdg = ("XDG_CONFIG_HOME", "/xdg");
        for (pairs, folder) in [
            (&[HOME, xdg, ("GHTOK_CONFIG_DIR", "/own")][..], "/own"),
            (&[xdg], "/xdg/ghtok"),
            (
                &[HOME, ("XDG_CONFIG_HOME", "xdg")],
                "/home/me/.config/ghtok",
            ),
            (
                &[HOME, ("XDG_CONFIG_HOME", ""), ("GHTOK_CONFIG_DIR", "")],
                "/home/me/.config/ghtok",
            ),
        ] {
            assert_eq!(
                config_dir(pairs).expect("a folder"),
                PathBuf::from(folder),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn no_xdg_variable_moves_the_state_folder() {
        let xdg = [
            ("XDG_STATE_HOME", "/x"),
            ("XDG_CONFIG_HOME", "/x"),
            ("XDG_RUNTIME_DIR", "/x"),
            HOME,
        ];
        assert_eq!(
            state_dir(&xdg).expect("a folder"),
            PathBuf::from("/home/me/.local/state/ghtok")
        );
        assert_eq!(
            state_dir(&[("GHTOK_STATE_DIR", "/own")]).expect("a folder"),
            PathBuf::from("/own")
        );
    }

    #[test]
    fn relative_folders_and_no_home_are_refused_in_one_line() {
        for (pair, message) in [
            (
                ("GHTOK_STATE_DIR", "state"),
                "GHTOK_STATE_DIR: \"state\" is not an absolute path",
            ),
            (
                ("GHTOK_STATE_DIR", "~/s\n\u{1b}[2J"),
                "GHTOK_STATE_DIR: \"~/s\\n\\u{1b}[2J\" is not an absolute path",
            ),
            (("HOME", "."), "HOME: \".\" is not an absolute path"),
            (("HOME", ""), NO_HOME),
            (("SHELL", "sh"), NO_HOME),
        ] {
            assert_eq!(
                state_dir(&[pair]).expect_err("refused").to_string(),
                message
            );
        }
        let error = config_dir(&[HOME, ("GHTOK_CONFIG_DIR", "c")]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "GHTOK_CONFIG_DIR: \"c\" is not an absolute path"
        );
        assert_eq!(config_dir(&[]).expect_err("refused").to_string(), NO_HOME);
    }

    const NO_HOME: &str = "HOME: this account has no home folder: set HOME, or both GHTOK_CONFIG_DIR and GHTOK_STATE_DIR";
}
