//! What a wrapper works with, and its threads.

use std::ffi::OsString;
use std::sync::atomic::AtomicBool;
use std::thread;

use crate::auth::ports::Clock;
use crate::host::token_env;
use crate::mcp::conversation::{News, Now, Settings, Told, Trouble};
use crate::mcp::dialog::Code;
use crate::mcp::line::ByteBudget;
use crate::mcp::stage::{Props, Stage, Word};
use crate::mcp::streams::read_lines;
use crate::steps::Steps;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// A token, and what is known of it.
pub type Fetched = Result<(News, AccessToken), Trouble>;

/// Where tokens come from.
pub trait Tokens: Sync {
    /// A valid token; refreshed if it is due. May take as long as any caller waits.
    fn fetch(&self) -> Fetched;
    /// The same, after the token of this generation was checked: somebody saw it refused.
    fn check(&self, generation: u64) -> Fetched;
    /// Signs a person in, who is shown the code; ends soon after `given_up`.
    fn sign_in(&self, show: &(dyn Fn(Code) + Sync), given_up: &AtomicBool) -> Fetched;
    /// What the outcome file tells now.
    fn told(&self) -> Option<Told>;
}

/// What a wrapper works with.
pub struct Wrapper<'a> {
    /// The server's command.
    pub command: &'a [OsString],
    /// Its environment.
    pub variables: &'a [token_env::Change],
    /// Where tokens come from.
    pub tokens: &'a dyn Tokens,
    /// Time.
    pub clock: &'a (dyn Clock + Sync),
    /// Where steps are told.
    pub steps: Steps,
    /// Told of every family of processes that begins (`+`) and has ended (`-`).
    pub guard: &'a (dyn Fn(char, u32) + Sync),
    /// Takes the exit code, or why the first server could not be started. It must not return: threads may
    /// still wait.
    pub end: &'a (dyn Fn(Result<u8, NotStarted>) + Sync),
}

/// Why the server could not be started at all.
pub type NotStarted = std::io::Error;

impl Wrapper<'_> {
    /// Runs to the end.
    pub fn run(&self, settings: Settings) {
        let props = Props::new(self, settings);
        thread::scope(|scope| {
            let stage = Stage::new(scope, &props);
            scope.spawn(move || listen(stage));
            let (signalled, signals) = std::sync::mpsc::channel();
            signals::tell(Box::new(move |signal| {
                let _ = signalled.send(u8::try_from(signal).unwrap_or_default());
            }));
            scope.spawn(move || {
                for signal in signals {
                    stage.tell(Word::Signal(signal));
                }
            });
            stage.keep_time();
        });
    }

    pub(super) fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }
}

/// Tells what the client says. This thread never waits for the client to read.
fn listen(stage: Stage<'_, '_>) {
    let budget = ByteBudget::default();
    read_lines(Terminal.input(), |line| stage.tell(Word::Client(budget.acquire(line))));
    stage.tell(Word::ClientClosed);
}
