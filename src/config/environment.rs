//! The variables that ghtok reads, taken once, and the folders that follow from them. Nothing else in
//! the program reads the environment.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::desktop;
use super::quote::quoted;
use crate::error::{Error, Result};
use crate::formats::mcp_client::Folders;
use crate::host::{HOST_VARIABLES, Inherited, TOKEN_VARIABLES};
use crate::steps::Detail;

const CONFIG_DIR: &str = "GHTOK_CONFIG_DIR";
const LOG: &str = "GHTOK_LOG";
const STATE_DIR: &str = "GHTOK_STATE_DIR";
const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
pub(super) const GIT_CONFIG_GLOBAL: &str = "GIT_CONFIG_GLOBAL";

/// What a call means, where no flag says so.
const CHOICE: [&str; 4] = ["GHTOK_APP", "GHTOK_CLIENT_ID", "GHTOK_HOST", "GHTOK_STORE"];

/// Every variable that is looked at in every call; those of a sign-in stand in `desktop`, and all
/// others stay unread.
const READ: [&str; 19] = [
    "GHTOK_APP",
    "GHTOK_CLIENT_ID",
    "GHTOK_HOST",
    "GHTOK_STORE",
    LOG,
    CONFIG_DIR,
    STATE_DIR,
    XDG_CONFIG_HOME,
    XDG_DATA_HOME,
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    GIT_CONFIG_GLOBAL,
    "PATH",
];

/// What ghtok takes from the environment. `Debug` shows names only: a proxy may hold a password.
pub struct Environment {
    values: Vec<(&'static str, OsString)>,
    folders: AccountFolders,
}

/// What the system's name service and certificates are told by the environment, for comparison only. Read
/// where a connection failed, not in every call.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn network_variables() -> [Option<OsString>; 5] {
    [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "RES_OPTIONS",
        "LOCALDOMAIN",
        "HOSTALIASES",
    ]
    .map(std::env::var_os)
}

/// Where schedulers keep a user's timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerFolders {
    /// Units of systemd's user manager.
    pub units: PathBuf,
    /// What that manager notes about timers that make up for missed runs.
    pub stamps: PathBuf,
    /// launchd's agents.
    pub agents: PathBuf,
}

/// Where the system keeps things of the account that runs ghtok.
#[derive(Default)]
struct AccountFolders {
    home: Option<PathBuf>,
    /// Windows: `%APPDATA%`.
    roaming: Option<PathBuf>,
    /// Windows: `%LOCALAPPDATA%`.
    local: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file alone reads the environment"
    )]
    pub fn from_process() -> Self {
        let values = values_of(&READ);
        let folders = AccountFolders {
            // Without HOME this asks the password database.
            home: std::env::home_dir(),
            ..AccountFolders::of_the_system()
        };
        Self { values, folders }
    }

    /// Without what says which App and which store a call means.
    #[must_use]
    pub fn without_choice(mut self) -> Self {
        let is_choice = |name| CHOICE.contains(&name);
        self.values.retain(|(name, _)| !is_choice(*name));
        self
    }

    /// What the environment of this process tells the tools that get a token. Read apart from the
    /// rest, and only where tools are about to be told something else. The values of variables for
    /// tokens are somebody's secrets, and not read.
    #[expect(
        clippy::disallowed_methods,
        reason = "this file alone reads the environment"
    )]
    pub fn inherited_by_tools() -> Inherited {
        let is_set = |name: &&'static str| std::env::var_os(name).is_some();
        let named = values_of(&HOST_VARIABLES);
        Inherited {
            tokens: TOKEN_VARIABLES.into_iter().filter(is_set).collect(),
            hosts: named
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
                .collect(),
        }
    }

    /// What the environment of this process says of the person's screen. Read apart from the rest,
    /// and only where a person is about to be asked.
    pub fn of_the_screen() -> Self {
        Self {
            values: values_of(&desktop::READ),
            folders: AccountFolders::default(),
        }
    }

    /// An environment of these variables alone; `HOME` (on Windows `USERPROFILE`, `APPDATA`,
    /// `LOCALAPPDATA`) says where the account's folders are. Others than ghtok's are ignored.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<OsString>,
    {
        let mut values = Vec::new();
        let mut folders = AccountFolders::default();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            match name {
                "USERPROFILE" if cfg!(windows) => folders.home = Some(value.into()),
                "APPDATA" if cfg!(windows) => folders.roaming = Some(value.into()),
                "LOCALAPPDATA" if cfg!(windows) => folders.local = Some(value.into()),
                "HOME" if cfg!(not(windows)) => folders.home = Some(value.into()),
                name => values.extend(
                    READ.iter()
                        .chain(&desktop::READ)
                        .find(|read| **read == name)
                        .map(|read| (*read, value)),
                ),
            }
        }
        Self { values, folders }
    }

    /// The text of a variable, without blanks and line ends around it (those of a file with Windows'
    /// line ends, for instance); an empty one counts as not set.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok_or_else(|| bad(name, "the value is not UTF-8 text".into()))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    /// How much is to be told.
    pub fn detail(&self) -> Result<Detail> {
        match self.text(LOG)? {
            Some(text) => text
                .parse()
                .map_err(|reason| bad(LOG, format!("{} {reason}", quoted(text)))),
            None => Ok(Detail::Off),
        }
    }

    /// The value of a variable that is not judged yet; an empty one counts as not set.
    pub(super) fn raw(&self, name: &'static str) -> Option<&OsStr> {
        self.value(name)
    }

    /// The text of a variable that only children's tools mean anything by.
    pub(super) fn lossy_text(&self, name: &'static str) -> Option<String> {
        self.value(name)
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// True if one of these is set to something.
    pub(super) fn has_any(&self, names: &[&'static str]) -> bool {
        names.iter().any(|name| self.value(name).is_some())
    }

    /// The folder of `config.toml`.
    pub(super) fn config_dir(&self) -> Result<PathBuf> {
        if let Some(folder) = self.folder(CONFIG_DIR)? {
            return Ok(folder);
        }
        // A relative path there is to be ignored (XDG Base Directory Specification, "Basics").
        if let Some(base) = self
            .value(XDG_CONFIG_HOME)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
        {
            return Ok(base.join("ghtok"));
        }
        if cfg!(windows) {
            return of_account(self.folders.roaming.as_ref(), "APPDATA")
                .map(|base| base.join("ghtok"));
        }
        Ok(self.home()?.join(".config").join("ghtok"))
    }

    /// The folder of `config.toml`, where a process without ghtok's and XDG's variables looks elsewhere.
    ///
    /// # Errors
    /// If the account has no home.
    pub fn unusual_config_dir(&self) -> Result<Option<PathBuf>> {
        let here = self.config_dir()?;
        let usual = if cfg!(windows) {
            of_account(self.folders.roaming.as_ref(), "APPDATA")?
        } else {
            self.home()?.join(".config")
        };
        Ok(Some(here).filter(|here| *here != usual.join("ghtok")))
    }

    /// The folder of locks, outcomes and the file store. No XDG variable moves it: processes with a
    /// stripped environment must find the same lock.
    pub(super) fn state_dir(&self) -> Result<PathBuf> {
        if let Some(folder) = self.folder(STATE_DIR)? {
            return Ok(folder);
        }
        if cfg!(windows) {
            return of_account(self.folders.local.as_ref(), "LOCALAPPDATA")
                .map(|base| base.join("ghtok"));
        }
        Ok(self.home()?.join(".local").join("state").join("ghtok"))
    }

    /// True if `GHTOK_CONFIG_DIR` names the folder of `config.toml`.
    pub(super) fn names_config_dir(&self) -> bool {
        self.value(CONFIG_DIR).is_some()
    }

    /// True if `GHTOK_STATE_DIR` names the state folder.
    pub(super) fn names_state_dir(&self) -> bool {
        self.value(STATE_DIR).is_some()
    }

    /// The folders in which programs are looked for; a relative one would be somebody else's choice.
    pub fn path(&self) -> Vec<PathBuf> {
        let folders = self.value("PATH").map(std::env::split_paths);
        folders
            .into_iter()
            .flatten()
            .filter(|folder| folder.is_absolute())
            .collect()
    }

    /// As [`Self::path`]; without the variable, where the system looks then (execvp(3)).
    pub fn path_or_usual(&self) -> Vec<PathBuf> {
        match self.value("PATH") {
            None if cfg!(unix) => vec!["/usr/bin".into(), "/bin".into()],
            _ => self.path(),
        }
    }

    /// Where other programs keep their files.
    ///
    /// # Errors
    /// If the account has no home.
    pub fn client_folders(&self, project: PathBuf) -> Result<Folders> {
        let home = self.home()?;
        let xdg = self.value(XDG_CONFIG_HOME).map(PathBuf::from);
        let config = match (&self.folders.roaming, xdg) {
            (Some(roaming), _) => roaming.clone(),
            (None, Some(xdg)) if xdg.is_absolute() => xdg,
            (None, _) => home.join(".config"),
        };
        let programs = if cfg!(target_os = "macos") {
            home.join("Library").join("Application Support")
        } else {
            config.clone()
        };
        Ok(Folders {
            home,
            programs,
            config,
            project,
        })
    }

    /// Where schedulers keep a user's timers (systemd.unit(5); launchd.plist(5), "FILES").
    ///
    /// # Errors
    /// If the account has no home.
    pub fn timer_folders(&self) -> Result<TimerFolders> {
        let home = self.home()?;
        let base = |name, below: &str| {
            let named = self.value(name).map(PathBuf::from);
            named
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| home.join(below))
        };
        let systemd = base(XDG_CONFIG_HOME, ".config").join("systemd");
        let data = base(XDG_DATA_HOME, ".local/share").join("systemd");
        Ok(TimerFolders {
            units: systemd.join("user"),
            stamps: data.join("timers"),
            agents: home.join("Library").join("LaunchAgents"),
        })
    }

    /// The variables by which ghtok was told its own folders.
    pub fn moved_by(&self) -> Vec<&'static str> {
        let all = [CONFIG_DIR, STATE_DIR, XDG_CONFIG_HOME];
        all.into_iter()
            .filter(|name| self.value(name).is_some())
            .collect()
    }

    /// Where programs keep their configuration (XDG Base Directory Specification).
    pub(super) fn xdg_config(&self) -> Result<PathBuf> {
        let base = self.value(XDG_CONFIG_HOME).map(PathBuf::from);
        match base.filter(|path| path.is_absolute()) {
            Some(base) => Ok(base),
            None => Ok(self.home()?.join(".config")),
        }
    }

    /// The account's home folder.
    pub(super) fn home(&self) -> Result<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        of_account(self.folders.home.as_ref(), name)
    }

    pub(super) fn folder(&self, name: &'static str) -> Result<Option<PathBuf>> {
        let value = self.value(name).map(|value| match value.to_str() {
            // Of a file with Windows' line ends; no folder is called so.
            Some(text) => PathBuf::from(text.trim_end_matches(['\r', '\n'])),
            None => PathBuf::from(value),
        });
        match value {
            Some(path) if path.is_absolute() => Ok(Some(path)),
            Some(path) => Err(not_absolute(name, &path)),
            None => Ok(None),
        }
    }

    /// True if a variable is set, and to nothing.
    pub(super) fn is_empty(&self, name: &'static str) -> bool {
        let mut values = self.values.iter();
        values.any(|(known, value)| *known == name && value.is_empty())
    }

    fn value(&self, name: &'static str) -> Option<&OsStr> {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value.as_os_str())
            .filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

impl AccountFolders {
    #[cfg(windows)]
    fn of_the_system() -> Self {
        let known = directories::BaseDirs::new();
        Self {
            home: None,
            roaming: known.as_ref().map(|known| known.config_dir().to_owned()),
            local: known
                .as_ref()
                .map(|known| known.data_local_dir().to_owned()),
        }
    }

    #[cfg(not(windows))]
    fn of_the_system() -> Self {
        Self::default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file alone reads the environment"
)]
fn values_of(names: &[&'static str]) -> Vec<(&'static str, OsString)> {
    let set = |name: &&'static str| std::env::var_os(name).map(|value| (*name, value));
    names.iter().filter_map(set).collect()
}

fn of_account(folder: Option<&PathBuf>, name: &'static str) -> Result<PathBuf> {
    match folder.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) if path.is_absolute() => Ok(path.clone()),
        Some(path) => Err(not_absolute(name, path)),
        None => Err(bad(
            name,
            format!(
                "this account has no home folder: set it, or both {CONFIG_DIR} and {STATE_DIR}"
            ),
        )),
    }
}

fn not_absolute(name: &'static str, path: &std::path::Path) -> Error {
    bad(
        name,
        format!(
            "{} is not an absolute path",
            quoted(&path.to_string_lossy())
        ),
    )
}

fn bad(name: &'static str, problem: String) -> Error {
    Error::Config {
        origin: name.into(),
        problem,
    }
}

#[cfg(all(test, unix))]
mod tests;
