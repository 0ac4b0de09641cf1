//! Time that a test owns: nothing sleeps, and the fake GitHub can go by the same hands.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ghtok::testing::auth::ports::Clock;
use ghtok::testing::token::Timestamp;

/// Some moment of 2026 at which every fake clock starts.
pub const START: Timestamp = Timestamp(1_790_000_000);

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A machine's clocks beside the server's. Its clones show the same hands.
#[derive(Clone)]
pub struct FakeClock(Arc<Mutex<Hands>>);

struct Hands {
    /// What the wall clock was set to last, and how much time passed since.
    wall: (Timestamp, Duration),
    monotonic: Duration,
    server: Duration,
    /// How many seconds of this machine are one second at the server.
    drift: f64,
    sleeps: Vec<Duration>,
}

impl FakeClock {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Hands {
            wall: (START, Duration::ZERO),
            monotonic: Duration::ZERO,
            server: Duration::ZERO,
            drift: 1.0,
            sleeps: Vec::new(),
        })))
    }

    /// The hands for `FakeGitHub::builder().clock(…)`.
    pub fn of_the_server(&self) -> impl Fn() -> Duration + Send + Sync + 'static {
        let hands = Arc::clone(&self.0);
        move || locked(&hands).server
    }

    /// Sets the wall clock; no time passes.
    pub fn set_wall(&self, at: Timestamp) {
        self.hands().wall = (at, Duration::ZERO);
    }

    pub fn set_ahead(&self, by: Duration) {
        self.set_wall(self.now().after(by));
    }

    pub fn set_back(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).expect("a time of this age");
        self.set_wall(Timestamp(self.now().0 - seconds));
    }

    /// From now on this machine's clocks run so many times as fast as the server's.
    pub fn drift(&self, factor: f64) {
        self.hands().drift = factor;
    }

    /// Lets time pass for everybody.
    pub fn advance(&self, by: Duration) {
        let mut hands = self.hands();
        hands.wall.1 += by;
        hands.monotonic += by;
        let drift = hands.drift;
        hands.server += by.div_f64(drift);
    }

    /// The sleeps since the last call, in seconds.
    pub fn sleeps(&self) -> Vec<f64> {
        let sleeps = std::mem::take(&mut self.hands().sleeps);
        sleeps.iter().map(Duration::as_secs_f64).collect()
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        locked(&self.0)
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let (set, since) = self.hands().wall;
        set.after(since)
    }

    fn monotonic(&self) -> Duration {
        self.hands().monotonic
    }

    fn sleep(&self, duration: Duration) {
        self.hands().sleeps.push(duration);
        self.advance(duration);
    }

    fn local_time(&self, at: Timestamp) -> String {
        format!("START{:+}s", at.0 - START.0)
    }
}

/// A clock that does something of the test's after each sleep, told how many there were.
pub struct Scripted<'a> {
    clock: &'a FakeClock,
    after_sleep: &'a dyn Fn(usize),
    slept: Cell<usize>,
}

impl<'a> Scripted<'a> {
    pub fn new(clock: &'a FakeClock, after_sleep: &'a dyn Fn(usize)) -> Self {
        Self {
            clock,
            after_sleep,
            slept: Cell::new(0),
        }
    }
}

impl Clock for Scripted<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration);
        self.slept.set(self.slept.get() + 1);
        (self.after_sleep)(self.slept.get());
    }

    fn local_time(&self, at: Timestamp) -> String {
        self.clock.local_time(at)
    }
}

fn locked(hands: &Mutex<Hands>) -> MutexGuard<'_, Hands> {
    hands.lock().unwrap_or_else(PoisonError::into_inner)
}
