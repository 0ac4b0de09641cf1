//! The arguments of git's credential helper.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::slice;

use clap::Args;

use super::Described;
use super::exec::is_flag;
use crate::commands::git_credential::{Operation, Via};
use crate::config::Flags;
use crate::formats::git_credential::RepositoryPath;

/// git looks for a helper of this name when it is told `helper = ghtok`.
const OWN_NAME: &str = "git-credential-ghtok";

/// Arguments of `git-credential`.
#[derive(Debug, Args)]
pub struct GitCredential {
    /// What git asks: get, store, erase or capability; anything else is ignored
    #[arg(value_name = "OPERATION")]
    operation: OsString,
    /// Answer for this App alone [default: the App that fits what git asks]
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    /// The folder of config.toml, where git may run without the variables that lead to it
    /// [env: GHTOK_CONFIG_DIR]
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Pass the question on to this helper, written as in credential.helper: without the
    /// repository's path, and never with a token of ghtok's
    #[arg(long, value_name = "HELPER")]
    via: Option<OsString>,
    /// With --via, pass the repository's path on too
    #[arg(long, requires = "via")]
    keep_path: bool,
}

impl GitCredential {
    /// What git asks.
    pub fn operation(&self) -> Operation {
        Operation::of(&self.operation)
    }

    /// git's word for it.
    pub fn word(&self) -> &OsStr {
        &self.operation
    }

    /// The helper that is asked in ghtok's place.
    pub fn via(&self) -> Option<Via<'_>> {
        self.via.as_deref().map(|helper| Via {
            helper,
            path: if self.keep_path {
                RepositoryPath::Kept
            } else {
                RepositoryPath::LeftOut
            },
        })
    }

    /// True if the flags name or describe one App.
    pub fn names_an_app(&self) -> bool {
        let flags = self.flags();
        flags.app.is_some() || flags.client_id.is_some() || flags.host.is_some()
    }

    pub(super) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            config_dir: self.config_dir.clone(),
            ..self.described.flags()
        }
    }
}

/// git's usual question, read without building the parser: git asks at every fetch.
pub(super) fn plain(arguments: &[OsString]) -> Option<GitCredential> {
    let [_, verb, flags @ .., operation] = arguments else {
        return None;
    };
    if verb != "git-credential" || is_flag(operation) {
        return None;
    }
    let mut plain = GitCredential {
        operation: operation.clone(),
        app: None,
        described: Described::default(),
        config_dir: None,
        via: None,
        keep_path: false,
    };
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        match flag.to_str()? {
            "--config-dir" if plain.config_dir.is_none() => {
                plain.config_dir = Some(value(&mut flags)?.into());
            }
            "--via" if plain.via.is_none() => plain.via = Some(value(&mut flags)?.clone()),
            "--keep-path" if !plain.keep_path => plain.keep_path = true,
            _ => return None,
        }
    }
    (plain.via.is_some() || !plain.keep_path).then_some(plain)
}

/// What the parser would not take for a flag either.
fn value<'a>(flags: &mut slice::Iter<'a, OsString>) -> Option<&'a OsString> {
    flags.next().filter(|word| !is_flag(word))
}

/// Under its name as git's helper, ghtok is that helper.
pub(super) fn by_own_name(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let own = |program: &OsString| Path::new(program).file_stem() == Some(OWN_NAME.as_ref());
    if arguments.first().is_some_and(own) {
        arguments.insert(1, "git-credential".into());
    }
    arguments
}
