//! The scoped tokens that were handed out and not revoked, and the rules about their number. Pure.

use std::time::Duration;

use crate::auth::record::Account;
use crate::token::{AccessToken, MinTtl, Timestamp, TokenSet};

/// GitHub keeps about ten live tokens for one person and App, and revokes the oldest without a word. If scoped
/// tokens count, this many leave room for the sign-in and for what was lost.
pub(super) const MOST_LIVE: usize = 4;

/// GitHub allows about ten new tokens in an hour for one person and App.
const MOST_IN_AN_HOUR: usize = 9;

/// From this creation of an hour on, a person is told.
const MANY_IN_AN_HOUR: usize = 8;

const HOUR: Duration = Duration::from_secs(3600);

/// How long a token counts whose creation was never answered.
const UNANSWERED_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// Who uses a scoped token, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The text of its scope.
    pub scope: String,
    /// The process that holds it, which revokes it at its end; `None` for `get` and `exec`.
    pub holder: Option<String>,
}

/// A scoped token that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOut {
    /// Who uses it.
    pub used: Use,
    /// The token; `None` until GitHub's answer.
    pub tokens: Option<TokenSet>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Whose it is, if known.
    pub account: Option<Account>,
    /// Somebody saw it rejected; the next use checks it.
    pub rejected: bool,
    /// It is to be revoked, and is served to nobody.
    pub ending: bool,
}

/// All of one App and account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopedList {
    /// The tokens, in the order of their creation.
    pub entries: Vec<HandedOut>,
    /// When tokens were created within the last hour.
    pub created: Vec<Timestamp>,
}

/// Why there can be no further token now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// These hold all; a token whose creation was not answered has no holder.
    InUse(Vec<String>),
    /// Too many were created; the next one can be created then.
    TooMany(Timestamp),
}

impl ScopedList {
    /// The token for this use, if there is one that is not due.
    pub fn serve(&self, used: &Use, now: Timestamp, min_ttl: MinTtl) -> Option<&HandedOut> {
        let entry = self.entry(used)?;
        let is_fresh = entry
            .tokens
            .as_ref()?
            .due_at(min_ttl)
            .is_none_or(|due| now < due);
        (is_fresh && !entry.rejected && now >= entry.created_at).then_some(entry)
    }

    /// The token for this use, due or not.
    pub fn entry(&self, used: &Use) -> Option<&HandedOut> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.used == *used && !entry.ending && entry.tokens.is_some())
    }

    /// Forgets what has ended by the clock.
    pub fn forget_ended(&mut self, now: Timestamp) {
        self.entries.retain(|entry| !entry.has_ended(now));
        self.created
            .retain(|at| at.until(now) < HOUR && now.until(*at) < HOUR);
    }

    /// Marks what must be revoked so that a token for this use can be created: what nobody holds any more, the
    /// token that it replaces, and of the others the oldest. Nothing is marked on an error.
    ///
    /// # Errors
    /// If there is no room.
    pub fn make_room(
        &mut self,
        used: &Use,
        now: Timestamp,
        is_running: &dyn Fn(&str) -> bool,
    ) -> Result<(), NoRoom> {
        if self.created.len() >= MOST_IN_AN_HOUR
            && let Some(oldest) = self.created.iter().min()
        {
            return Err(NoRoom::TooMany(oldest.after(HOUR).max(now)));
        }
        let mut marked = self.clone();
        marked.end_abandoned(is_running);
        while marked.lasting() >= MOST_LIVE {
            let may_go = |entry: &&mut HandedOut| !entry.ending && entry.tokens.is_some();
            let is_same = |entry: &&mut HandedOut| entry.used == *used;
            let mut entries = marked.entries.iter_mut().filter(may_go);
            let entry = match entries.find(is_same) {
                Some(entry) => Some(entry),
                None => marked
                    .entries
                    .iter_mut()
                    .filter(may_go)
                    .find(|entry| entry.used.holder.is_none()),
            };
            match entry {
                Some(entry) => entry.ending = true,
                None => return Err(NoRoom::InUse(marked.holders())),
            }
        }
        *self = marked;
        Ok(())
    }

    /// Marks the tokens of processes that ended without revoking them.
    pub fn end_abandoned(&mut self, is_running: &dyn Fn(&str) -> bool) {
        for entry in &mut self.entries {
            let holder = entry.used.holder.as_deref();
            entry.ending |= holder.is_some_and(|holder| !is_running(holder));
        }
    }

    /// Enters a token before it is asked for; true if a person should be told how many there were.
    pub fn enter(&mut self, used: &Use, now: Timestamp) -> bool {
        self.created.push(now);
        self.entries.push(HandedOut {
            used: used.clone(),
            tokens: None,
            created_at: now,
            account: None,
            rejected: false,
            ending: false,
        });
        self.created.len() >= MANY_IN_AN_HOUR
    }

    /// Takes back the last entry, because GitHub created nothing.
    pub fn take_back(&mut self) {
        self.entries.pop();
        self.created.pop();
    }

    /// The last entry's token has come; what it replaces is to be revoked.
    pub fn granted(&mut self, tokens: TokenSet, account: Option<Account>) {
        let Some((new, others)) = self.entries.split_last_mut() else {
            return;
        };
        for entry in others.iter_mut().filter(|entry| entry.used == new.used) {
            entry.ending |= entry.tokens.is_some();
        }
        new.tokens = Some(tokens);
        new.account = account;
    }

    /// The tokens that are to be revoked.
    pub fn ending(&self) -> Vec<AccessToken> {
        let ending = self.entries.iter().filter(|entry| entry.ending);
        ending.filter_map(HandedOut::token).cloned().collect()
    }

    /// Forgets a token that was revoked.
    pub fn forget(&mut self, token: &AccessToken) {
        self.entries.retain(|entry| entry.token() != Some(token));
    }

    /// How many count as alive and are not about to be revoked.
    fn lasting(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.ending).count()
    }

    fn holders(&self) -> Vec<String> {
        let lasting = self.entries.iter().filter(|entry| !entry.ending);
        lasting
            .filter_map(|entry| entry.used.holder.clone())
            .collect()
    }
}

impl HandedOut {
    /// The token, if it has come.
    pub fn token(&self) -> Option<&AccessToken> {
        self.tokens.as_ref().map(TokenSet::access_token)
    }

    /// When it expires; `None` if never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.tokens {
            Some(tokens) => tokens.expires_at(),
            None => Some(self.created_at.after(UNANSWERED_LIFETIME)),
        }
    }

    /// A number that changes with each new token of a use, and never decreases.
    pub fn generation(&self) -> u64 {
        u64::try_from(self.created_at.0).unwrap_or(0)
    }

    fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|end| now >= end)
    }
}
