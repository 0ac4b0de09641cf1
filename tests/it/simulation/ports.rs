//! The other simulated ports: the clocks, GitHub, the refresher's start, and the list of scoped tokens.

use std::time::Duration;

use ghtok::testing::auth::outcome::NetworkId;
use ghtok::testing::auth::ports::{
    AuthorizationServer, Clock, Event, Exchange, LockedStore, Observer, Refresher, StoreError,
};
use ghtok::testing::auth::record::Want;
use ghtok::testing::auth::refresh::Refresh;
use ghtok::testing::auth::scoped_tokens::list::ScopedList;
use ghtok::testing::auth::scoped_tokens::{LockedScopedStore, ScopedStore};
use ghtok::testing::github::{
    HttpError, Installations, Refreshed, RequestFailure, ScopedGrant, ScopedTokenAnswer,
    ScopedTokenRequest, TokenDeletion, UserAnswer,
};
use ghtok::testing::limits::Limits;
use ghtok::testing::token::{AccessToken, ClientSecret, RefreshToken, Timestamp};

use super::breaks::Break;
use super::process::{Kind, Own, Verdict};
use super::rules;
use super::server::{LIFE, Scoped};
use super::world::{Spawned, number_of};

/// `Broker::lock` pauses as long between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

pub struct SimClock<'y>(pub &'y Own<'y>);

impl Clock for SimClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.with(|world| world.wall())
    }

    fn monotonic(&self) -> Duration {
        self.0.with(|world| {
            if world.has(Break::WaitsForEver) {
                Duration::ZERO
            } else {
                world.now
            }
        })
    }

    fn sleep(&self, duration: Duration) {
        self.0.sleep(duration, duration == LOCK_PAUSE);
    }

    fn chance(&self) -> u64 {
        1
    }

    fn local_time(&self, at: Timestamp) -> String {
        at.0.to_string()
    }
}

/// GitHub as one process reaches it.
pub struct SimGitHub<'y> {
    pub own: &'y Own<'y>,
    /// What the process is to bring, if it is a refresher.
    pub want: Want,
}

fn no_connection() -> HttpError {
    HttpError::ConnectionRefused {
        host: "github.com".into(),
    }
}

fn busy() -> RequestFailure {
    RequestFailure::Answered {
        status: 502,
        cause: no_connection(),
        retry_after: None,
    }
}

impl SimGitHub<'_> {
    fn reach(&self, name: &'static str) -> Result<(), RequestFailure> {
        let verdict = self.own.step(name, Kind::Connect);
        self.own.saw(name, verdict);
        if verdict == Verdict::Fails || !self.own.has_network {
            self.own.tell(|| format!("{name}: no connection"));
            return Err(RequestFailure::NotSent(no_connection()));
        }
        self.own.tell(|| format!("{name}: connected"));
        Ok(())
    }

    fn exchange(&self, token: &RefreshToken) -> Result<Refreshed, RequestFailure> {
        let own = self.own;
        let pair = number_of(token.expose()).expect("a simulated token");
        let verdict = own.step("send the refresh token", Kind::Send);
        own.with(|world| rules::before_a_send(world, own.pid, pair, self.want));
        own.saw("sent", verdict);
        own.tell(|| format!("sends ghr_{pair} ({verdict:?})"));
        match verdict {
            Verdict::Fails => return Err(busy()),
            Verdict::FailsLater => return Err(RequestFailure::Unknown(no_connection())),
            Verdict::Done | Verdict::Slow => {}
        }
        let answer = own.with(|world| {
            world.sealed_or_tried.remove(&own.pid);
            world.server.refresh(pair, own.pid)
        });
        let verdict = own.step("receive the answer", Kind::Receive);
        own.saw(
            "received",
            (verdict, matches!(answer, Refreshed::Granted(_))),
        );
        if verdict == Verdict::FailsLater {
            own.tell(|| "its answer is lost".into());
            own.with(|world| {
                for lost in &mut world.server.pairs {
                    lost.may_be_lost |= lost.holder == Some(own.pid);
                }
            });
            return Err(RequestFailure::Unknown(no_connection()));
        }
        own.tell(|| match &answer {
            Refreshed::Granted(grant) => format!("receives {}", grant.access_token.expose()),
            Refreshed::BadRefreshToken => "its refresh token is refused".into(),
        });
        Ok(answer)
    }

    fn exchange_broken(&self, token: &RefreshToken) -> Result<Refreshed, RequestFailure> {
        let has = |broken| self.own.with(|world| world.has(broken));
        if has(Break::ConnectedLate) {
            self.reach("connect")?;
            self.own.with(|world| world.connected.insert(self.own.pid));
        }
        match self.exchange(token) {
            Err(RequestFailure::Unknown(_)) if has(Break::SentAgain) => self.exchange(token),
            Err(RequestFailure::Unknown(cause)) if has(Break::LostAnswerTakenForNone) => {
                Err(RequestFailure::NotSent(cause))
            }
            Err(RequestFailure::Answered { .. }) if has(Break::BusyTakenForRefused) => {
                Ok(Refreshed::BadRefreshToken)
            }
            answer => answer,
        }
    }
}

impl AuthorizationServer for SimGitHub<'_> {
    fn connect(&self) -> Result<Exchange<'_>, RequestFailure> {
        if !self.own.with(|world| world.has(Break::ConnectedLate)) {
            self.reach("connect")?;
            self.own.with(|world| world.connected.insert(self.own.pid));
        }
        Ok(Box::new(|token, _| self.exchange_broken(token)))
    }

    fn user(&self, token: &AccessToken) -> Result<UserAnswer, RequestFailure> {
        self.reach("ask whose token it is")?;
        let is_alive = self.own.with(|world| {
            let number = number_of(token.expose()).unwrap_or(usize::MAX);
            world
                .server
                .pairs
                .get(number)
                .is_some_and(|pair| pair.is_access_alive)
        });
        self.own.saw("user", is_alive);
        Ok(if is_alive {
            UserAnswer::Account {
                login: "octocat".into(),
                id: 1,
            }
        } else {
            UserAnswer::Unauthorized
        })
    }

    fn revoke(&self, access: &AccessToken, _: Option<&RefreshToken>) -> Result<(), RequestFailure> {
        self.reach("revoke")?;
        let number = number_of(access.expose()).unwrap_or(usize::MAX);
        self.own.with(|world| {
            if let Some(pair) = world.server.pairs.get_mut(number) {
                pair.is_access_alive = false;
                pair.is_refresh_alive = false;
            }
        });
        Ok(())
    }

    fn create_scoped_token(
        &self,
        _: &ClientSecret,
        wanted: &ScopedTokenRequest<'_>,
    ) -> Result<ScopedTokenAnswer, RequestFailure> {
        let own = self.own;
        self.reach("ask for a scoped token")?;
        let number = number_of(wanted.access_token.expose()).unwrap_or(usize::MAX);
        let created = own.with(|world| {
            let is_alive = world
                .server
                .pairs
                .get(number)
                .is_some_and(|it| it.is_access_alive);
            is_alive.then(|| {
                world.server.scoped.push(Scoped {
                    is_alive: true,
                    is_handed_out: false,
                });
                world.server.scoped.len() - 1
            })
        });
        let verdict = own.step("receive the scoped token", Kind::Receive);
        own.saw("scoped", (verdict, created));
        if verdict == Verdict::FailsLater {
            return Err(RequestFailure::Unknown(no_connection()));
        }
        Ok(match created {
            Some(number) => ScopedTokenAnswer::Created(ScopedGrant {
                token: AccessToken::new(format!("ghu_scoped{number}")),
                lifetime: Some(LIFE),
            }),
            None => ScopedTokenAnswer::TokenRejected,
        })
    }

    fn delete_token(
        &self,
        _: &ClientSecret,
        token: &AccessToken,
    ) -> Result<TokenDeletion, RequestFailure> {
        self.reach("delete a scoped token")?;
        let number = scoped_number(token);
        self.own.with(|world| {
            if let Some(token) = world.server.scoped.get_mut(number) {
                token.is_alive = false;
            }
        });
        Ok(TokenDeletion::Ended)
    }

    fn installations(
        &self,
        _: &AccessToken,
        _: Duration,
        _: &dyn Fn() -> Duration,
    ) -> Result<Installations, RequestFailure> {
        Ok(Installations::default())
    }
}

/// The number of a scoped token.
pub fn scoped_number(token: &AccessToken) -> usize {
    let number = token.expose().strip_prefix("ghu_scoped");
    number.and_then(|it| it.parse().ok()).unwrap_or(usize::MAX)
}

/// Starts refreshers, each a process of its own.
pub struct SimRefresher<'y>(pub &'y Own<'y>);

impl Refresher for SimRefresher<'_> {
    fn start(&self, mut locked: Box<dyn LockedStore + '_>, want: Want) {
        let own = self.0;
        let verdict = own.step("start a refresher", Kind::Spawn);
        own.saw("start", verdict);
        if verdict == Verdict::Fails {
            own.tell(|| "cannot start a refresher, and refreshes itself".into());
            return refresh(own, locked.as_mut(), want);
        }
        let read = own.last_read.borrow().clone();
        own.with(|world| {
            let first = read.filter(|_| world.has(Break::NoSecondRead));
            let pid = world.new_pid();
            world.alive.insert(pid);
            if !world.has(Break::LockNotInherited) {
                world.holders.insert(pid);
            }
            world.spawned.push(Spawned {
                pid,
                parent: own.pid,
                first,
                want,
                has_network: own.has_network,
            });
        });
        own.tell(|| "starts a refresher".into());
    }

    fn pause(&self, pause: Duration, _: &dyn Clock) {
        self.0.sleep(pause, true);
    }
}

/// One refresh.
pub fn refresh(own: &Own<'_>, locked: &mut dyn LockedStore, want: Want) {
    Refresh {
        github: &SimGitHub { own, want },
        account: None,
        clock: &SimClock(own),
        observer: &SimObserver(own),
        network: &|| network_of(own),
        limits: Limits::STANDARD,
    }
    .run(locked, want);
}

/// Processes with a network have the same one.
pub fn network_of(own: &Own<'_>) -> NetworkId {
    NetworkId(u64::from(own.has_network))
}

pub struct SimObserver<'y>(pub &'y Own<'y>);

impl Observer for SimObserver<'_> {
    fn observe(&self, event: &Event) {
        if let Event::Refresh(step) = event {
            self.0.tell(|| format!("  step: {}", step.words()));
        }
    }
}

/// The list of scoped tokens.
pub struct SimScoped<'y>(pub &'y Own<'y>);

pub struct SimLockedScoped<'y>(&'y Own<'y>);

fn read_list(own: &Own<'_>) -> Result<ScopedList, StoreError> {
    let verdict = own.step("read the list", Kind::Read);
    own.saw("list", verdict);
    if verdict == Verdict::Fails {
        return Err(StoreError::TimedOut(Duration::from_secs(5)));
    }
    Ok(own.with(|world| world.scoped.clone()))
}

impl ScopedStore for SimScoped<'_> {
    fn load(&self) -> Result<ScopedList, StoreError> {
        read_list(self.0)
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedScopedStore + '_>>, StoreError> {
        let own = self.0;
        own.step("try the list's lock", Kind::Plain);
        let is_taken = own
            .with(|world| world.scoped_holders.is_empty() && world.scoped_holders.insert(own.pid));
        own.saw("list's lock", is_taken);
        Ok(is_taken.then(|| -> Box<dyn LockedScopedStore> { Box::new(SimLockedScoped(own)) }))
    }

    fn is_running(&self, holder: &str) -> bool {
        self.0
            .with(|world| holder.parse().is_ok_and(|pid| world.alive.contains(&pid)))
    }

    fn secret(&self) -> Result<Option<ClientSecret>, StoreError> {
        Ok(Some(ClientSecret::new("a secret")))
    }

    fn was_used(&self) -> bool {
        self.0.with(|world| world.scoped != ScopedList::default())
    }
}

impl LockedScopedStore for SimLockedScoped<'_> {
    fn load(&self) -> Result<ScopedList, StoreError> {
        read_list(self.0)
    }

    /// A simulated process has no name that would stay.
    fn forget_ended_holders(&mut self) {}

    fn save(&mut self, list: &ScopedList) -> Result<(), StoreError> {
        let own = self.0;
        let has_new = list
            .entries
            .last()
            .is_some_and(|entry| entry.tokens.is_some());
        if has_new && own.with(|world| world.has(Break::ScopedTokenNotListed)) {
            return Ok(());
        }
        let verdict = own.step("write the list", Kind::Write);
        own.saw("write the list", verdict);
        if verdict != Verdict::Fails {
            own.with(|world| world.scoped = list.clone());
        }
        match verdict {
            Verdict::Done | Verdict::Slow => Ok(()),
            Verdict::Fails | Verdict::FailsLater => {
                Err(StoreError::TimedOut(Duration::from_secs(5)))
            }
        }
    }
}

impl Drop for SimLockedScoped<'_> {
    fn drop(&mut self) {
        self.0.with(|world| {
            world.scoped_holders.remove(&self.0.pid);
            world.signals += 1;
        });
    }
}
