//! The broker and the refresh in this process: the real store in a home of its own, a fake clock,
//! the fake GitHub on a real socket.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use fake_github::{Builder, CLIENT_ID, Endpoint, FakeGitHub, Pair};
use ghtok::testing::app::App;
use ghtok::testing::auth::broker::{Broker, Served};
use ghtok::testing::auth::outcome::{NetworkId, Outcome};
use ghtok::testing::auth::ports::{
    Clock, Event, LockedStore, Observer, OutcomeVersion, StoreError, TokenStore,
};
use ghtok::testing::auth::record::{Account, Record, Rejected};
use ghtok::testing::auth::refresh::Refresh;
use ghtok::testing::error::Error;
use ghtok::testing::github::{GitHub, Network};
use ghtok::testing::limits::Limits;
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::RecordStore;
use ghtok::testing::token::{AccessToken, Expiring, MinTtl, RefreshToken, Timestamp, TokenSet};

use super::deadline::LIMIT;
use super::fake_clock::FakeClock;
use super::sandbox::Sandbox;

pub const LIFE: Duration = Duration::from_secs(28_800);
const REFRESH_LIFE: Duration = Duration::from_secs(15_897_600);

/// One App on one machine, at one fake GitHub that goes by the same clock.
pub struct Bench {
    pub clock: FakeClock,
    pub fake: FakeGitHub,
    pub sandbox: Sandbox,
    pub app: App,
    pub network: Network,
    /// What the network may take; everything else goes by the fake clock.
    pub limits: Limits,
    /// Where steps are told.
    /// Another process holds the record's lock for as long as the test lasts.
    pub lock_is_held: bool,
    /// Where this process connects from.
    pub network_id: NetworkId,
    /// How often the store was asked since the start.
    pub asked: Rc<Asked>,
    ear: Ear,
}

/// How often a store was asked what.
#[derive(Debug, Default)]
pub struct Asked {
    pub loads: Cell<usize>,
    pub outcomes: Cell<usize>,
    pub locks: Cell<usize>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

/// The store, with one patience more. While another test starts a process, that process has a
/// copy of our open lock until it becomes its program, and no fake clock may count this time.
struct Patient {
    store: RecordStore,
    lock_is_held: bool,
    asked: Rc<Asked>,
}

impl TokenStore for Patient {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        count(&self.asked.loads);
        self.store.load()
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError> {
        count(&self.asked.locks);
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.store.try_lock()? {
                None if !self.lock_is_held && Instant::now() < deadline => {
                    std::thread::yield_now();
                }
                tried => return Ok(tried),
            }
        }
    }

    fn unlock(&self, permit: &UnlockPermit, limit: Duration) -> Result<(), StoreError> {
        self.store.unlock(permit, limit)
    }

    fn outcome(&self) -> Option<Outcome> {
        count(&self.asked.outcomes);
        self.store.outcome()
    }

    fn outcome_version(&self) -> OutcomeVersion {
        self.store.outcome_version()
    }

    fn place(&self) -> String {
        self.store.place()
    }
}

#[derive(Default)]
struct Ear(RefCell<Vec<Event>>);

impl Observer for Ear {
    fn observe(&self, event: &Event) {
        if !matches!(event, Event::Refresh(_)) {
            self.0.borrow_mut().push(event.clone());
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::at(FakeGitHub::builder())
    }

    /// With a fake of these settings.
    pub fn at(builder: Builder) -> Self {
        let clock = FakeClock::new();
        let fake = builder
            .clock(clock.of_the_server())
            .start()
            .expect("a fake");
        let sandbox = Sandbox::new(&fake);
        Self {
            app: sandbox.app(),
            clock,
            fake,
            sandbox,
            network: Network::default(),
            limits: Limits::STANDARD,
            lock_is_held: false,
            network_id: NetworkId(1),
            asked: Rc::default(),
            ear: Ear::default(),
        }
    }

    /// Signs in and lets time pass until this much of the access token's life is left.
    pub fn seed(&self, left: Duration) -> Pair {
        let pair = self.fake.mint(CLIENT_ID);
        self.put(&fresh(&pair, self.clock.now()));
        self.clock
            .advance(LIFE.checked_sub(left).expect("a part of its life"));
        pair
    }

    /// Signs in; somebody has seen the new access token refused.
    pub fn seed_reported(&self) -> Pair {
        let pair = self.fake.mint(CLIENT_ID);
        self.put(&Record {
            rejected: Some(Rejected::Reported(self.clock.now())),
            ..fresh(&pair, self.clock.now())
        });
        pair
    }

    pub fn put(&self, record: &Record) {
        self.sandbox.put(record);
    }

    pub fn record(&self) -> Record {
        self.sandbox.record()
    }

    /// Tells an outcome as another process would.
    pub fn report(&self, outcome: &Outcome) {
        let store = self.store();
        let mut locked = store.try_lock().expect("a folder").expect("a free lock");
        locked.report(outcome).expect("an outcome");
    }

    /// What `ghtok get` does.
    pub fn get(&self) -> Result<Served, Error> {
        self.get_with(MinTtl::DEFAULT)
    }

    pub fn get_with(&self, min_ttl: MinTtl) -> Result<Served, Error> {
        self.by(&self.clock, |broker| broker.access_token(min_ttl))
    }

    /// What `ghtok refresh --force` does.
    pub fn force(&self) -> Result<Served, Error> {
        let generation = self.record().generation;
        self.by(&self.clock, |broker| broker.newer_than(generation))
    }

    /// The broker of a new process that goes by this clock.
    pub fn by<T>(&self, clock: &dyn Clock, work: impl FnOnce(&Broker<'_>) -> T) -> T {
        let github = GitHub::new(
            &self.app.host,
            &self.app.client_id,
            self.network.clone(),
            self.limits,
        );
        let network = || self.network_id;
        let refresh = Refresh {
            github: &github,
            account: self.app.account.as_ref(),
            clock,
            observer: &self.ear,
            network: &network,
            limits: self.limits,
        };
        let store = self.store();
        work(&Broker {
            app: &self.app,
            login_command: &|| "ghtok login".into(),
            store: &store,
            refresher: &refresh,
            clock,
            observer: &self.ear,
            network: &network,
            limits: self.limits,
        })
    }

    fn store(&self) -> Patient {
        Patient {
            store: self.sandbox.store(),
            lock_is_held: self.lock_is_held,
            asked: Rc::clone(&self.asked),
        }
    }

    /// What people were told since the last call.
    pub fn heard(&self) -> Vec<Event> {
        self.ear.0.take()
    }

    pub fn refresh_attempts(&self) -> usize {
        self.fake.count(Endpoint::Refresh)
    }

    pub fn user_requests(&self) -> usize {
        self.fake.count(Endpoint::User)
    }

    /// True if the fake still takes the stored refresh token.
    pub fn is_kept(&self) -> bool {
        let record = self.record();
        let token = record.tokens.refresh_token().expect("a refresh token");
        self.fake.refresh_is_alive(token.expose())
    }
}

/// The record of a pair that arrives now.
pub fn fresh(pair: &Pair, now: Timestamp) -> Record {
    Record {
        generation: 1,
        tokens: TokenSet::Expiring {
            access: Expiring {
                token: AccessToken::new(pair.access_token.clone()),
                expires_at: now.after(LIFE),
                lifetime: LIFE,
            },
            refresh: pair.refresh_token.clone().map(|token| Expiring {
                token: RefreshToken::new(token),
                expires_at: now.after(REFRESH_LIFE),
                lifetime: REFRESH_LIFE,
            }),
        },
        obtained_at: now,
        account: Some(Account {
            login: pair.login.clone(),
            id: pair.user_id,
        }),
        intent: None,
        rejected: None,
        refresh_rejected: None,
    }
}
