//! File, environment and flags made into one `Config`. The only reader of the environment; creates
//! nothing and asks nobody, and never reads from the working directory.

mod append;
mod choice;
mod desktop;
mod edit;
mod environment;
mod file;
mod folder_permissions;
mod folders;
mod git_places;
mod network;
mod quote;
mod remove;
mod schedule;
#[cfg(test)]
mod scratch;
mod settings;
mod socket;
mod toml_document;

use std::path::PathBuf;

pub use self::append::add_app;
pub(crate) use self::append::lines_to_add;
use self::choice::AppChoice;
pub use self::desktop::{Browsers, Desktop};
pub use self::environment::Environment;
pub(crate) use self::environment::network_variables;
pub(crate) use self::git_places::GitPlaces;
use self::quote::quoted;
pub(crate) use self::remove::{RemovedApp, remove_app};
pub use self::schedule::ScheduleRules;
use self::settings::FileSettings;
pub(crate) use self::settings::check_app_name;
pub(crate) use self::socket::{SocketVariables, host_named};
use crate::app::App;
use crate::error::{Error, Result};
use crate::github::Network;
use crate::store_choice::StoreChoice;
use crate::token::MinTtl;

const STORE: &str = "GHTOK_STORE";

/// What the command line says about the App and its store, unchecked.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--app`: a configured name.
    pub app: Option<String>,
    /// `--client-id`.
    pub client_id: Option<String>,
    /// `--host`.
    pub host: Option<String>,
    /// `--store`.
    pub store: Option<StoreChoice>,
    /// `--account`: the GitHub login that it must be.
    pub account: Option<String>,
    /// `--config-dir`: the folder of the configuration file.
    pub config_dir: Option<PathBuf>,
}

/// Everything that a call is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where `config.toml` is, or would be.
    pub file: PathBuf,
    /// Whether it is there.
    pub file_state: FileState,
    /// The configured Apps in the file's order: names and record keys are unique.
    pub apps: Vec<App>,
    /// The name of a configured App.
    pub default_app: Option<String>,
    /// Which store to use.
    pub store: StoreChoice,
    /// Whether a flag or a variable names it: then no other one is looked at.
    pub store_is_named: bool,
    /// The store that a flag names: a command that is to find the same sign-in must name it too.
    pub store_flag: Option<StoreChoice>,
    /// The folder of the configuration that a flag names: a process that is to find the same
    /// configuration must be told it too.
    pub config_dir_flag: Option<PathBuf>,
    /// How much life a token must have left where the call does not say.
    pub min_ttl: MinTtl,
    /// How hosts are reached; not judged yet.
    pub network: Network,
    /// `[git]`.
    pub git: Git,
    /// `[schedule]`.
    pub schedule: ScheduleRules,
    /// The folder of locks, outcomes and the file store: an absolute path, perhaps not there yet.
    pub state_dir: PathBuf,
    /// Where the session's D-Bus is, if the environment says it (D-Bus Specification, "Well-known
    /// Message Bus Instances").
    pub session_bus: Option<String>,
    /// The session's folder of sockets (XDG Base Directory Specification).
    pub runtime_dir: Option<PathBuf>,
    choice: AppChoice,
    /// What is wrong with `GHTOK_STORE`.
    store_problem: Option<String>,
}

/// Whether there is a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There is none: only flags and variables count.
    Missing,
    Read,
}

/// `[git]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Git {
    /// Whether git is told to stop, not to ask other helpers or the person, when there is no token.
    pub quit: bool,
}

impl Config {
    /// Puts it all together: a flag before a variable, a variable before the file.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self> {
        let folder = environment.config_dir(flags.config_dir.as_deref())?;
        let state_dir = environment.state_dir()?;
        let file = folder.join("config.toml");
        let (file_state, settings) = match file::read(&file)? {
            Some(text) => (FileState::Read, settings::parse(&file, &text)?),
            None => (FileState::Missing, FileSettings::default()),
        };
        let usual_store = settings.store.unwrap_or_default();
        let named = named_store(flags, environment)?;
        let store_is_named = named.is_some();
        let (store, store_problem) = match named {
            None => (usual_store, None),
            Some(Ok(store)) => (store, None),
            Some(Err(problem)) => (usual_store, Some(problem)),
        };
        Ok(Self {
            file_state,
            choice: AppChoice::new(flags, environment, &settings.apps)?,
            store,
            store_problem,
            store_is_named,
            store_flag: flags.store,
            config_dir_flag: flags.config_dir.clone(),
            min_ttl: settings.min_ttl.map_or(MinTtl::DEFAULT, MinTtl::Usual),
            git: Git {
                quit: settings.git_quit.unwrap_or(false),
            },
            schedule: ScheduleRules {
                warn: settings
                    .schedule_warn
                    .unwrap_or(ScheduleRules::DEFAULT.warn),
                keep_alive: settings
                    .schedule_keep_alive
                    .unwrap_or(ScheduleRules::DEFAULT.keep_alive),
            },
            state_dir,
            session_bus: environment.lossy_text("DBUS_SESSION_BUS_ADDRESS"),
            runtime_dir: environment.lossy_text("XDG_RUNTIME_DIR").map(PathBuf::from),
            network: network::network(&settings, &folder, environment),
            apps: settings.apps,
            default_app: settings.default_app,
            file,
        })
    }
}

impl Config {
    /// Refuses a `GHTOK_STORE` that names no store. Commands that use none need not ask.
    pub fn check_store(&self) -> Result<()> {
        match &self.store_problem {
            None => Ok(()),
            Some(problem) => Err(Error::Config {
                origin: STORE.into(),
                problem: problem.clone(),
            }),
        }
    }
}

/// The Apps of a file with this text, if it is one: what is fuzzed.
///
/// # Errors
/// What is wrong with it.
#[cfg(fuzzing)]
pub fn apps_of(text: &str) -> Result<Vec<App>> {
    settings::parse(std::path::Path::new("config.toml"), text).map(|settings| settings.apps)
}

/// The store that a flag or a variable names, or what is wrong with its name.
fn named_store(
    flags: &Flags,
    environment: &Environment,
) -> Result<Option<Result<StoreChoice, String>>> {
    if flags.store.is_some() {
        return Ok(flags.store.map(Ok));
    }
    let named = environment.text(STORE)?;
    Ok(named.map(|text| {
        text.parse()
            .map_err(|reason| format!("{} {reason}", quoted(&text)))
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::scratch::Scratch;
    use super::*;

    #[test]
    fn nothing_at_all_is_a_configuration() {
        let folder = Scratch::new();
        let config = folder.load(&Flags::default(), &[]).expect("defaults");
        assert_eq!(config.file, folder.file());
        assert_eq!(config.file_state, FileState::Missing);
        assert_eq!(config.store, StoreChoice::Auto);
        assert_eq!(config.min_ttl, MinTtl::DEFAULT);
        assert_eq!(config.git, Git { quit: false });
        assert_eq!(config.schedule, ScheduleRules::DEFAULT);
        assert!(config.apps.is_empty() && config.all_apps().next().is_none());
        assert!(config.network.proxy.is_none() && config.network.no_proxy.is_none());
    }

    #[test]
    #[cfg(unix)]
    fn a_missing_folder_and_a_file_in_its_place_are_no_configuration() {
        let folder = Scratch::new().with("");
        for below in ["missing", "config.toml"] {
            let config_dir = folder.path().join(below);
            let pairs = [
                ("GHTOK_CONFIG_DIR", config_dir.as_os_str()),
                ("HOME", "/home/me".as_ref()),
            ];
            let environment = Environment::from_pairs(pairs);
            let config = Config::load(&Flags::default(), &environment).expect("defaults");
            assert_eq!(config.file_state, FileState::Missing, "{below}");
        }
    }

    #[test]
    fn the_whole_file_is_understood() {
        let folder = Scratch::new().with(
            "store = 'file'\nmin_ttl = \"1h30m\"\nproxy = \"http://u:hunter2@proxy:3128\"\nno_proxy = \"a,b\"\n\
             ca_file = \"ca.pem\"\n[git]\nquit = true\n[schedule]\nwarn = false\nkeep_alive = false\n",
        );
        let config = folder.load(&Flags::default(), &[]).expect("it");
        assert_eq!(config.file_state, FileState::Read);
        assert_eq!(config.store, StoreChoice::File);
        assert_eq!(config.min_ttl, MinTtl::Usual(Duration::from_secs(5400)));
        assert_eq!(config.network.no_proxy.as_deref(), Some("a,b"));
        assert_eq!(config.network.ca_file, Some(folder.path().join("ca.pem")));
        assert_eq!(config.git, Git { quit: true });
        assert_eq!(
            config.schedule,
            ScheduleRules {
                warn: false,
                keep_alive: false
            }
        );
        let proxy = config.network.proxy.as_ref().expect("a setting").judge();
        let proxy = proxy.expect("an address").expect("a proxy");
        assert_eq!(proxy.to_string(), "http://proxy:3128");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_store_is_chosen_by_the_flag_then_the_variable_then_the_file() {
        let (written, silent) = (Scratch::new().with("store = \"kernel\""), Scratch::new());
        let flag = Flags {
            store: Some(StoreChoice::File),
            ..Flags::default()
        };
        let variable = [("GHTOK_STORE", "keychain")];
        let store = |folder: &Scratch, flags: &Flags, pairs: &[_]| {
            folder.load(flags, pairs).expect("it").store
        };
        assert_eq!(store(&written, &flag, &variable), StoreChoice::File);
        assert_eq!(
            store(&written, &Flags::default(), &variable),
            StoreChoice::Keychain
        );
        assert_eq!(
            store(&written, &Flags::default(), &[("GHTOK_STORE", "")]),
            StoreChoice::Kernel
        );
        assert_eq!(store(&silent, &Flags::default(), &[]), StoreChoice::Auto);
        let error = silent
            .load(&Flags::default(), &[("GHTOK_STORE", "File")])
            .expect("a command may need none")
            .check_store()
            .expect_err("no store");
        assert_eq!(
            error.to_string(),
            "GHTOK_STORE: \"File\" is not one of auto, keychain, kernel, file; did you mean \"file\"?"
        );
    }
}
