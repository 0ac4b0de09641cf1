//! Who git asks about the hosts of the Apps now, for `setup status`.

use std::path::PathBuf;

use serde::Serialize;

use super::{GitSetup, apps_of, read};
use crate::error::Result;
use crate::formats::git_config::{self, AskedHelpers, CredentialSetting, is_ghtok, passed_on_to};
use crate::formats::plain_text::one_line;
use crate::session::Session;

/// What git is told.
#[derive(Debug, Serialize)]
pub(in crate::commands::setup) struct GitReport {
    /// The file that includes ghtok's; `None` where `setup git` has not been run.
    pub(in crate::commands::setup) included_by: Option<PathBuf>,
    /// ghtok's file.
    pub(in crate::commands::setup) file: Option<PathBuf>,
    /// Whether https is used in place of SSH.
    pub(in crate::commands::setup) ssh: bool,
    pub(in crate::commands::setup) hosts: Vec<HostReport>,
}

/// Who is asked about one host.
#[derive(Debug, Serialize)]
pub(in crate::commands::setup) struct HostReport {
    pub(in crate::commands::setup) url: String,
    /// Whether ghtok is asked before all others.
    pub(in crate::commands::setup) ghtok_first: bool,
    /// The helpers in the order in which they are asked; those that are asked through ghtok by their own
    /// names.
    pub(in crate::commands::setup) helpers: Vec<String>,
}

/// Looks at git's global configuration; changes nothing.
pub(in crate::commands::setup) fn report(session: &Session<'_>) -> Result<GitReport> {
    let setup = GitSetup::new(apps_of(session), false, session)?;
    let mut including = None;
    let mut file = None;
    for global in &setup.places.all {
        let text = read(global)?.unwrap_or_default();
        let own = setup.own_includes(global, &text)?;
        if let Some(path) = own.first() {
            file = Some(setup.places.expanded(&git_config::path_of(path), global));
            including = Some(global.clone());
            break;
        }
    }
    let own = match &file {
        Some(file) => read(file)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let printed = setup.git.as_ref().and_then(|git| git.of_everything().ok());
    let entries = git_config::listing(&printed.unwrap_or_default());
    let hosts = setup.sections();
    Ok(GitReport {
        included_by: including,
        file,
        ssh: git_config::replaces_ssh(&own),
        hosts: hosts
            .iter()
            .map(|host| host_report(&host.url, &entries))
            .collect(),
    })
}

fn host_report(url: &str, entries: &[CredentialSetting]) -> HostReport {
    let name = |helper: &[u8]| match passed_on_to(helper) {
        Some(other) => one_line(&String::from_utf8_lossy(&other), 80),
        None if is_ghtok(helper) => "ghtok".into(),
        None => one_line(&String::from_utf8_lossy(helper), 80),
    };
    let asked = AskedHelpers::of(url, entries).helpers;
    let helpers: Vec<String> = asked.iter().map(|(_, helper)| name(helper)).collect();
    HostReport {
        url: url.to_owned(),
        ghtok_first: helpers.first().is_some_and(|first| first == "ghtok"),
        helpers,
    }
}
