//! Whose sign-in it is: the one rule for the broker, the refresh and every new sign-in.

use crate::app::AccountName;
use crate::auth::record::Account;

/// What is known of a sign-in's account, held against the configured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountCheck<'a> {
    /// It is the configured one, or none is configured.
    Right,
    /// One is configured, and GitHub has not said yet whose the token is: it may not be served.
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
pub fn check_account<'a>(
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
}
