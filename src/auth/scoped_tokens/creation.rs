//! Creates a scoped token: makes room, notes that one is asked for, asks, and notes the token before anybody
//! gets it.

use std::time::Duration;

use super::list::{HandedOut, MOST_LIVE, NoRoom, ScopedList, Use};
use super::{LockedScopedStore, ScopedTokens};
use crate::auth::broker::Served;
use crate::auth::ports::Event;
use crate::auth::rejection::mark_rejected;
use crate::auth::scope::{Permissions, TokenScope};
use crate::error::{Error, Result, ScopedTokenProblem};
use crate::github::{
    RequestFailure, ScopedGrant, ScopedTokenAnswer, ScopedTokenRequest, UserAnswer,
};
use crate::token::{ClientSecret, Expiring, MinTtl, TokenSet};

/// A token is created again if the sign-in's token was replaced meanwhile.
const ATTEMPTS: usize = 2;

/// A new token may get a 401 for some seconds, until every replica knows it.
const REPLICA_LAG: Duration = Duration::from_secs(10);

/// What one request for a token knows.
pub(super) struct Creation<'a> {
    pub(super) scope: &'a TokenScope,
    pub(super) used: Use,
    pub(super) secret: ClientSecret,
}

impl ScopedTokens<'_> {
    /// Creates a token, unless another process just did.
    pub(super) fn obtain(&self, request: &Creation<'_>, min_ttl: MinTtl) -> Result<Served> {
        let mut rejection = None;
        for _ in 0..ATTEMPTS {
            let user = self.broker.access_token(MinTtl::DEFAULT)?;
            let mut locked = self.lock()?;
            let mut list = self.read(locked.load())?;
            self.check_rejected(locked.as_mut(), &mut list, &request.used)?;
            if let Some(served) = self.serve(&list, &request.used, min_ttl)? {
                return Ok(served);
            }
            self.make_room(locked.as_mut(), &mut list, request)?;
            match self.create(locked.as_mut(), &mut list, request, &user) {
                // A token that is not valid any more was replaced, or is checked at the next attempt.
                Err(error) if is_rejection(&error) => {
                    let is_it = |generation| generation == user.generation;
                    let marked = mark_rejected(self.broker.store, self.broker.clock, |record| {
                        is_it(record.generation)
                    });
                    self.read(marked)?;
                    rejection = Some(error);
                    continue;
                }
                created => created?,
            }
            // Nobody waits for this, and what stays is revoked at the next opportunity.
            if let Err(error) = self.revoke_ending(locked.as_mut(), &mut list) {
                log::info!("scoped tokens: not revoked yet: {error}");
            }
            // A refresh may end tokens that were created with the token before it.
            let now = self.broker.load()?;
            if now.generation == user.generation {
                let served = self.serve(&list, &request.used, min_ttl)?;
                return served.ok_or_else(|| self.problem(ScopedTokenProblem::TokenRejected));
            }
            if let Some(entry) = list.entries.last_mut() {
                entry.ending = true;
            }
            self.read(locked.save(&list))?;
        }
        Err(rejection.unwrap_or_else(|| self.problem(ScopedTokenProblem::TokenRejected)))
    }

    /// Asks GitHub about a token that somebody saw rejected.
    fn check_rejected(
        &self,
        locked: &mut dyn LockedScopedStore,
        list: &mut ScopedList,
        used: &Use,
    ) -> Result<()> {
        let Some(entry) = list.entry(used).filter(|entry| entry.rejected) else {
            return Ok(());
        };
        let Some(token) = entry.token().cloned() else {
            return Ok(());
        };
        let age = entry.created_at.until(self.clock().now());
        if age < REPLICA_LAG {
            self.clock().sleep(Duration::from_secs(3));
        }
        let answer = self.github.user(&token);
        match answer {
            Ok(UserAnswer::Account { .. }) => {
                let is_it = |entry: &&mut HandedOut| entry.token() == Some(&token);
                for entry in list.entries.iter_mut().filter(is_it) {
                    entry.rejected = false;
                }
            }
            // There is nothing to revoke any more.
            Ok(UserAnswer::Unauthorized) => list.forget(&token),
            Err(failure) => return Err(self.failed(failure)),
        }
        self.read(locked.save(list))
    }

    /// Revokes what must end before a token can be created.
    fn make_room(
        &self,
        locked: &mut dyn LockedScopedStore,
        list: &mut ScopedList,
        request: &Creation<'_>,
    ) -> Result<()> {
        let now = self.clock().now();
        list.forget_ended(now);
        list.make_room(&request.used, now, &|holder| self.store.is_running(holder))
            .map_err(|no_room| {
                self.problem(match no_room {
                    NoRoom::InUse(holders) => ScopedTokenProblem::InUse { holders },
                    NoRoom::TooMany(at) => ScopedTokenProblem::TooMany {
                        until: self.clock().local_time(at),
                    },
                })
            })?;
        if list.entries.len() < MOST_LIVE {
            return Ok(());
        }
        self.read(locked.save(list))?;
        self.revoke_ending(locked, list)
    }

    /// Creates a token. It is in the stored list before anybody gets it.
    fn create(
        &self,
        locked: &mut dyn LockedScopedStore,
        list: &mut ScopedList,
        request: &Creation<'_>,
        user: &Served,
    ) -> Result<()> {
        let permissions = self.permissions(request.scope, user)?;
        let now = self.clock().now();
        if list.enter(&request.used, now) {
            self.broker.observer.observe(&Event::ManyScopedTokens {
                app: self.app().label().to_owned(),
                count: list.created.len(),
            });
        }
        self.read(locked.save(list))?;
        let wanted = ScopedTokenRequest {
            access_token: &user.token,
            owner: &request.scope.owner,
            repositories: &request.scope.repositories,
            permissions: &permissions,
        };
        let problem = match self.github.create_scoped_token(&request.secret, &wanted) {
            Ok(ScopedTokenAnswer::Created(grant)) => {
                let token = grant.token.clone();
                list.granted(self.tokens(grant), user.account.clone());
                return locked.save(list).map_err(|error| {
                    // Nobody would know of it.
                    let _ = self.github.delete_token(&request.secret, &token);
                    self.store_error(error)
                });
            }
            // There may be one.
            Err(failure @ RequestFailure::Unknown(_)) => return Err(self.failed(failure)),
            Err(failure) => self.failed(failure),
            Ok(ScopedTokenAnswer::WrongSecret) => self.problem(ScopedTokenProblem::WrongSecret),
            Ok(ScopedTokenAnswer::TokenRejected) => self.problem(ScopedTokenProblem::TokenRejected),
            Ok(ScopedTokenAnswer::Invalid(reason)) => self.problem(ScopedTokenProblem::Invalid {
                scope: request.scope.text(),
                reason: reason.trim_end_matches('.').to_owned(),
            }),
        };
        list.take_back();
        self.read(locked.save(list))?;
        Err(problem)
    }

    /// The permissions to ask for; none for all of the App's.
    fn permissions(&self, scope: &TokenScope, user: &Served) -> Result<Vec<(String, String)>> {
        match &scope.permissions {
            Permissions::All => return Ok(Vec::new()),
            Permissions::These(permissions) => return Ok(permissions.clone()),
            Permissions::AllReadOnly => {}
        }
        let began = self.clock().monotonic();
        let elapsed = || self.clock().monotonic().saturating_sub(began);
        let limit = self.broker.limits.reach;
        let reach = self.github.installations(&user.token, limit, &elapsed);
        let reach = reach.map_err(|failure| self.failed(failure))?;
        let mut here = reach.installed.into_iter();
        let here = here.find(|installed| installed.owner.eq_ignore_ascii_case(&scope.owner));
        let permissions: Vec<(String, String)> = here
            .into_iter()
            .flat_map(|installed| installed.permissions.into_keys())
            .map(|name| (name, "read".to_owned()))
            .collect();
        if permissions.is_empty() {
            // With none named it would have all of the App's.
            return Err(self.problem(ScopedTokenProblem::Invalid {
                scope: scope.text(),
                reason: format!("the App is not installed on {}", scope.owner),
            }));
        }
        Ok(permissions)
    }

    fn tokens(&self, grant: ScopedGrant) -> TokenSet {
        match grant.lifetime {
            None => TokenSet::Permanent(grant.token),
            Some(lifetime) => TokenSet::Expiring {
                access: Expiring {
                    token: grant.token,
                    expires_at: self.clock().now().after(lifetime),
                    lifetime,
                },
                refresh: None,
            },
        }
    }
}

fn is_rejection(error: &Error) -> bool {
    matches!(error, Error::ScopedToken(none) if none.why == ScopedTokenProblem::TokenRejected)
}
