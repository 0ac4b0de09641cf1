//! One simulated process: a coroutine that hands over to the scheduler before each effect on something shared.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use ghtok::testing::auth::record::Record;

use super::world::{Pid, Shared, World};

/// What a process is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: &'static str,
    pub kind: Kind,
}

/// In which ways a call can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It cannot fail.
    Plain,
    /// Reading the store.
    Read,
    /// Writing the store: it may fail, and it may fail although the store has written.
    Write,
    /// Writing a file of the state folder.
    File,
    /// Connecting to GitHub.
    Connect,
    /// Sending a request to GitHub.
    Send,
    /// Receiving the answer of a refresh.
    Receive,
    /// Starting a process.
    Spawn,
    /// Nothing, until then. A process that only looks for something need not wake before it happens.
    Sleep { until: Duration, is_polling: bool },
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Done,
    /// It fails and has no effect.
    Fails,
    /// It fails, and has its effect all the same; or the answer is lost.
    FailsLater,
    /// It works after 20 seconds.
    Slow,
}

impl Kind {
    /// The verdicts besides `Done`, each of which is a fault.
    pub fn faults(self) -> &'static [Verdict] {
        match self {
            Self::Plain | Self::Sleep { .. } => &[],
            Self::Read | Self::File | Self::Spawn => &[Verdict::Fails],
            Self::Write | Self::Send => &[Verdict::Fails, Verdict::FailsLater],
            Self::Connect => &[Verdict::Fails, Verdict::Slow],
            Self::Receive => &[Verdict::FailsLater, Verdict::Slow],
        }
    }
}

/// What a process ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A token, by its number.
    Served(usize),
    /// A scoped token, by its number.
    ServedScoped(usize),
    Done,
    Failed(String),
}

/// What the ports of a process use.
pub struct Own<'y> {
    pub pid: Pid,
    pub has_network: bool,
    pub world: &'y Shared,
    yielder: &'y Yielder<Verdict, Call>,
    /// A number of all that this process has seen.
    history: &'y Cell<u64>,
    last_seen: RefCell<(&'static str, u64)>,
    /// How long it slept.
    slept: &'y Cell<Duration>,
    /// The version of the record when it last read it.
    pub read_version: Cell<u64>,
    /// The record that it last read.
    pub last_read: RefCell<Option<Record>>,
}

impl Own<'_> {
    /// Hands over; returns when the scheduler lets this process go on.
    pub fn step(&self, name: &'static str, kind: Kind) -> Verdict {
        let verdict = self.yielder.suspend(Call { name, kind });
        if verdict == Verdict::Slow {
            self.pass(Duration::from_secs(20));
        }
        verdict
    }

    pub fn sleep(&self, duration: Duration, is_polling: bool) {
        // Nobody can tell a slow process from a long pause, and fewer looks are fewer states.
        let duration = if is_polling {
            duration.max(Duration::from_millis(250))
        } else {
            duration
        };
        let until = self.world.borrow().now + duration;
        self.step("sleep", Kind::Sleep { until, is_polling });
        self.slept.set(self.slept.get() + duration);
    }

    fn pass(&self, duration: Duration) {
        self.world.borrow_mut().now += duration;
        self.slept.set(self.slept.get() + duration);
    }

    /// Remembers what this process has seen. The same again while it waits is nothing new.
    pub fn saw(&self, name: &'static str, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let seen = (name, hasher.finish());
        if self.last_seen.replace(seen) == seen {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (self.history.get(), seen).hash(&mut hasher);
        self.history.set(hasher.finish());
    }

    pub fn tell(&self, words: impl FnOnce() -> String) {
        let mut world = self.world.borrow_mut();
        if world.log.is_some() {
            world.tell(&format!("p{}: {}", self.pid, words()));
        }
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.world.borrow_mut())
    }
}

/// Whether a process can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting(Call),
    Ended(Ended),
    Killed,
}

type Body = Coroutine<Verdict, Call, Ended, DefaultStack>;

/// A process as the scheduler sees it.
pub struct Process {
    pub pid: Pid,
    pub name: &'static str,
    pub has_network: bool,
    pub parent: Option<Pid>,
    pub state: State,
    pub is_stopped: bool,
    /// The step of its first instruction.
    pub began: Option<u64>,
    /// The state of `World::signals` when it began to sleep.
    pub signals: u64,
    body: Option<Body>,
    cells: std::rc::Rc<(Cell<u64>, Cell<Duration>)>,
}

const STACK: usize = 512 * 1024;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

impl Process {
    /// A process that has not begun.
    pub fn new(
        pid: Pid,
        name: &'static str,
        has_network: bool,
        parent: Option<Pid>,
        world: &Shared,
        main: impl FnOnce(&Own<'_>) -> Ended + 'static,
    ) -> Self {
        let stack = STACKS.with_borrow_mut(Vec::pop);
        let stack = stack.unwrap_or_else(|| DefaultStack::new(STACK).expect("a stack"));
        let cells = std::rc::Rc::new((Cell::new(0), Cell::new(Duration::ZERO)));
        let (world, own_cells) = (world.clone(), cells.clone());
        let mut body = Body::with_stack(stack, move |yielder: &Yielder<Verdict, Call>, _| {
            let own = Own {
                pid,
                has_network,
                world: &world,
                yielder,
                history: &own_cells.0,
                last_seen: RefCell::new(("", 0)),
                slept: &own_cells.1,
                read_version: Cell::new(0),
                last_read: RefCell::new(None),
            };
            own.step("begin", Kind::Plain);
            main(&own)
        });
        let CoroutineResult::Yield(first) = body.resume(Verdict::Done) else {
            unreachable!("it hands over before it begins");
        };
        Self {
            pid,
            name,
            has_network,
            parent,
            state: State::Waiting(first),
            is_stopped: false,
            began: None,
            signals: 0,
            body: Some(body),
            cells,
        }
    }

    /// Lets it go on to its next call. A panic is the state's text.
    pub fn resume(&mut self, verdict: Verdict) -> Result<(), String> {
        let Some(body) = &mut self.body else {
            return Ok(());
        };
        let resumed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.resume(verdict)));
        match resumed {
            Ok(CoroutineResult::Yield(call)) => self.state = State::Waiting(call),
            Ok(CoroutineResult::Return(ended)) => {
                self.state = State::Ended(ended);
                self.free();
            }
            Err(panic) => {
                self.state = State::Killed;
                self.body = None;
                let text = panic.downcast_ref::<String>().cloned();
                return Err(text.unwrap_or_else(|| "a panic".into()));
            }
        }
        Ok(())
    }

    /// It never goes on.
    pub fn kill(&mut self) {
        self.state = State::Killed;
        self.free();
    }

    fn free(&mut self) {
        if let Some(mut body) = self.body.take() {
            if !body.done() {
                body.force_unwind();
            }
            STACKS.with_borrow_mut(|stacks| stacks.push(body.into_stack()));
        }
    }

    pub fn call(&self) -> Option<Call> {
        match self.state {
            State::Waiting(call) => Some(call),
            State::Ended(_) | State::Killed => None,
        }
    }

    pub fn history(&self) -> u64 {
        self.cells.0.get()
    }

    pub fn slept(&self) -> Duration {
        self.cells.1.get()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.free();
    }
}
