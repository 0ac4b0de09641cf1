//! Runs a conversation. Threads post events; the thread that posts one also performs the resulting
//! actions, under one lock, so that a line passes through as few threads as possible.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, Scope};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::host::token_env;
use crate::mcp::conversation::{
    Action, Conversation, Ended, Event, Now, Settings, TokenError, TokenInfo,
};
use crate::mcp::line::ByteBudget;
use crate::mcp::server_process::{self, RedactedStderr, ServerProcess, Started};
use crate::mcp::streams::{LineWriter, read_lines};
use crate::mcp::tokens::{Fetched, Tokens};
use crate::mcp::watchdog::Watchdog;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// The exit code of a command that cannot be run, as in shells.
const CANNOT_RUN: u8 = 126;

/// The longest time without a look at the clock.
const MAX_TIMER: Duration = Duration::from_secs(3600);

/// What `ghtok mcp` runs with.
pub(crate) struct Wrapper<'a> {
    /// The server's command.
    pub command: &'a [OsString],
    /// The changes to its environment.
    pub variables: &'a [token_env::EnvChange],
    /// Where tokens come from.
    pub tokens: &'a Tokens<'a>,
    /// Time.
    pub clock: &'a (dyn Clock + Sync),
    /// Ends the servers if this process is killed.
    pub watchdog: &'a Watchdog,
    /// Ends the process with this exit code, or because the first server could not be started. It must
    /// not return: threads may still be waiting.
    pub end: &'a (dyn Fn(io::Result<u8>) + Sync),
}

/// What the threads share.
struct Shared<'env> {
    wrapper: &'env Wrapper<'env>,
    client: Arc<LineWriter>,
    state: Mutex<RuntimeState>,
    /// The next timer is earlier than it was.
    earlier: Condvar,
}

struct RuntimeState {
    conversation: Conversation,
    latest: Option<(TokenInfo, AccessToken)>,
    servers: HashMap<u32, ServerProcess>,
    /// Cancels the last sign-in.
    sign_in_cancelled: Arc<AtomicBool>,
    /// When the next timer of the conversation fires.
    next_timer: Duration,
}

/// A handle by which threads post events; each has a copy.
#[derive(Clone, Copy)]
struct Runtime<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared<'env>,
}

impl Wrapper<'_> {
    /// Runs a conversation, until [`Self::end`] is called.
    pub(crate) fn run(&self, settings: Settings) {
        let shared = Shared {
            wrapper: self,
            client: LineWriter::to_client(),
            state: Mutex::new(RuntimeState {
                conversation: Conversation::begin(settings, self.now()),
                latest: None,
                servers: HashMap::new(),
                sign_in_cancelled: Arc::default(),
                next_timer: Duration::ZERO,
            }),
            earlier: Condvar::new(),
        };
        thread::scope(|scope| {
            let runtime = Runtime {
                scope,
                shared: &shared,
            };
            runtime.spawn(move || runtime.read_client());
            let (sender, received) = mpsc::channel();
            signals::on_signal(Box::new(move |signal| {
                let _ = sender.send(u8::try_from(signal).unwrap_or_default());
            }));
            runtime.spawn(move || {
                for signal in received {
                    runtime.post(Event::Close(Some(signal)));
                }
            });
            runtime.run_timers();
        });
    }

    fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }
}

impl<'scope, 'env> Runtime<'scope, 'env> {
    fn spawn(self, work: impl FnOnce() + Send + 'scope) {
        self.scope.spawn(work);
    }

    /// Handles an event without waiting for the client to read.
    fn post(self, event: Event) {
        self.handle(self.state(), event);
        self.shared.client.wake();
    }

    /// Handles an event, and waits for the client to read: a server that writes faster has to wait.
    fn post_and_write(self, event: Event) {
        self.handle(self.state(), event);
        self.shared.client.write_queued();
    }

    /// Keeps the token for servers to come, and handles the event that tells of it.
    fn post_fetched(self, fetched: Fetched, event: fn(Result<TokenInfo, TokenError>) -> Event) {
        let mut state = self.state();
        let news = fetched.map(|(news, token)| {
            state.latest = Some((news, token));
            news
        });
        self.handle(state, event(news));
        self.shared.client.wake();
    }

    fn read_client(self) {
        let tokens = self.shared.wrapper.tokens;
        let budget = ByteBudget::default();
        read_lines(Terminal.input(), |line| {
            let line = budget.acquire(line);
            self.post(Event::Client(line, tokens.last_outcome()));
        });
        self.post(Event::Close(None));
    }

    fn run_timers(self) {
        loop {
            self.post(Event::Tick);
            let state = self.state();
            let left = state
                .next_timer
                .saturating_sub(self.shared.wrapper.clock.monotonic());
            // A part of it only: the conversation's clock may run faster than the system's.
            let part = (left / 10).max(Duration::from_millis(10));
            let _ = self.shared.earlier.wait_timeout(state, part);
        }
    }

    fn handle(self, mut state: MutexGuard<'_, RuntimeState>, event: Event) {
        let wrapper = self.shared.wrapper;
        state.conversation.on(event, wrapper.now());
        let mut unparsed = Vec::new();
        while let Some(action) = state.conversation.next_action() {
            match action {
                Action::Unparsed(server, line) => unparsed.push((state.stderr_of(server), line)),
                action => self.act(&mut state, action),
            }
        }
        let timer = state.conversation.next_tick();
        let timer = timer.unwrap_or_else(|| wrapper.clock.monotonic() + MAX_TIMER);
        let is_earlier = timer < state.next_timer;
        state.next_timer = timer;
        drop(state);
        if is_earlier {
            self.shared.earlier.notify_one();
        }
        // Without the lock: if nobody reads standard error, only the thread of this server blocks.
        for (stderr, line) in unparsed {
            if let Some(stderr) = stderr {
                stderr.show(&line);
            }
        }
    }

    fn act(self, state: &mut RuntimeState, action: Action) {
        let wrapper = self.shared.wrapper;
        match action {
            Action::ToClient(line) => self.shared.client.push(line),
            Action::ToServer(server, line) => {
                if let Some(server) = state.servers.get(&server) {
                    server.send(line);
                }
            }
            Action::Start(server, generation) => self.start_server(state, server, generation),
            Action::Stop(server) => self.stop_server(state, server),
            Action::Fetch => {
                self.spawn(move || self.post_fetched(wrapper.tokens.fetch(), Event::Token));
            }
            Action::Check(generation) => self.spawn(move || {
                self.post_fetched(wrapper.tokens.check(generation), Event::Token);
            }),
            Action::SignIn => self.sign_in(state),
            Action::CancelSignIn => state.sign_in_cancelled.store(true, Ordering::SeqCst),
            Action::Note(_) | Action::Step(_) if !Terminal.takes_notes() => {}
            Action::Note(text) => Terminal.note(&format!("mcp: {text}")),
            Action::Step(text) => log::info!("mcp: {text}"),
            // Shown by `handle`, without the lock.
            Action::Unparsed(..) => {}
            Action::Exit(code) => {
                self.shared.client.finish();
                (wrapper.end)(Ok(code));
            }
        }
    }

    fn start_server(self, state: &mut RuntimeState, number: u32, generation: Option<u64>) {
        let wrapper = self.shared.wrapper;
        let token = state
            .latest
            .as_ref()
            .filter(|(news, _)| Some(news.generation) == generation)
            .map(|(_, token)| token);
        match server_process::start(wrapper.command, wrapper.variables, token) {
            Ok(started) => self.watch_server(state, number, started),
            Err(error) if number == 1 => (wrapper.end)(Err(error)),
            Err(error) => {
                Terminal.note(&format!("mcp: cannot start the server: {error}"));
                let ended = Ended { code: CANNOT_RUN };
                self.spawn(move || {
                    self.post(Event::Ended(number, ended));
                    self.post(Event::Gone(number));
                });
            }
        }
    }

    fn watch_server(self, state: &mut RuntimeState, number: u32, started: Started) {
        let Started {
            process,
            output,
            mut exit,
        } = started;
        if let Some(group) = process.group() {
            self.shared.wrapper.watchdog.add(group);
        }
        state.servers.insert(number, process);
        self.spawn(move || {
            output.for_each_line(|line| self.post_and_write(Event::Server(number, line)));
            self.stop_server(&mut self.state(), number);
        });
        self.spawn(move || {
            let ended = exit.wait();
            let mut state = self.state();
            // Other processes that it has started may be left.
            self.stop_server(&mut state, number);
            self.handle(state, Event::Ended(number, ended));
            self.shared.client.wake();
            exit.wait_for_all();
            self.forget_server(number);
            self.post(Event::Gone(number));
        });
    }

    fn stop_server(self, state: &mut RuntimeState, number: u32) {
        let stopping = state.servers.get_mut(&number).and_then(ServerProcess::stop);
        if let Some(end) = stopping {
            self.spawn(end);
        }
    }

    fn forget_server(self, number: u32) {
        let stopped = self.state().servers.remove(&number);
        if let Some(group) = stopped.and_then(|process| process.group()) {
            self.shared.wrapper.watchdog.remove(group);
        }
    }

    fn sign_in(self, state: &mut RuntimeState) {
        state.sign_in_cancelled = Arc::default();
        let cancelled = Arc::clone(&state.sign_in_cancelled);
        let tokens = self.shared.wrapper.tokens;
        self.spawn(move || {
            let show = |code| self.post(Event::UserCode(code));
            self.post_fetched(tokens.sign_in(&show, &cancelled), Event::SignedIn);
        });
    }

    fn state(self) -> MutexGuard<'env, RuntimeState> {
        let state = &self.shared.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RuntimeState {
    fn stderr_of(&self, server: u32) -> Option<RedactedStderr> {
        self.servers.get(&server).map(ServerProcess::stderr)
    }
}
