//! The environment of a command in a sandbox.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Environment;
use crate::error::{Error, Result, system_reason};
use crate::formats::git_config::{self, GhtokCommand, bytes_of, path_of};
use crate::formats::git_credential::credential_urls;
use crate::formats::shell::word;
use crate::host::Host;
use crate::host::token_env::{
    self, EnvChange, EnvPlan, OtherTokens, Reason, Recipient, TokenVariable,
};
use crate::session::stable_program;
use crate::system::process::Change;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// Ways to other credentials: removed for hygiene, since a program that looks for them finds them anyway.
const OTHER_WAYS: [&str; 4] = [
    "SSH_AUTH_SOCK",
    "DBUS_SESSION_BUS_ADDRESS",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
];

/// What ghtok in the sandbox must not be told: the sandbox has one App.
const CHOICES: [&str; 5] = [
    "GHTOK_APP",
    "GHTOK_CLIENT_ID",
    "GHTOK_HOST",
    "GHTOK_STORE",
    "GHTOK_SOCKET_OWNER",
];

/// What changes in the environment, apart from the token and the socket.
pub(super) struct CommandEnv {
    plan: EnvPlan,
    keeps_others: bool,
}

/// The variables of one command.
pub(super) struct CommandVariables {
    removed: Vec<&'static str>,
    set: Vec<(String, OsString)>,
    tokens: Vec<String>,
    token: AccessToken,
}

/// A folder that is first in the command's PATH, with a `gh` that asks ghtok for its token.
pub(super) struct GhFolder(PathBuf);

impl CommandEnv {
    /// Says what is removed.
    ///
    /// # Errors
    /// If a token would be where tools of other hosts look for theirs.
    pub(super) fn plan(host: &Host, keeps_others: bool) -> Result<Self> {
        let grants: Vec<TokenVariable<'_>> = host
            .variables()
            .token_names
            .iter()
            .map(|variable| TokenVariable { variable, host })
            .collect();
        let others = if keeps_others {
            OtherTokens::Keep
        } else {
            OtherTokens::Remove
        };
        let inherited = Environment::inherited_by_tools();
        let plan = token_env::plan(Recipient::Sandbox, &grants, others, &inherited)?;
        let reasons: &[Reason] = if Terminal.shows_notes() {
            &[Reason::Token, Reason::OtherHost]
        } else {
            &[Reason::OtherHost]
        };
        if let Some(note) = plan.note(Recipient::Sandbox, reasons) {
            Terminal.note(&note);
        }
        Ok(Self { plan, keeps_others })
    }

    /// The variables with this token.
    pub(super) fn variables(
        &self,
        host: &Host,
        socket: &Path,
        folder: &GhFolder,
        token: &AccessToken,
    ) -> CommandVariables {
        let environment = Environment::from_process();
        let mut removed = CHOICES.to_vec();
        if !self.keeps_others {
            removed.extend(OTHER_WAYS);
        }
        let mut set: Vec<(String, OsString)> = Vec::new();
        let mut tokens = Vec::new();
        for change in &self.plan.changes {
            match change {
                EnvChange::Remove(name) => removed.push(name),
                EnvChange::Text(name, text) => set.push(((*name).to_owned(), text.into())),
                EnvChange::Token { variable, .. } => tokens.push(variable.clone()),
            }
        }
        set.push(("GHTOK_SOCKET".into(), socket.into()));
        let folders = [folder.0.clone()].into_iter();
        let folders = folders.chain(environment.path_or_usual());
        if let Ok(path) = std::env::join_paths(folders) {
            set.push(("PATH".into(), path));
        }
        set.extend(git_variables(host, &environment));
        CommandVariables {
            removed,
            set,
            tokens,
            token: token.clone(),
        }
    }
}

/// git asks ghtok about the host and nobody else, also where a remote is an ssh address. None where git could not read
/// the variables of the caller: it would fail already.
fn git_variables(host: &Host, environment: &Environment) -> Vec<(String, OsString)> {
    let Some(count) = environment.git_config_count() else {
        return Vec::new();
    };
    let ghtok = GhtokCommand {
        program: bytes_of(&stable_program(environment)),
        config_dir: None,
    };
    let helper = ghtok.helper(&[]);
    let variables = git_config::only_helper(count, &credential_urls(host), host, &helper);
    variables
        .into_iter()
        .map(|(name, value)| (name, path_of(&value).into_os_string()))
        .collect()
}

impl CommandVariables {
    pub(super) fn changes(&self) -> Vec<Change<'_>> {
        let removed = self.removed.iter().map(|name| Change::Remove(name));
        let set = self.set.iter();
        let set = set.map(|(name, value)| Change::Set(name, value));
        let token: &OsStr = self.token.expose().as_ref();
        let tokens = self.tokens.iter().map(move |name| Change::Set(name, token));
        removed.chain(set).chain(tokens).collect()
    }
}

impl GhFolder {
    /// That of the sandbox with this socket.
    pub(super) fn beside(socket: &Path) -> Self {
        Self(socket.with_extension("bin"))
    }

    /// Creates it in place of what a killed process left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn create(&self) -> Result<()> {
        self.remove();
        self.write().map_err(|error| Error::File {
            doing: "create",
            path: self.0.clone(),
            cause: system_reason(&error),
        })
    }

    fn write(&self) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&self.0)?;
        let program = stable_program(&Environment::from_process());
        let (program, folder) = (program.to_string_lossy(), self.0.to_string_lossy());
        let script = format!(
            "#!/bin/sh\n# Of `ghtok sandbox run`: answers what gh is asked for credentials, and runs the real gh with a fresh token.\nexec {} sandbox-gh --folder {} -- \"$@\"\n",
            word(&program),
            word(&folder)
        );
        let file = self.0.join("gh");
        fs::write(&file, script)?;
        fs::set_permissions(&file, Permissions::from_mode(0o700))
    }

    /// Removes it, if it is there.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(self.0.join("gh"));
        let _ = fs::remove_dir(&self.0);
    }
}
