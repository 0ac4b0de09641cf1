//! What follows from an error: its stable name, the exit code, the next command to run.

use std::time::Duration;

use serde::Serialize;

use super::{Error, SignInReason, StoredTokens};

impl Error {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Config { .. } => "config_invalid",
            Self::NoApp { .. } => "no_app",
            Self::WhichApp { .. } => "app_ambiguous",
            Self::UnknownApp { .. } => "app_unknown",
            Self::SignInNeeded { why, .. } => match why {
                SignInReason::SignedOut => "signed_out",
                SignInReason::Expired => "expired",
                SignInReason::NoRefreshToken => "no_refresh_token",
                SignInReason::Vanished { .. } => "sign_in_vanished",
                SignInReason::RefreshRefused { .. } => "refresh_refused",
                SignInReason::Lost { .. } => "sign_in_lost",
                SignInReason::AccessRefused => "access_refused",
                SignInReason::OtherAccount { .. } => "other_account",
            },
            Self::Temporary { .. } => "temporary",
            Self::Refused { .. } => "refused",
            Self::Denied { .. } => "access_denied",
            Self::CodeExpired { .. } => "expired_token",
            Self::OtherAccount { .. } => "other_account",
            Self::AccountSwitch { .. } => "account_switch",
            Self::AccountUnknown { .. } => "account_unknown",
            Self::Interrupted { .. } => "interrupted",
            Self::StoreLocked { .. } | Self::StoreStayedLocked { .. } => "store_locked",
            Self::StoreConfirmsAccess { .. } => "store_confirms_access",
            Self::StoreUnreachable { .. } => "store_unreachable",
            Self::StoreTimedOut { .. } => "store_timed_out",
            Self::NotListed { .. } => "store_not_listed",
            Self::StoreFailed { .. } => "store_failed",
            Self::StoreNotAvailable { .. } => "store_not_available",
            Self::File { .. } | Self::Exposed { .. } => "file",
            Self::ReadOnly { .. } => "state_read_only",
            Self::Limit { .. } => "process_limit",
            Self::Damaged { .. } => "record_damaged",
            Self::Newer { .. } => "record_newer",
            Self::GaveUpWaiting { .. } => "gave_up_waiting",
            Self::RefresherDied { .. } => "refresher_died",
            Self::GitConfig { .. } => "git_config",
            Self::ClientFailed { .. } => "client_failed",
            Self::Timer { .. } => "timer",
            Self::CommandNotFound { .. } => "command_not_found",
            Self::CommandNotRun { .. } => "command_not_run",
            Self::Output(_) => "output",
            Self::OutputClosed => "output_closed",
        }
    }

    /// The process's exit code (docs/exit-codes.md).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::StoreFailed { .. }
            | Self::StoreNotAvailable { .. }
            | Self::Refused { .. }
            | Self::Denied { .. }
            | Self::CodeExpired { .. }
            | Self::OtherAccount { .. }
            | Self::AccountSwitch { .. }
            | Self::File { .. }
            | Self::Exposed { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::RefresherDied { .. }
            | Self::GitConfig { .. }
            | Self::ClientFailed { .. }
            | Self::Timer { .. }
            | Self::Output(_) => 1,
            Self::Usage { .. }
            | Self::Config { .. }
            | Self::NoApp { .. }
            | Self::WhichApp { .. }
            | Self::UnknownApp { .. } => 2,
            Self::SignInNeeded { .. } => 4,
            Self::Temporary { .. } | Self::AccountUnknown { .. } | Self::Limit { .. } => 5,
            Self::NotListed { .. }
            | Self::ReadOnly { .. }
            | Self::StoreLocked { .. }
            | Self::StoreStayedLocked { .. }
            | Self::StoreConfirmsAccess { .. }
            | Self::StoreUnreachable { .. }
            | Self::StoreTimedOut { .. } => 6,
            Self::GaveUpWaiting { .. } => 7,
            Self::CommandNotRun { .. } => 126,
            Self::CommandNotFound { .. } => 127,
            Self::Interrupted { signal, .. } => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    /// The next command to run, or what to do.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Config { .. } => "correct it and run the command again".into(),
            Self::NoApp { config_file } => format!(
                "sign in with your GitHub App's client ID: ghtok login --client-id Iv23li…, or describe the App as an [[app]] in {} (none yet? https://github.com/settings/apps/new)",
                config_file.display()
            ),
            Self::WhichApp { known } => format!(
                "name one, as in: --app {}, or set default_app in the configuration",
                known.first().map_or("NAME", String::as_str)
            ),
            Self::UnknownApp { name, known } if known.is_empty() => format!(
                "add an [[app]] with the name \"{name}\" to the configuration, or describe it by --client-id"
            ),
            Self::UnknownApp { .. } => {
                "use one of these names, or add an [[app]] to the configuration".into()
            }
            Self::SignInNeeded {
                why: SignInReason::OtherAccount { expected, .. },
                login,
                ..
            } => format!("switch to {expected} in the browser, then: {login}"),
            Self::SignInNeeded { login, .. }
            | Self::Denied { login, .. }
            | Self::CodeExpired { login, .. } => format!("sign in with: {login}"),
            Self::Temporary {
                retry_after,
                tokens,
                ..
            } => temporary_hint(*retry_after, *tokens),
            Self::Refused { cure, .. } | Self::Timer { cure, .. } => cure.clone(),
            Self::OtherAccount { expected, login, .. } => {
                format!("switch to {expected} in the browser, then: {login}")
            }
            Self::AccountSwitch { stored, login, .. } => format!(
                "switch to {stored} in the browser, then: {login}; or replace that sign-in: {login} --switch-account"
            ),
            Self::AccountUnknown { login, .. } => format!(
                "try again later: {login}; or accept any account: {login} --switch-account"
            ),
            Self::StoreLocked { login, .. } => format!("unlock it with: {login}"),
            Self::StoreStayedLocked { .. } => {
                "unlock it on its desktop, or keep the tokens elsewhere: add --store kernel (until the next reboot) or --store file (plain text)".into()
            }
            Self::StoreConfirmsAccess { login, .. } => format!(
                "switch that off (KeePassXC: Settings > Secret Service Integration > Authorization > Confirm when passwords are retrieved by clients), or sign in with: {login}"
            ),
            Self::StoreUnreachable { login, .. } => format!(
                "start your keychain service and try again, or sign in with: {login}"
            ),
            Self::StoreTimedOut { login, .. } => format!(
                "try again, or restart your keychain service; or sign in with: {login}"
            ),
            Self::NotListed { .. } => {
                "unlock or start it, and run the command again; the other sign-ins were not affected".into()
            }
            Self::StoreFailed { tokens, .. } => {
                format!("make room or repair the store, then run the command again; {tokens}")
            }
            Self::StoreNotAvailable { .. } => {
                "sign in with --store file added (plain text), or set GHTOK_STORE=file".into()
            }
            Self::File { .. } => {
                "correct that and run the command again, or have ghtok use other folders: GHTOK_STATE_DIR, GHTOK_CONFIG_DIR".into()
            }
            Self::ReadOnly {
                refresh, tokens, ..
            } => read_only_hint(refresh.as_deref(), *tokens),
            Self::Limit {
                refresh, tokens, ..
            } => limit_hint(refresh.as_deref(), *tokens),
            Self::Exposed { cure, .. } => format!("if you trust its content: {cure}"),
            Self::Damaged { login, .. } | Self::Newer { login, .. } => {
                format!("replace it with a new sign-in: {login} --force")
            }
            Self::GaveUpWaiting { .. } => {
                "run the command again; a finished refresh is picked up at once".into()
            }
            Self::RefresherDied { .. } => {
                "run the command again: it finds out what became of the refresh".into()
            }
            Self::GitConfig { .. } => {
                "the file is unchanged; correct that and run the command again, or edit it by hand with the lines that this prints: ghtok setup git --print".into()
            }
            Self::ClientFailed { client, .. } => {
                format!("add it by hand, with the lines that this prints: ghtok setup mcp {client}")
            }
            Self::CommandNotFound { .. } => "check its name and PATH".into(),
            Self::CommandNotRun { .. } => "check that it is a program, and that you may run it".into(),
            Self::Output(_) => "nothing was lost; make room there, and run the command again".into(),
            Self::Interrupted { .. } | Self::OutputClosed => return None,
        };
        Some(text)
    }
}

impl Error {
    /// The error and its hint, a line each, as a person reads them.
    pub fn to_text(&self) -> String {
        match self.hint() {
            Some(hint) => format!("error: {self}\nhint: {hint}"),
            None => format!("error: {self}"),
        }
    }

    /// The error as one line of JSON (docs/exit-codes.md).
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema_version: u32,
            error: Described<'a>,
        }
        #[derive(Serialize)]
        struct Described<'a> {
            code: &'a str,
            message: String,
            hint: Option<String>,
            exit_code: u8,
        }
        let error = Described {
            code: self.code(),
            message: self.to_string(),
            hint: self.hint(),
            exit_code: self.exit_code(),
        };
        serde_json::to_string(&Document {
            schema_version: 1,
            error,
        })
        .unwrap_or_default()
    }
}

fn temporary_hint(retry_after: Option<Duration>, tokens: StoredTokens) -> String {
    match retry_after {
        Some(wait) => format!("{tokens}; try again in {} s", wait.as_secs().max(1)),
        None => format!("{tokens}; try again (-v tells more)"),
    }
}

fn read_only_hint(refresh: Option<&str>, tokens: StoredTokens) -> String {
    match refresh {
        Some(refresh) => format!("{tokens}; run it outside this sandbox: {refresh}"),
        None => "run the command outside this sandbox, where the folder can be written".into(),
    }
}

fn limit_hint(refresh: Option<&str>, tokens: StoredTokens) -> String {
    match refresh {
        Some(refresh) => format!(
            "{tokens}; raise the limit (ulimit, or the container's), or run outside of it: {refresh}"
        ),
        None => "raise the limit (ulimit, or the container's)".into(),
    }
}

/// Of the exit codes of several Apps the one that tells most: a missing sign-in before a store that
/// is out of reach, before a failure, before giving up, before a temporary one.
pub fn most_serious(codes: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 5] = [4, 6, 1, 7, 5];
    let rank = |code: &u8| {
        ORDER
            .iter()
            .position(|known| known == code)
            .unwrap_or(ORDER.len())
    };
    codes
        .into_iter()
        .filter(|code| *code != 0)
        .min_by_key(rank)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::most_serious;

    #[test]
    fn the_most_serious_code_is_a_missing_sign_in_then_the_store_then_a_failure() {
        const ORDER: [u8; 5] = [4, 6, 1, 7, 5];
        for (rank, code) in ORDER.iter().enumerate() {
            let mut rest = ORDER[rank..].to_vec();
            rest.push(0);
            assert_eq!(most_serious(rest.iter().copied()), *code, "{rest:?}");
            rest.reverse();
            assert_eq!(most_serious(rest), *code, "in any order");
        }
        assert_eq!(most_serious([0, 0]), 0);
        assert_eq!(most_serious([]), 0);
    }
}
