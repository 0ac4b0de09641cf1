//! The next command to run after an error, or what to do. A command stands alone on its line, behind two
//! blanks.

use std::time::Duration;

use super::{Error, SignInReason, StoredTokens};
use crate::spelling::nearest;

impl Error {
    /// The next command to run, or what to do.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Usage { hint, .. } | Self::Cancelled { next: hint, .. } => hint.clone(),
            Self::Config { .. } => "correct it and run the command again".into(),
            Self::NoApp { .. } | Self::WhichApp { .. } | Self::UnknownApp { .. } => {
                return self.app_hint();
            }
            Self::SignInNeeded { .. }
            | Self::Denied { .. }
            | Self::CodeExpired { .. }
            | Self::OtherAccount { .. }
            | Self::AccountSwitch { .. }
            | Self::AccountUnknown { .. } => return self.sign_in_hint(),
            Self::Temporary {
                retry_after,
                tokens,
                ..
            } => temporary_hint(*retry_after, *tokens),
            Self::ScopedToken(none) => none.hint(),
            Self::Sandbox(problem) => problem.hint(),
            Self::Refused { fix, .. }
            | Self::Timer { fix, .. }
            | Self::ClientFailed { fix, .. } => fix.clone(),
            Self::StoreLocked { .. }
            | Self::StoreStayedLocked { .. }
            | Self::StoreConfirmsAccess { .. }
            | Self::StoreUnreachable { .. }
            | Self::StoreTimedOut { .. }
            | Self::NotListed { .. }
            | Self::StoreFailed { .. }
            | Self::StoreNotAvailable { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. } => return self.store_hint(),
            Self::File { .. } => {
                "correct this and run the command again, or use other folders: GHTOK_STATE_DIR, GHTOK_CONFIG_DIR".into()
            }
            Self::ReadOnly {
                refresh, tokens, ..
            } => read_only_hint(refresh.as_deref(), *tokens),
            Self::Limit {
                refresh, tokens, ..
            } => limit_hint(refresh.as_deref(), *tokens),
            Self::NoCaCertificates => {
                "install the package ca-certificates, with one of:\n  apt-get install ca-certificates\n  apk add ca-certificates\n  dnf install ca-certificates\nor set ca_file in the configuration; if SSL_CERT_FILE or SSL_CERT_DIR is set, check it".into()
            }
            Self::Exposed { fix, .. } => format!("if you trust its content:\n  {fix}"),
            Self::GaveUpWaiting { .. } => {
                "run the command again; it uses the result of a finished refresh".into()
            }
            Self::RefresherDied { .. } => "run the command again to find out its result".into(),
            Self::GitConfig { .. } => {
                "the file is unchanged; correct this and run the command again, or edit it yourself with the lines from:\n  ghtok setup git --print".into()
            }
            Self::CommandNotFound { .. } => "check its name and PATH".into(),
            Self::CommandNotRun { .. } => "check that it is an executable file".into(),
            Self::Output(_) => "nothing was lost; free some space and run the command again".into(),
            Self::Interrupted { .. } | Self::OutputClosed => return None,
        };
        Some(text)
    }

    fn app_hint(&self) -> Option<String> {
        let text = match self {
            Self::NoApp { config_file } => format!(
                "register a GitHub App and sign in with:\n  ghtok app new\nor use an App that you have:\n  ghtok login --client-id Iv23liAbCdEf\nor add it as an [[app]] to {}",
                config_file.display()
            ),
            Self::WhichApp { known } => format!(
                "select one, for example: --app {}, or set default_app in the configuration",
                known.first().map_or("NAME", String::as_str)
            ),
            Self::UnknownApp { known, .. } if known.is_empty() => {
                "register a GitHub App and sign in with:\n  ghtok app new\nor give the client ID of an App that you have with --client-id".into()
            }
            Self::UnknownApp { name, known } => {
                match nearest(name, known.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => "use one of these names, or register another App with:\n  ghtok app new"
                        .into(),
                }
            }
            _ => return None,
        };
        Some(text)
    }

    fn sign_in_hint(&self) -> Option<String> {
        let text = match self {
            Self::SignInNeeded {
                why: SignInReason::OtherAccount { expected, .. },
                login,
                ..
            } => format!("switch to {expected} in the browser, then:\n  {login}"),
            Self::SignInNeeded { login, .. }
            | Self::Denied { login, .. }
            | Self::CodeExpired { login, .. } => format!("sign in with:\n  {login}"),
            Self::OtherAccount {
                expected, login, ..
            } => {
                format!("switch to {expected} in the browser, then:\n  {login}")
            }
            Self::AccountSwitch { stored, login, .. } => format!(
                "switch to {stored} in the browser, then:\n  {login}\nor replace that sign-in:\n  {login} --switch-account"
            ),
            Self::AccountUnknown { login, .. } => {
                format!(
                    "try again later:\n  {login}\nor accept any account:\n  {login} --switch-account"
                )
            }
            _ => return None,
        };
        Some(text)
    }

    fn store_hint(&self) -> Option<String> {
        let text = match self {
            Self::StoreLocked { login, .. } => format!("unlock it with:\n  {login}"),
            Self::StoreStayedLocked { .. } => {
                "unlock it on the desktop, or use another store: --store kernel (until the next reboot) or --store file (plain text)".into()
            }
            Self::StoreConfirmsAccess { login, .. } => format!(
                "turn this off (KeePassXC: Settings > Secret Service Integration > Authorization > Confirm when passwords are retrieved by clients), or sign in with:\n  {login}"
            ),
            Self::StoreUnreachable { login, .. } => format!(
                "start your keychain service and try again, or sign in with:\n  {login}"
            ),
            Self::StoreTimedOut { login, .. } => format!(
                "try again and answer your keychain's dialog if it shows one (KeePassXC asks at each read while \"Confirm when passwords are retrieved by clients\" is on), or restart your keychain service; or sign in with:\n  {login}"
            ),
            Self::NotListed { .. } => {
                "unlock or start it, and run the command again; the other sign-ins were not affected".into()
            }
            Self::StoreFailed { tokens, .. } => {
                format!("free some space or repair the store, then run the command again; {tokens}")
            }
            Self::StoreNotAvailable { .. } => {
                "sign in with --store file (plain text), or set GHTOK_STORE=file".into()
            }
            Self::Damaged { login, .. } | Self::Newer { login, .. } => {
                format!("replace it with a new sign-in:\n  {login} --force")
            }
            _ => return None,
        };
        Some(text)
    }
}

fn temporary_hint(retry_after: Option<Duration>, tokens: StoredTokens) -> String {
    match retry_after {
        Some(wait) => format!("{tokens}; try again in {} s", wait.as_secs().max(1)),
        None => format!("{tokens}; try again (-v shows more)"),
    }
}

fn read_only_hint(refresh: Option<&str>, tokens: StoredTokens) -> String {
    match refresh {
        Some(refresh) => format!("{tokens}; run it outside this sandbox:\n  {refresh}"),
        None => "run the command outside this sandbox, where the folder can be written".into(),
    }
}

fn limit_hint(refresh: Option<&str>, tokens: StoredTokens) -> String {
    match refresh {
        Some(refresh) => format!(
            "{tokens}; raise the limit (ulimit, or the container's), or run outside of it:\n  {refresh}"
        ),
        None => "raise the limit (ulimit, or the container's)".into(),
    }
}
