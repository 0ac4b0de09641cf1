//! Compares accounts: one rule for the broker, the refresh and every new sign-in.

use crate::app::AccountName;
use crate::auth::record::Account;

/// A sign-in's account compared with the configured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountCheck<'a> {
    /// It is the configured one, or none is configured.
    Right,
    /// One is configured, but the token's account is not known yet: it must not be served.
    Unknown,
    /// It is another one.
    Other {
        /// The configured login.
        expected: &'a AccountName,
        /// Who signed in.
        actual: &'a Account,
    },
}

/// Compares a sign-in's account with the configured one.
pub(crate) fn check_account<'a>(
    expected: Option<&'a AccountName>,
    actual: Option<&'a Account>,
) -> AccountCheck<'a> {
    match (expected, actual) {
        (None, _) => AccountCheck::Right,
        (Some(_), None) => AccountCheck::Unknown,
        (Some(expected), Some(actual)) if expected.is(&actual.login) => AccountCheck::Right,
        (Some(expected), Some(actual)) => AccountCheck::Other { expected, actual },
    }
}

/// A new sign-in's account compared with the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// The same account's.
    Same,
    /// Another account's.
    Other,
    /// GitHub did not say the account.
    Unknown,
}

/// Compares a new sign-in's account with the stored one, by number because a login may change.
pub(crate) fn check_replacement(stored: &Account, new: Option<&Account>) -> Replacement {
    match new {
        None => Replacement::Unknown,
        Some(new) if new.id == stored.id => Replacement::Same,
        Some(_) => Replacement::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_account_is_right_only_once_github_has_said_so() {
        let expected = AccountName::parse("OctoCat").expect("a login");
        let account = |login: &str| Account {
            login: login.into(),
            id: 1,
        };
        assert_eq!(check_account(None, None), AccountCheck::Right);
        let (octocat, hubot) = (account("octocat"), account("hubot"));
        assert_eq!(check_account(None, Some(&hubot)), AccountCheck::Right);
        let expected = Some(&expected);
        assert_eq!(check_account(expected, None), AccountCheck::Unknown);
        assert_eq!(check_account(expected, Some(&octocat)), AccountCheck::Right);
        assert!(matches!(
            check_account(expected, Some(&hubot)),
            AccountCheck::Other { .. }
        ));
    }

    #[test]
    fn a_new_sign_in_is_compared_by_the_accounts_number() {
        let account = |login: &str, id| Account {
            login: login.into(),
            id,
        };
        let stored = account("octocat", 1);
        let renamed = account("octodog", 1);
        assert_eq!(
            check_replacement(&stored, Some(&renamed)),
            Replacement::Same
        );
        let reborn = account("octocat", 2);
        assert_eq!(
            check_replacement(&stored, Some(&reborn)),
            Replacement::Other
        );
        assert_eq!(check_replacement(&stored, None), Replacement::Unknown);
    }
}
