//! What the simulated processes run: the code of `auth`, as the subcommands call it.

use ghtok::testing::app::{App, ClientId};
use ghtok::testing::auth::broker::{Broker, Served};
use ghtok::testing::auth::ports::{LockedStore, StoreError};
use ghtok::testing::auth::record::{Account, Record, Want};
use ghtok::testing::auth::rejection::mark_rejected;
use ghtok::testing::auth::scope::{Permissions, TokenScope};
use ghtok::testing::auth::scoped_tokens::ScopedTokens;
use ghtok::testing::auth::sign_in_record::{Stored, delete_sign_in, save_sign_in};
use ghtok::testing::error::{Error, Result};
use ghtok::testing::host::Host;
use ghtok::testing::limits::Limits;
use ghtok::testing::token::MinTtl;

use super::breaks::Break;
use super::ports::{
    SimClock, SimGitHub, SimObserver, SimRefresher, SimScoped, network_of, refresh, scoped_number,
};
use super::process::{Ended, Kind, Own};
use super::server::granted;
use super::store::SimStore;
use super::world::pair_of;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    Get,
    /// `refresh --force`.
    Force,
    /// git's `erase`.
    Erase,
    Login,
    Logout,
    Timer,
    /// A scoped token for a process that holds it until its end.
    Scoped,
}

impl Task {
    pub const ALL: [Self; 7] = [
        Self::Get,
        Self::Force,
        Self::Erase,
        Self::Login,
        Self::Logout,
        Self::Timer,
        Self::Scoped,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Force => "force",
            Self::Erase => "erase",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Timer => "timer",
            Self::Scoped => "scoped",
        }
    }

    /// Runs it in this process.
    pub fn run(self, own: &Own<'_>) -> Ended {
        let ended = with_broker(own, |broker| match self {
            Self::Get => broker.access_token(MinTtl::DEFAULT).map(served),
            Self::Force => {
                let before = broker.load()?;
                broker.newer_than(before.generation).map(served)
            }
            Self::Erase => erase(own, broker),
            Self::Login => login(own, broker),
            Self::Logout => logout(own, broker),
            Self::Timer => {
                let record = broker.load()?;
                match broker.sign_in_reason(&record) {
                    Some(_) => Ok(Ended::Done),
                    None => broker.access_token(MinTtl::DEFAULT).map(served),
                }
            }
            Self::Scoped => scoped(own, broker),
        });
        let ended = ended.unwrap_or_else(|error| Ended::Failed(name_of(&error)));
        own.tell(|| format!("ends: {ended:?}"));
        ended
    }
}

/// A refresher, which took over the lock.
pub fn refresher(own: &Own<'_>, want: Want, first: Option<Record>) -> Ended {
    let mut locked = SimStore::adopt(own);
    locked.first = first;
    refresh(own, &mut locked, want);
    own.tell(|| "ends".into());
    Ended::Done
}

fn with_broker(own: &Own<'_>, work: impl FnOnce(&Broker<'_>) -> Result<Ended>) -> Result<Ended> {
    let app = App {
        name: None,
        client_id: ClientId::parse("Iv1.0123456789abcdef").expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    };
    work(&Broker {
        app: &app,
        login_command: &|| "ghtok login".into(),
        store: &SimStore(own),
        refresher: &SimRefresher(own),
        clock: &SimClock(own),
        observer: &SimObserver(own),
        network: &|| network_of(own),
        limits: Limits::STANDARD,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map`")]
fn served(served: Served) -> Ended {
    let number = served.token.expose().strip_prefix("ghu_");
    let number = number.and_then(|number| number.parse().ok());
    Ended::Served(number.expect("a simulated token"))
}

fn erase(own: &Own<'_>, broker: &Broker<'_>) -> Result<Ended> {
    let record = broker.load()?;
    let token = record.tokens.access_token();
    let store = SimStore(own);
    if own.with(|world| world.has(Break::ErasedAtOnce)) {
        let _ = broker.lock()?.delete();
        own.with(|world| world.is_signed_out = false);
        return Ok(Ended::Done);
    }
    let _ = mark_rejected(&store, &SimClock(own), |stored| {
        stored.tokens.access_token() == token
    });
    Ok(Ended::Done)
}

fn login(own: &Own<'_>, broker: &Broker<'_>) -> Result<Ended> {
    match broker.access_token_for_login(MinTtl::DEFAULT) {
        Err(Error::SignInNeeded { .. }) => {}
        ended => return ended.map(served),
    }
    own.step("be approved", Kind::Plain);
    let pair = own.with(|world| world.server.sign_in());
    own.saw("approved", pair);
    let mut locked = broker.lock()?;
    let stored = stored(locked.as_ref());
    let account = Account {
        login: "octocat".into(),
        id: 1,
    };
    let saved = save_sign_in(
        locked.as_mut(),
        stored.as_ref().ok().and_then(Option::as_ref),
        granted(pair),
        Some(account),
        &SimClock(own),
    );
    match saved {
        Ok(record) => Ok(pair_of(&record).map_or(Ended::Done, Ended::Served)),
        Err(error) => Ok(Ended::Failed(format!("not saved: {error}"))),
    }
}

fn stored(locked: &dyn LockedStore) -> Result<Option<Record>, StoreError> {
    locked.load()
}

fn logout(own: &Own<'_>, broker: &Broker<'_>) -> Result<Ended> {
    let mut locked = if own.with(|world| world.has(Break::SignOutWithoutLock)) {
        Box::new(SimStore::adopt(own))
    } else {
        broker.lock()?
    };
    let stored = match locked.load() {
        Ok(Some(record)) => Stored::Generation(record.generation),
        Ok(None) => Stored::Nothing,
        Err(error) => return Ok(Ended::Failed(error.to_string())),
    };
    match delete_sign_in(locked.as_mut(), stored, &SimClock(own), |_| {}) {
        Ok(()) => Ok(Ended::Done),
        Err(error) => Ok(Ended::Failed(error.to_string())),
    }
}

fn scoped(own: &Own<'_>, broker: &Broker<'_>) -> Result<Ended> {
    let scope = TokenScope {
        owner: "octocat".into(),
        repositories: vec!["hello".into()],
        permissions: Permissions::All,
    };
    let tokens = ScopedTokens {
        broker: *broker,
        store: &SimScoped(own),
        github: &SimGitHub {
            own,
            want: Want::Valid(MinTtl::DEFAULT),
        },
    };
    let holder = own.pid.to_string();
    let served = tokens.access_token(&scope, Some(&holder), MinTtl::DEFAULT)?;
    Ok(Ended::ServedScoped(scoped_number(&served.token)))
}

fn name_of(error: &Error) -> String {
    match error {
        Error::SignInNeeded { why, .. } => format!("SignInNeeded: {why}"),
        Error::RefresherDied { .. } => "RefresherDied".into(),
        Error::GaveUpWaiting { .. } => "GaveUpWaiting".into(),
        error => error.to_string(),
    }
}
