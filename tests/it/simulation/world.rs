//! All that the simulated processes share: the store, the state folder, GitHub and the clocks; and what only an
//! observer of all of them can know.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use ghtok::testing::auth::outcome::Outcome;
use ghtok::testing::auth::record::{Record, RescueKey, Want};
use ghtok::testing::auth::scoped_tokens::list::ScopedList;
use ghtok::testing::token::{AccessToken, Timestamp};

use super::breaks::Break;
use super::scenario::Scenario;
use super::server::Server;

/// The number of a process.
pub type Pid = usize;

pub type Shared = Rc<RefCell<World>>;

/// When every schedule begins.
pub const START: Timestamp = Timestamp(1_790_000_000);

/// A condition of the machine that lasts until it is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Condition {
    #[default]
    Healthy,
    /// The keychain is locked.
    Locked,
    /// Nothing answers on the bus.
    NoKeychain,
    /// The disk of the state folder is full.
    FullDisk,
}

/// The rescue file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one in a world")]
pub enum Rescue {
    #[default]
    Absent,
    Reserved,
    Sealed {
        record: Record,
        key: RescueKey,
    },
}

/// A refresher that a process asked for and that is not there yet.
pub struct Spawned {
    pub pid: Pid,
    pub parent: Pid,
    pub want: Want,
    /// What its parent read, if nobody reads again.
    pub first: Option<Record>,
    pub has_network: bool,
}

/// What is there, and what happened.
pub struct World {
    pub scenario: Scenario,
    pub now: Duration,
    /// How far the wall clock was set ahead, in seconds.
    pub wall_ahead: i64,
    pub condition: Condition,

    pub record: Option<Record>,
    /// How often the record was written or deleted.
    pub record_version: u64,
    pub outcome: Option<Outcome>,
    pub outcome_version: u64,
    /// The outcome is half written.
    pub is_torn: bool,
    pub rescue: Rescue,
    /// The note that the sign-in is in this store.
    pub is_noted: bool,
    pub holders: BTreeSet<Pid>,
    pub scoped: ScopedList,
    pub scoped_holders: BTreeSet<Pid>,

    pub server: Server,
    pub alive: BTreeSet<Pid>,
    pub spawned: Vec<Spawned>,
    pub next_pid: Pid,

    /// Changes with everything that a waiting process looks for.
    pub signals: u64,
    pub step: u64,
    /// A sign-out ended, and no sign-in was stored since.
    pub is_signed_out: bool,
    pub faults: u64,
    pub violations: Vec<String>,
    pub log: Option<String>,
    /// Refreshers whose connection is made.
    pub connected: BTreeSet<Pid>,
    /// Processes that tried to seal what they received.
    pub sealed_or_tried: BTreeSet<Pid>,
}

impl World {
    pub fn new(scenario: Scenario, is_traced: bool) -> Self {
        let mut world = Self {
            scenario,
            now: Duration::ZERO,
            wall_ahead: 0,
            condition: Condition::Healthy,
            record: None,
            record_version: 0,
            outcome: None,
            outcome_version: 0,
            is_torn: false,
            rescue: Rescue::Absent,
            is_noted: false,
            holders: BTreeSet::new(),
            scoped: ScopedList::default(),
            scoped_holders: BTreeSet::new(),
            server: Server::default(),
            alive: BTreeSet::new(),
            spawned: Vec::new(),
            next_pid: 0,
            signals: 0,
            step: 0,
            is_signed_out: false,
            faults: 0,
            violations: Vec::new(),
            log: is_traced.then(String::new),
            connected: BTreeSet::new(),
            sealed_or_tried: BTreeSet::new(),
        };
        super::scenario::sign_in_at_start(&mut world);
        world
    }

    pub fn has(&self, broken: Break) -> bool {
        self.scenario.broken == Some(broken)
    }

    /// The wall clock.
    pub fn wall(&self) -> Timestamp {
        Timestamp(START.after(self.now).0 + self.wall_ahead)
    }

    pub fn violated(&mut self, rule: &str, details: impl AsRef<str>) {
        let violation = format!("{rule}: {}", details.as_ref());
        self.tell(&format!("!! {violation}"));
        self.violations.push(violation);
    }

    pub fn tell(&mut self, words: &str) {
        let now = self.now.as_secs_f64();
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{now:9.3} {words}");
        }
    }

    pub fn new_pid(&mut self) -> Pid {
        self.next_pid += 1;
        self.next_pid
    }

    /// The process is gone; the system closes its files.
    pub fn ended(&mut self, pid: Pid) {
        self.alive.remove(&pid);
        self.connected.remove(&pid);
        if self.holders.remove(&pid) && !self.has(Break::LockOutlivesItsProcess) {
            self.signals += 1;
        } else if self.has(Break::LockOutlivesItsProcess) {
            self.holders.insert(pid);
        }
        self.scoped_holders.remove(&pid);
    }

    /// The pair that the record holds.
    pub fn stored_pair(&self) -> Option<usize> {
        self.record.as_ref().and_then(pair_of)
    }

    /// True if a process could still find this pair.
    pub fn is_durable(&self, pair: usize) -> bool {
        let is_sealed = match (&self.rescue, &self.record) {
            (Rescue::Sealed { record, key }, Some(stored)) => {
                let opens = stored.intent.as_ref().is_some_and(|intent| {
                    intent.key == *key && intent.generation == record.generation
                });
                opens && pair_of(record) == Some(pair)
            }
            _ => false,
        };
        is_sealed || self.stored_pair() == Some(pair)
    }

    /// A number that is the same for the same state of everything that is shared.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let hash = &mut hasher;
        (self.condition, self.wall_ahead, self.is_torn, self.is_noted).hash(hash);
        (self.now.as_secs() / 10, &self.holders, &self.scoped_holders).hash(hash);
        (&self.alive, self.is_signed_out, self.outcome_version).hash(hash);
        self.record.as_ref().map(digest_of).hash(hash);
        self.outcome
            .as_ref()
            .map(|it| format!("{:?}", it.what))
            .hash(hash);
        match &self.rescue {
            Rescue::Absent => 0.hash(hash),
            Rescue::Reserved => 1.hash(hash),
            Rescue::Sealed { record, .. } => digest_of(record).hash(hash),
        }
        for entry in &self.scoped.entries {
            (
                entry.token().map(AccessToken::expose),
                entry.ending,
                entry.rejected,
            )
                .hash(hash);
        }
        self.server.hash(hash);
        hasher.finish()
    }
}

/// The number of the pair that the server granted.
pub fn pair_of(record: &Record) -> Option<usize> {
    number_of(record.tokens.access_token().expose())
}

/// The number in a simulated token, as `ghu_7`.
pub fn number_of(token: &str) -> Option<usize> {
    token.get(4..)?.parse().ok()
}

pub fn digest_of(record: &Record) -> u64 {
    let mut hasher = DefaultHasher::new();
    let hash = &mut hasher;
    (record.generation, pair_of(record), record.obtained_at.0).hash(hash);
    record
        .intent
        .as_ref()
        .map(|intent| (intent.generation, intent.interrupted_at.is_some()))
        .hash(hash);
    record.account.is_some().hash(hash);
    record.rejected.map(|it| format!("{it:?}").len()).hash(hash);
    record
        .refresh_rejected
        .map(|it| (it.interrupted_at.is_some(), it.access_checked_at.is_some()))
        .hash(hash);
    hasher.finish()
}
