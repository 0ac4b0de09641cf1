//! How later commands find the App that was signed in to, and what a person is told of that.

use std::path::PathBuf;

use super::SignInRun;
use crate::app::App;
use crate::config::{Config, Environment, Flags, add_app, check_app_name, lines_to_add};
use crate::error::Error;
use crate::formats::shell::word;
use crate::session::store_of;
use crate::store_choice::StoreChoice;

/// The App in the configuration, and on a command line.
pub(super) struct SavedApp {
    /// What became of it in the configuration.
    pub(super) in_config: AppInConfig,
    /// What a command must say so that it means the App and its store: nothing, its name, or flags.
    pub(super) arguments: String,
}

/// What became of the App in the configuration.
pub(super) enum AppInConfig {
    /// It was there.
    Before {
        /// Its name.
        name: String,
    },
    /// It was written.
    Now {
        /// Where.
        file: PathBuf,
        /// Its name.
        name: String,
        /// The App that was made the default, because it was the only one before.
        new_default: Option<String>,
    },
    /// It was not written, as `--no-save` says.
    NotWanted,
    /// It could not be written.
    NotWritten {
        /// Where.
        file: PathBuf,
        /// The lines that a person can add.
        lines: String,
        /// Why not.
        error: Error,
    },
}

impl SignInRun<'_> {
    /// Writes the App into the configuration, if it is not there, and finds out how commands name it.
    /// `slug` is its name at GitHub, for an App that the person gave no name.
    pub(super) fn save_app(&self, slug: Option<&str>) -> SavedApp {
        let (session, app) = (self.session, self.app);
        let slug = slug.filter(|slug| check_app_name(slug).is_ok());
        let name = self.new_name.or(slug);
        let file = &session.config.file;
        let in_config = match &app.name {
            Some(name) => AppInConfig::Before { name: name.clone() },
            None if self.options.no_save => AppInConfig::NotWanted,
            None => {
                let _lock = session.lock_config();
                match add_app(file, app, name) {
                    Ok(entry) => AppInConfig::Now {
                        file: file.clone(),
                        name: entry.name,
                        new_default: entry.new_default,
                    },
                    Err(error) => AppInConfig::NotWritten {
                        file: file.clone(),
                        lines: lines_to_add(&session.config, app, name),
                        error,
                    },
                }
            }
        };
        let store = session.store_of(app).unwrap_or_default();
        SavedApp {
            arguments: arguments_of(app, in_config.name(), store),
            in_config,
        }
    }
}

impl AppInConfig {
    /// The App's name there.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Before { name } | Self::Now { name, .. } => Some(name),
            Self::NotWanted | Self::NotWritten { .. } => None,
        }
    }

    /// What a person is told of it; `None` if there is nothing to say.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Before { .. } | Self::NotWanted => None,
            Self::Now {
                file,
                name,
                new_default,
            } => {
                let default = match new_default {
                    Some(default) => format!("; the default is still \"{default}\""),
                    None => String::new(),
                };
                Some(format!(
                    "The App is now in {} as \"{name}\"{default}.",
                    file.display()
                ))
            }
            Self::NotWritten { file, lines, error } => {
                let lines = lines.trim_end().replace('\n', "\n  ");
                Some(format!(
                    "The App was not added to the configuration: {error}.\n\
                     To use it without flags, add these lines to {}:\n\n  {lines}",
                    file.display()
                ))
            }
        }
    }
}

/// The shortest arguments by which a command finds this App and this store, here and in a shell
/// without the variables of this call; each is tried on the configuration as it is now.
fn arguments_of(app: &App, name: Option<&str>, store: StoreChoice) -> String {
    let environments = [
        Environment::from_process(),
        Environment::from_process().without_choice(),
    ];
    let plain = Flags::default;
    let named = name.map(|name| Flags {
        app: Some(name.to_owned()),
        ..plain()
    });
    let by_id = Flags {
        client_id: Some(app.client_id.to_string()),
        ..plain()
    };
    let whole = Flags {
        host: Some(app.host.spelling()),
        ..by_id.clone()
    };
    let attempts = [Some(plain()), named, Some(by_id), Some(whole.clone())];
    for flags in attempts.into_iter().flatten() {
        let looked_in = |environment| store_found(&flags, environment, app);
        let stores: Option<Vec<_>> = environments.iter().map(looked_in).collect();
        if let Some(stores) = stores {
            let is_there = stores.iter().all(|found| *found == store);
            return typed(&flags, (!is_there).then_some(store));
        }
    }
    typed(&whole, Some(store))
}

/// The store in which a command with these flags looks for this App's sign-in; `None` if it means
/// another App, or none.
fn store_found(flags: &Flags, environment: &Environment, app: &App) -> Option<StoreChoice> {
    let config = Config::load(flags, environment).ok()?;
    let found = config.app(None).ok()?;
    let is_this = found.key() == app.key() && found.host == app.host;
    is_this.then(|| store_of(&config, found).ok()).flatten()
}

/// The flags as a person types them.
fn typed(flags: &Flags, store: Option<StoreChoice>) -> String {
    let mut words = Vec::new();
    words.extend(flags.app.clone());
    for (flag, value) in [
        ("--client-id", flags.client_id.clone()),
        ("--host", flags.host.clone()),
        ("--store", store.map(|store| store.to_string())),
    ] {
        if let Some(value) = value {
            words.extend([flag.to_owned(), word(&value)]);
        }
    }
    words.join(" ")
}
