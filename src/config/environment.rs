//! The environment of this process, the one place that reads it. A variable is read where it is needed,
//! so that a call pays for no other.

#![expect(
    clippy::disallowed_methods,
    reason = "this file alone reads the environment"
)]

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use log::LevelFilter;

use super::quote::quoted;
use crate::error::{Error, Result};
use crate::host::{HOST_VARIABLES, Inherited, TOKEN_VARIABLES};

pub(super) const CONFIG_DIR: &str = "GHTOK_CONFIG_DIR";
pub(super) const STATE_DIR: &str = "GHTOK_STATE_DIR";
pub(super) const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
const LOG: &str = "GHTOK_LOG";
const PLAIN: &str = "GHTOK_PLAIN";
const COMPLETE: &str = "GHTOK_COMPLETE";

/// What a call means, where no flag says so.
const CHOICE: [&str; 4] = ["GHTOK_APP", "GHTOK_CLIENT_ID", "GHTOK_HOST", "GHTOK_STORE"];

/// The variables of this process, or those of a test.
#[derive(Clone)]
pub struct Environment {
    source: ValueSource,
    ignores_choice: bool,
}

#[derive(Clone)]
enum ValueSource {
    Process,
    Pairs(Vec<(String, OsString)>),
}

/// What the system's name service and certificates are told by the environment, for comparison only. Read
/// where a connection failed, not in every call.
pub(crate) fn network_variables() -> [Option<OsString>; 5] {
    [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "RES_OPTIONS",
        "LOCALDOMAIN",
        "HOSTALIASES",
    ]
    .map(std::env::var_os)
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn from_process() -> Self {
        Self {
            source: ValueSource::Process,
            ignores_choice: false,
        }
    }

    /// An environment of these variables alone; `HOME` (on Windows `USERPROFILE`, `APPDATA`,
    /// `LOCALAPPDATA`) says where the account's folders are.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<OsString>,
    {
        let owned = |(name, value): (N, V)| (name.as_ref().to_owned(), value.into());
        Self {
            source: ValueSource::Pairs(pairs.into_iter().map(owned).collect()),
            ignores_choice: false,
        }
    }

    /// Without what says which App and which store a call means.
    #[must_use]
    pub(crate) fn without_choice(self) -> Self {
        Self {
            ignores_choice: true,
            ..self
        }
    }

    /// What the environment of this process tells the tools that get a token. The values of variables
    /// for tokens are somebody's secrets, and not kept.
    pub(crate) fn inherited_by_tools() -> Inherited {
        let is_set = |name: &&'static str| std::env::var_os(name).is_some();
        let host = |name| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            Some((name, value.to_string_lossy().into_owned()))
        };
        Inherited {
            tokens: TOKEN_VARIABLES.into_iter().filter(is_set).collect(),
            hosts: HOST_VARIABLES.into_iter().filter_map(host).collect(),
        }
    }

    /// The text of a variable, without blanks and line ends around it (those of a file with Windows'
    /// line ends, for instance); an empty one counts as not set.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok_or_else(|| invalid(name, "the value is not UTF-8 text".into()))?;
        Ok(Some(text.trim())
            .filter(|text| !text.is_empty())
            .map(str::to_owned))
    }

    /// What `GHTOK_LOG` asks for.
    pub fn log_level(&self) -> Result<LevelFilter> {
        match self.text(LOG)?.as_deref() {
            None | Some("off") => Ok(LevelFilter::Off),
            Some("info") => Ok(LevelFilter::Info),
            Some("debug") => Ok(LevelFilter::Debug),
            Some(text) => {
                let reason = "is not one of off, info, debug";
                Err(invalid(LOG, format!("{} {reason}", quoted(text))))
            }
        }
    }

    /// The shell that asks for completions.
    pub(crate) fn completing_shell(&self) -> Option<String> {
        self.lossy_text(COMPLETE)
    }

    /// True if `GHTOK_PLAIN` asks for output that a screen reader can follow.
    pub(crate) fn is_plain(&self) -> bool {
        self.value(PLAIN).is_some_and(|value| value != "0")
    }

    /// The person's name on this machine, where it can be a part of an App's name.
    pub(crate) fn user_name(&self) -> Option<String> {
        let mut names = ["USER", "LOGNAME", "USERNAME"].into_iter();
        let name = names.find_map(|name| self.lossy_text(name))?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (name != "root" && name.bytes().all(fits)).then_some(name)
    }

    /// The value of a variable; an empty one counts as not set.
    pub(super) fn value(&self, name: &str) -> Option<OsString> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable that a person names in a header.
    pub(crate) fn for_header(&self, name: &str) -> Option<String> {
        self.value(name)?.into_string().ok()
    }

    /// As [`Self::value`], with what is not Unicode replaced.
    pub(super) fn lossy_text(&self, name: &str) -> Option<String> {
        self.value(name)
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// True if one of these is set to something.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.value(name).is_some())
    }

    /// True if a variable is set, and to nothing.
    pub(super) fn is_empty(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| value.is_empty())
    }

    /// The absolute path in a variable.
    pub(super) fn absolute_path(&self, name: &'static str) -> Result<Option<PathBuf>> {
        let path = self.value(name).map(|value| match value.to_str() {
            // Of a file with Windows' line ends; no folder is called so.
            Some(text) => PathBuf::from(text.trim_end_matches(['\r', '\n'])),
            None => PathBuf::from(value),
        });
        match path {
            Some(path) if path.is_absolute() => Ok(Some(path)),
            Some(path) => Err(not_absolute(name, &path)),
            None => Ok(None),
        }
    }

    /// The folders in which programs are looked for; a relative one would be somebody else's choice.
    pub(crate) fn path(&self) -> Vec<PathBuf> {
        let path = self.value("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .collect()
    }

    /// As [`Self::path`]; without the variable, where the system looks then (execvp(3)).
    pub(crate) fn path_or_usual(&self) -> Vec<PathBuf> {
        match self.value("PATH") {
            None if cfg!(unix) => vec!["/usr/bin".into(), "/bin".into()],
            _ => self.path(),
        }
    }

    /// The variables by which ghtok was told its own folders.
    pub(crate) fn folder_variables(&self) -> Vec<&'static str> {
        let all = [CONFIG_DIR, STATE_DIR, XDG_CONFIG_HOME];
        all.into_iter()
            .filter(|name| self.has_any(&[name]))
            .collect()
    }

    /// The variables that decide where ghtok looks, and for which App and store.
    pub(crate) fn own_variables(&self) -> Vec<&'static str> {
        let choice = CHOICE.into_iter().filter(|name| self.has_any(&[name]));
        self.folder_variables().into_iter().chain(choice).collect()
    }

    fn raw(&self, name: &str) -> Option<OsString> {
        if self.ignores_choice && CHOICE.contains(&name) {
            return None;
        }
        match &self.source {
            ValueSource::Process => std::env::var_os(name),
            ValueSource::Pairs(pairs) => {
                let found = pairs.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            }
        }
    }

    /// The account's home folder; without `HOME` the one in the password database.
    pub(super) fn home(&self) -> Result<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.account_folder(name, std::env::home_dir)
    }

    /// A folder of the account, which the system knows of this process; a test names it by a variable.
    pub(super) fn account_folder(
        &self,
        name: &'static str,
        of_process: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<PathBuf> {
        let folder = match &self.source {
            ValueSource::Process => of_process(),
            ValueSource::Pairs(_) => self.raw(name).map(PathBuf::from),
        };
        match folder.filter(|path| !path.as_os_str().is_empty()) {
            Some(path) if path.is_absolute() => Ok(path),
            Some(path) => Err(not_absolute(name, &path)),
            None => Err(invalid(
                name,
                format!(
                    "this account has no home folder: set HOME, or both {CONFIG_DIR} and {STATE_DIR}"
                ),
            )),
        }
    }
}

/// Shows no value: a proxy may hold a password.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            ValueSource::Process => f.write_str("Environment"),
            ValueSource::Pairs(pairs) => {
                let names = pairs.iter().map(|(name, _)| name);
                f.debug_set().entries(names).finish()
            }
        }
    }
}

pub(super) fn not_absolute(name: &'static str, path: &Path) -> Error {
    let path = quoted(&path.to_string_lossy());
    invalid(name, format!("{path} is not an absolute path"))
}

fn invalid(name: &'static str, problem: String) -> Error {
    Error::Config {
        origin: name.into(),
        problem,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_is_not_utf8_is_refused_by_name_but_for_folders() {
        let bytes = || OsString::from_vec(b"/\xffx".to_vec());
        let names = ["GHTOK_APP", "GHTOK_STORE", "HTTPS_PROXY", "no_proxy"];
        let environment = Environment::from_pairs(
            names
                .iter()
                .chain(&[STATE_DIR])
                .map(|name| (*name, bytes())),
        );
        for name in names {
            let error = environment.text(name).expect_err("refused");
            assert_eq!(
                error.to_string(),
                format!("{name}: the value is not UTF-8 text")
            );
        }
        assert_eq!(
            environment.state_dir().expect("a folder").into_os_string(),
            bytes()
        );
        assert_eq!(
            environment.lossy_text("no_proxy").as_deref(),
            Some("/\u{fffd}x")
        );
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", Environment::from_process()), "Environment");
        let environment = Environment::from_pairs([("HTTPS_PROXY", "http://u:hunter2@proxy")]);
        assert_eq!(format!("{environment:?}"), "{\"HTTPS_PROXY\"}");
    }
}
