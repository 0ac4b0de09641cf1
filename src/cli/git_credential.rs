//! The arguments of git's credential helper.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;

use super::Described;
use super::exec::is_flag;
use crate::commands::git_credential::Operation;
use crate::config::Flags;

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
}

impl GitCredential {
    /// What git asks.
    pub fn operation(&self) -> Operation {
        Operation::of(&self.operation)
    }

    /// True if the flags name or describe one App.
    pub fn names_an_app(&self) -> bool {
        let flags = self.flags();
        flags.app.is_some() || flags.client_id.is_some() || flags.host.is_some()
    }

    pub(super) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            ..self.described.flags()
        }
    }
}

/// git's usual question, read without building the parser: git asks at every fetch.
pub(super) fn plain(arguments: &[OsString]) -> Option<GitCredential> {
    match arguments {
        [_, verb, operation] if verb == "git-credential" && !is_flag(operation) => {
            Some(GitCredential {
                operation: operation.clone(),
                app: None,
                described: Described::default(),
            })
        }
        _ => None,
    }
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
