//! Stores the tokens of a new sign-in, or revokes them if they belong to the wrong account. A sign-in is
//! never replaced by another account's without consent.

use super::{Present, Terms};
use crate::auth::account::{AccountCheck, Replacement, check_account, check_replacement};
use crate::auth::device_flow::DeviceFlow;
use crate::auth::ports::{LockedStore, Prompt, StoreError};
use crate::auth::record::{Account, Record};
use crate::auth::sign_in_record::save_sign_in;
use crate::error::{Discarded, Error, Result};
use crate::github::GrantedTokens;
use crate::permits::DeviceFlowPermit;
use crate::session::Call;
use crate::system::signals;
use crate::system::terminal::keys::forget_typed;
use crate::token::AccessToken;

/// Whether a new sign-in may replace another account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// No: nobody can be asked.
    Never,
    /// If the person at the terminal agrees.
    Ask,
    /// It may.
    Allowed,
}

impl Switch {
    /// The consent before any question.
    pub(super) fn agreed(self) -> Agreed {
        match self {
            Self::Never | Self::Ask => Agreed::Nothing,
            Self::Allowed => Agreed::Anything,
        }
    }
}

/// Which stored sign-in may be replaced by another account's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Agreed {
    /// None.
    Nothing,
    /// The sign-in of the account with this number.
    To(u64),
    Anything,
}

impl Agreed {
    fn covers(self, account: &Account) -> bool {
        match self {
            Self::Nothing => false,
            Self::To(id) => id == account.id,
            Self::Anything => true,
        }
    }
}

/// The result of storing a new sign-in.
pub(crate) enum Kept {
    /// It is stored.
    Saved(Record),
    /// Not stored: the person has not said whether it is theirs.
    Unconfirmed(NewSignIn),
    /// Not stored: it would replace this account's.
    NotYet { new: NewSignIn, other: Account },
}

impl Kept {
    /// Asks the person, if there is one, whether it is theirs, and about each account whose sign-in would be
    /// replaced. The lock is not held during the questions.
    pub(crate) fn settle(self, terms: &Terms<'_>, call: &Call<'_>) -> Result<Record> {
        let mut kept = self;
        loop {
            kept = match kept {
                Self::Saved(record) => return Ok(record),
                Self::Unconfirmed(new) if terms.confirm.is_none_or(|is_theirs| is_theirs(&new)) => {
                    new.keep(terms, terms.switch.agreed(), call)?
                }
                Self::Unconfirmed(new) => return Err(new.cancel(call)),
                Self::NotYet { new, other }
                    if terms.switch == Switch::Ask && new.may_replace(&other, call) =>
                {
                    new.keep(terms, Agreed::To(other.id), call)?
                }
                Self::NotYet { new, other } => return Err(new.refuse(&other, call)),
            };
        }
    }
}

/// An approved sign-in that is not stored yet.
pub(crate) struct NewSignIn {
    grant: GrantedTokens,
    /// The account that approved it; `None` if GitHub did not say.
    account: Option<Account>,
}

impl NewSignIn {
    /// The account that approved it; `None` if GitHub did not say.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The access token, for questions about the App.
    pub(crate) fn token(&self) -> &AccessToken {
        &self.grant.access_token
    }

    /// The device flow.
    pub(super) fn obtain(
        permit: DeviceFlowPermit,
        present: Present,
        prompt: &mut dyn Prompt,
        call: &Call<'_>,
    ) -> Result<Self> {
        prove_replaceable(present, call)?;
        let (login, github) = (call.login_command(), call.github());
        let flow = DeviceFlow::new(permit, call.app, &login, &github, call.clock);
        let grant = flow.run(prompt)?;
        let account = flow.account(&grant.access_token);
        Ok(Self { grant, account })
    }

    /// Stores it, unless its account is not the configured one, or it would replace another account's
    /// sign-in without consent.
    ///
    /// # Errors
    /// `OtherAccount`, or the store's error.
    pub(super) fn keep(self, terms: &Terms<'_>, agreed: Agreed, call: &Call<'_>) -> Result<Kept> {
        let expected = call.app.account.as_ref();
        // An unknown account is asked for again before the token is served.
        if let AccountCheck::Other { expected, actual } =
            check_account(expected, self.account.as_ref())
        {
            return Err(Error::OtherAccount {
                app: call.app.label().to_owned(),
                expected: expected.to_string(),
                actual: actual.login.clone(),
                login: call.login_command(),
                tokens: self.discard(call),
            });
        }
        let mut locked = call.lock()?;
        let stored = stored(locked.as_ref(), terms.present, call)?;
        let here = stored.as_ref().and_then(|stored| stored.account.as_ref());
        let other = [here, terms.elsewhere]
            .into_iter()
            .flatten()
            .find(|account| {
                !agreed.covers(account)
                    && !is_never_served(account, call)
                    && check_replacement(account, self.account.as_ref()) != Replacement::Same
            });
        if let Some(other) = other.cloned() {
            return Ok(Kept::NotYet { new: self, other });
        }
        let saved = self.save(locked.as_mut(), stored.as_ref(), call)?;
        drop(locked);
        if let Some(replaced) = stored.filter(|stored| {
            let account = stored.account.as_ref();
            account.is_some_and(|account| is_never_served(account, call))
        }) {
            // GitHub named its account only after it was saved. If the revocation fails, the tokens expire.
            let tokens = &replaced.tokens;
            let _ = call
                .github()
                .revoke(tokens.access_token(), tokens.refresh_token());
        }
        Ok(Kept::Saved(saved))
    }

    fn may_replace(&self, other: &Account, call: &Call<'_>) -> bool {
        let who = match &self.account {
            Some(account) => format!("You approved this as {}", account.login),
            None => "GitHub does not say who approved this".into(),
        };
        forget_typed();
        call.terminal.ask(&format!(
            "{who}, and {} is signed in. Replace that sign-in?",
            other.login
        ))
    }

    /// The person said that it is not theirs.
    fn cancel(&self, call: &Call<'_>) -> Error {
        let login = call.login_command();
        Error::Cancelled {
            left: format!("nothing was stored, and {}", self.discard(call)),
            next: format!("switch to your account in the browser, then:\n  {login}"),
        }
    }

    fn refuse(&self, other: &Account, call: &Call<'_>) -> Error {
        let (app, login) = (call.app.label().to_owned(), call.login_command());
        let (stored, tokens) = (other.login.clone(), self.discard(call));
        match &self.account {
            Some(account) => Error::AccountSwitch {
                app,
                stored,
                actual: account.login.clone(),
                login,
                tokens,
            },
            None => Error::AccountUnknown {
                app,
                stored,
                login,
                tokens,
            },
        }
    }

    /// Revokes tokens that are not stored: they would otherwise stay valid for months.
    fn discard(&self, call: &Call<'_>) -> Discarded {
        let GrantedTokens {
            access_token,
            refresh_token,
            ..
        } = &self.grant;
        match call.github().revoke(access_token, refresh_token.as_ref()) {
            Ok(()) => Discarded::Revoked,
            Err(failure) => {
                let host = call.app.host.web_url();
                let why =
                    format!("{failure}; revoke the App at {host}/settings/apps/authorizations");
                Discarded::NotRevoked(why.into())
            }
        }
    }

    fn save(
        self,
        locked: &mut dyn LockedStore,
        stored: Option<&Record>,
        call: &Call<'_>,
    ) -> Result<Record> {
        let _exit_delayed = signals::delay_exit();
        save_sign_in(locked, stored, self.grant, self.account, call.clock)
            .map_err(|error| call.store_error(error))
    }
}

/// A stored sign-in of another account than the configured one is never served.
fn is_never_served(stored: &Account, call: &Call<'_>) -> bool {
    let expected = call.app.account.as_ref();
    matches!(
        check_account(expected, Some(stored)),
        AccountCheck::Other { .. }
    )
}

/// Detects a full disk, a read-only folder or an unreadable record before a person is asked.
fn prove_replaceable(present: Present, call: &Call<'_>) -> Result<()> {
    let mut locked = call.lock()?;
    stored(locked.as_ref(), present, call)?;
    locked
        .prove_writable()
        .map_err(|error| call.store_error(error))
}

fn stored(locked: &dyn LockedStore, present: Present, call: &Call<'_>) -> Result<Option<Record>> {
    match (locked.load(), present) {
        (Ok(record), _) => Ok(record),
        (Err(StoreError::Damaged(_) | StoreError::Newer(_)), Present::Replace) => Ok(None),
        (Err(error), _) => Err(call.store_error(error)),
    }
}
