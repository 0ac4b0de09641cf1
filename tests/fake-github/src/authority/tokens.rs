//! Tokens: pairs are issued, rotated by a refresh, crowded out of the pool of
//! ten, revoked, and outlived.

use std::time::Duration;

use serde_json::json;

use super::scoped::{ScopedLives, ScopedPool};
use super::{Authority, Refusal, Reuse, TokenForm};
use crate::app::{Installed, Permissions, Tokens};
use crate::chance;
use crate::http::Params;
use crate::ledger::Rotation;
use crate::violation::ViolationKind;

/// "There is a limit of ten tokens that are issued per user/application/scope
/// combination"; the scope of a GitHub App's token is always empty.
/// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation>
const POOL: usize = 10;

/// All pairs that descend from one sign-in.
pub(super) type Family = u64;

/// A granted refresh: the new pair's parameters and what the ledger is told.
type Spent = (Params, Rotation);

#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) family: Family,
    pub(super) client_id: String,
    pub(super) login: String,
    /// As it was when this pair was made.
    pub(super) installed: Vec<Installed>,
    /// `None`: a personal token, which has all of them.
    pub(super) permissions: Option<Permissions>,
    pub(super) is_scoped: bool,
    pub(super) access: Token,
    pub(super) refresh: Option<Token>,
    pub(super) born_at: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) value: String,
    /// `None`: never, by the clock.
    pub(super) expires_at: Option<Duration>,
    pub(super) revoked: bool,
}

impl Issued {
    /// Whether it takes a place of the pool: an expired access token can be refreshed.
    fn is_alive(&self, now: Duration) -> bool {
        self.access.is_alive(now)
            || self
                .refresh
                .as_ref()
                .is_some_and(|token| token.is_alive(now))
    }
}

impl Token {
    pub(super) fn is_alive(&self, now: Duration) -> bool {
        !self.revoked && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a live access token says about its bearer.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) login: String,
    pub(crate) client_id: String,
    pub(crate) installed: Vec<Installed>,
    /// `None`: all of them.
    pub(crate) permissions: Option<Permissions>,
    pub(crate) is_scoped: bool,
}

impl Authority {
    /// Issues a pair and renders the answer of RFC 6749 section 5.1.
    pub(super) fn sign_in(&mut self, client_id: &str, login: &str) -> Params {
        let pair = self.issue(client_id, login);
        self.pair_params(&pair)
    }

    pub(super) fn issue(&mut self, client_id: &str, login: &str) -> Issued {
        self.families += 1;
        let pair = self.new_pair(self.families, client_id, login);
        self.pairs.push(pair.clone());
        self.evict_oldest(client_id, login);
        pair
    }

    /// A direct sign-in, for tests that start with a token.
    pub(crate) fn mint(&mut self, client_id: &str, login: &str) -> crate::Pair {
        let pair = self.issue(client_id, login);
        let user = self.user(login).expect("checked by the caller");
        let expiring = pair.refresh.is_some();
        crate::Pair {
            client_id: client_id.to_owned(),
            login: user.login.clone(),
            user_id: user.id,
            access_token: pair.access.value,
            refresh_token: pair.refresh.map(|token| token.value),
            expires_in: expiring.then_some(self.rules.access_lifetime.as_secs()),
            refresh_token_expires_in: expiring.then_some(self.rules.refresh_lifetime.as_secs()),
        }
    }

    /// A token of a person and of no App, which no clock ends.
    pub(crate) fn personal_token(&mut self, login: &str, installed: Vec<Installed>) -> String {
        self.families += 1;
        let value = format!("ghp_{}", chance::text(chance::ALPHANUMERIC, 36));
        self.pairs.push(Issued {
            family: self.families,
            client_id: String::new(),
            login: login.to_owned(),
            installed,
            permissions: None,
            is_scoped: false,
            access: Token {
                value: value.clone(),
                expires_at: None,
                revoked: false,
            },
            refresh: None,
            born_at: self.now(),
        });
        value
    }

    /// RFC 6749 section 6 with rotation: the old refresh token and the old access
    /// token die in this moment.
    /// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>
    pub(crate) fn refresh(
        &mut self,
        client_id: &str,
        refresh_token: &str,
        violations: &mut Vec<(ViolationKind, String)>,
    ) -> Result<Spent, Refusal> {
        let now = self.now();
        self.app(client_id)
            .ok_or(Refusal::new("incorrect_client_credentials"))?;
        if let Some(family) = self.spent.get(refresh_token).copied() {
            let again = format!("of client {client_id}");
            violations.push((ViolationKind::RefreshTokenReused, again));
            if self.rules.reuse == Reuse::RevokesFamily {
                self.pairs.retain(|pair| pair.family != family);
            }
        }
        let spends = |pair: &Issued| {
            let refresh = pair.refresh.as_ref();
            pair.client_id == client_id
                && refresh.is_some_and(|token| token.value == refresh_token && token.is_alive(now))
        };
        let Some(at) = self.pairs.iter().position(spends) else {
            return Err(Refusal::new("bad_refresh_token"));
        };
        let old = self.pairs.remove(at);
        self.spent.insert(refresh_token.to_owned(), old.family);
        if self.rules.scoped_lives == ScopedLives::UntilTheRefresh {
            self.pairs.retain(|pair| pair.family != old.family);
        }
        let new = self.new_pair(old.family, client_id, &old.login);
        self.pairs.push(new.clone());
        self.rotations += 1;
        let params = self.pair_params(&new);
        let value = |token: Option<Token>| token.map(|token| token.value).unwrap_or_default();
        let rotation = Rotation {
            generation: self.rotations,
            client_id: client_id.to_owned(),
            old_access: old.access.value,
            new_access: new.access.value,
            old_refresh: value(old.refresh),
            new_refresh: value(new.refresh),
        };
        Ok((params, rotation))
    }

    /// Who bears this access token; `None` when it is dead, or so young that some
    /// of GitHub's replicas do not know it yet.
    pub(crate) fn bearer(&self, access_token: &str) -> Option<Bearer> {
        let now = self.now();
        let pair = self
            .pairs
            .iter()
            .find(|pair| pair.access.value == access_token)?;
        let lagging = now.saturating_sub(pair.born_at) < self.rules.replica_lag;
        (pair.access.is_alive(now) && !lagging).then(|| Bearer {
            login: pair.login.clone(),
            client_id: pair.client_id.clone(),
            installed: pair.installed.clone(),
            permissions: pair.permissions.clone(),
            is_scoped: pair.is_scoped,
        })
    }

    pub(crate) fn is_alive(&self, access_token: &str) -> bool {
        let now = self.now();
        self.pairs
            .iter()
            .any(|pair| pair.access.value == access_token && pair.access.is_alive(now))
    }

    pub(crate) fn refresh_is_alive(&self, refresh_token: &str) -> bool {
        let now = self.now();
        let mut tokens = self.pairs.iter().filter_map(|pair| pair.refresh.as_ref());
        tokens.any(|token| token.value == refresh_token && token.is_alive(now))
    }

    /// Revokes one token and leaves its partner alone. What GitHub does to the
    /// partner is not documented; clients must send both.
    pub(crate) fn revoke(&mut self, credential: &str) {
        for pair in &mut self.pairs {
            for token in [Some(&mut pair.access), pair.refresh.as_mut()]
                .into_iter()
                .flatten()
            {
                token.revoked |= token.value == credential;
            }
        }
    }

    /// The person removed the App: everything that was issued for it dies.
    pub(crate) fn revoke_authorization(&mut self, client_id: &str) {
        self.pairs.retain(|pair| pair.client_id != client_id);
    }

    pub(crate) fn rotations(&self) -> u64 {
        self.rotations
    }

    pub(super) fn evict_oldest(&mut self, client_id: &str, login: &str) {
        let now = self.now();
        let counted = self.rules.scoped_pool == ScopedPool::Shared;
        let ours = |pair: &Issued| {
            pair.client_id == client_id
                && pair.login == login
                && (counted || !pair.is_scoped)
                && pair.is_alive(now)
        };
        if self.pairs.iter().filter(|pair| ours(pair)).count() > POOL {
            // Pairs stand in the order of their issue.
            let oldest = self
                .pairs
                .iter()
                .position(ours)
                .expect("there are more than ten");
            self.pairs.remove(oldest);
        }
    }

    fn new_pair(&self, family: Family, client_id: &str, login: &str) -> Issued {
        let now = self.now();
        let expiring = self
            .app(client_id)
            .is_some_and(|app| app.tokens == Tokens::Expiring);
        let form = self.rules.token_form;
        let token = |value, lifetime| Token {
            value,
            expires_at: expiring.then(|| now + lifetime),
            revoked: false,
        };
        Issued {
            family,
            client_id: client_id.to_owned(),
            login: login.to_owned(),
            permissions: self.app(client_id).map(|app| app.permissions.clone()),
            is_scoped: false,
            installed: self
                .app(client_id)
                .map_or_else(Vec::new, |app| app.installation.of(login)),
            access: token(token_text("ghu_", 36, form), self.rules.access_lifetime),
            refresh: expiring
                .then(|| token(token_text("ghr_", 76, form), self.rules.refresh_lifetime)),
            born_at: now,
        }
    }

    fn pair_params(&self, pair: &Issued) -> Params {
        let mut params = vec![("access_token", json!(pair.access.value))];
        if let Some(refresh) = &pair.refresh {
            let (access_life, refresh_life) = (
                self.rules.access_lifetime.as_secs(),
                self.rules.refresh_lifetime.as_secs(),
            );
            params.push(("expires_in", self.number(access_life)));
            params.push(("refresh_token", json!(refresh.value)));
            params.push(("refresh_token_expires_in", self.number(refresh_life)));
        }
        params.push(("scope", json!("")));
        params.push(("token_type", json!("bearer")));
        params
    }
}

pub(super) fn token_text(prefix: &str, length: usize, form: TokenForm) -> String {
    match form {
        TokenForm::Opaque => format!("{prefix}{}", chance::text(chance::ALPHANUMERIC, length)),
        TokenForm::Stateless => {
            // PREFIX APPID _ JWT; every text holds a `-` and a `_` so that no test
            // depends on luck.
            let part = |length| chance::text(chance::BASE64_URL, length);
            format!(
                "{prefix}1234567_eyJ{}.eyJ-_{}.{}",
                part(33),
                part(370),
                part(86)
            )
        }
    }
}
