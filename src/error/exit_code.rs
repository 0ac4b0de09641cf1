//! The stable name and the exit code of each error (docs/exit-codes.md).

use super::{Error, SignInReason};

/// The exit code of `exec` and `mcp` for a failure of ghtok itself: the others are the command's.
pub(crate) const WRAPPER_FAILED: u8 = 125;

impl Error {
    /// A stable name for programs.
    pub fn code(&self) -> &str {
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
                SignInReason::RefreshRejected { .. } => "refresh_refused",
                SignInReason::Lost { .. } => "sign_in_lost",
                SignInReason::AccessRejected => "access_refused",
                SignInReason::OtherAccount { .. } => "other_account",
            },
            Self::Temporary { .. } => "temporary",
            Self::Refused { .. } => "refused",
            Self::ScopedToken(none) => none.code(),
            Self::Sandbox(problem) => problem.code(),
            Self::Denied { .. } => "access_denied",
            Self::CodeExpired { .. } => "expired_token",
            Self::OtherAccount { .. } => "other_account",
            Self::AccountSwitch { .. } => "account_switch",
            Self::AccountUnknown { .. } => "account_unknown",
            Self::Cancelled { .. } => "cancelled",
            Self::Interrupted { .. } => "interrupted",
            Self::NoCaCertificates => "no_ca_certificates",
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

    /// The exit code of `exec` and `mcp`, which end with their command's.
    pub fn wrapper_exit_code(&self) -> u8 {
        match self {
            Self::CommandNotFound { .. } | Self::CommandNotRun { .. } => self.exit_code(),
            _ => WRAPPER_FAILED,
        }
    }

    /// The process's exit code (docs/exit-codes.md).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::ScopedToken(none) => none.exit_code(),
            Self::Sandbox(problem) => problem.exit_code(),
            Self::StoreFailed { .. }
            | Self::StoreNotAvailable { .. }
            | Self::Refused { .. }
            | Self::Denied { .. }
            | Self::NoCaCertificates
            | Self::CodeExpired { .. }
            | Self::OtherAccount { .. }
            | Self::AccountSwitch { .. }
            | Self::Cancelled { .. }
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
}

/// Of the exit codes of several Apps the one that tells most: a missing sign-in before a store that
/// is out of reach, before a failure, before giving up, before a temporary one.
pub(crate) fn most_serious(codes: impl IntoIterator<Item = u8>) -> u8 {
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
