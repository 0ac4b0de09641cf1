//! git's usual calls, read without building the parser because git makes them at every fetch.

use std::ffi::OsString;
use std::path::Path;
use std::slice;

use super::GitCredential;
use crate::commands::{Described, ScopeFlags};
use crate::formats::shell::is_flag;

/// git looks for a helper of this name when it is told `helper = ghtok`.
const OWN_NAME: &str = "git-credential-ghtok";

/// A call with no flags but those that `setup git` writes.
pub(crate) fn plain(arguments: &[OsString]) -> Option<GitCredential> {
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
        scope: ScopeFlags::default(),
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
pub(crate) fn under_own_name(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let own = |program: &OsString| Path::new(program).file_stem() == Some(OWN_NAME.as_ref());
    if arguments.first().is_some_and(own) {
        arguments.insert(1, "git-credential".into());
    }
    arguments
}
