//! git in the command asks ghtok about the hosts of the command's Apps, and gets a valid token after the
//! one in the environment has expired.

use std::ffi::OsString;

use super::Assignment;
use crate::auth::scope::{Permissions, TokenScope};
use crate::config::Environment;
use crate::formats::git_config::{self, GhtokCommand, HostHelpers, bytes_of, path_of};
use crate::formats::git_credential::credential_urls;
use crate::host::Host;
use crate::session::{Session, stable_program};
use crate::store_choice::StoreChoice;

/// The variables that say so.
pub(super) fn variables(
    assignments: &[Assignment<'_>],
    scopes: &[Option<TokenScope>],
    store: Option<StoreChoice>,
    session: &Session<'_>,
) -> Vec<(String, OsString)> {
    let ghtok = ghtok();
    let mut hosts: Vec<HostHelpers> = Vec::new();
    for (assignment, scope) in assignments.iter().zip(scopes) {
        let mut arguments = assignment.arguments(scope.is_some(), store, session);
        arguments.extend(scope.iter().flat_map(scope_arguments));
        let helper = ghtok.helper(&arguments);
        for url in credential_urls(&assignment.app.host) {
            match hosts.iter_mut().find(|host| host.url == url) {
                Some(host) if host.helpers.contains(&helper) => {}
                Some(host) => host.helpers.push(helper.clone()),
                None => hosts.push(HostHelpers {
                    url,
                    helpers: vec![helper.clone()],
                }),
            }
        }
    }
    set(&hosts, &ghtok)
}

/// The same in a sandbox, where the host decides what git is answered.
pub(super) fn variables_in_sandbox(host: &Host) -> Vec<(String, OsString)> {
    let ghtok = ghtok();
    let helpers = || vec![ghtok.helper(&[])];
    let urls = credential_urls(host).into_iter();
    let hosts: Vec<HostHelpers> = urls
        .map(|url| HostHelpers {
            url,
            helpers: helpers(),
        })
        .collect();
    set(&hosts, &ghtok)
}

fn ghtok() -> GhtokCommand {
    GhtokCommand {
        program: bytes_of(&stable_program(&Environment::from_process())),
        // The command inherits the variable by which this process found it.
        config_dir: None,
    }
}

/// None where git could not read the variables of the caller: it would fail already.
fn set(hosts: &[HostHelpers], ghtok: &GhtokCommand) -> Vec<(String, OsString)> {
    let Some(count) = Environment::from_process().git_config_count() else {
        return Vec::new();
    };
    git_config::variables(count, hosts, ghtok)
        .into_iter()
        .map(|(name, value)| (name, path_of(&value).into_os_string()))
        .collect()
}

/// The flags of a scope, of which git gets a token too.
fn scope_arguments(scope: &TokenScope) -> Vec<String> {
    let names = scope.repositories.iter();
    let names = names.map(|name| format!("--repo={}/{name}", scope.owner));
    let permissions = match &scope.permissions {
        Permissions::All => Vec::new(),
        Permissions::AllReadOnly => vec!["--read-only".to_owned()],
        Permissions::These(permissions) => permissions
            .iter()
            .map(|(name, level)| format!("--permission={name}={level}"))
            .collect(),
    };
    names.chain(permissions).collect()
}

impl Assignment<'_> {
    /// The arguments of the helper. An App that nothing names is chosen for each repository, as by
    /// `setup git`.
    fn arguments(
        &self,
        is_scoped: bool,
        store: Option<StoreChoice>,
        session: &Session<'_>,
    ) -> Vec<String> {
        let Some(name) = &self.app.name else {
            return session.flags_of(self.app);
        };
        let app = (self.is_named || is_scoped).then(|| format!("--app={name}"));
        let store = store.map(|store| format!("--store={store}"));
        app.into_iter().chain(store).collect()
    }
}
