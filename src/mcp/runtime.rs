//! Runs a conversation. Threads post events; the thread that posts one also performs the resulting
//! actions, under one lock, so that a line passes through as few threads as possible.

mod processes;
mod remote;

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, Scope};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::error::system_reason;
use crate::host::token_env;
use crate::mcp::conversation::{
    Action, Conversation, Event, Now, Remedy, Settings, TokenError, TokenInfo,
};
use crate::mcp::line::ByteBudget;
use crate::mcp::remote::Remote;
use crate::mcp::remote::session::RemoteSession;
use crate::mcp::server_process::ServerProcess;
use crate::mcp::stderr_queue::StderrQueue;
use crate::mcp::streams::{LineWriter, read_lines};
use crate::mcp::tokens::{Fetched, Tokens};
use crate::mcp::watchdog::Watchdog;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// The longest time without a look at the clock.
const MAX_TIMER: Duration = Duration::from_secs(3600);

/// What `ghtok mcp` runs with.
pub(crate) struct Wrapper<'a> {
    /// What its servers are.
    pub servers: Servers<'a>,
    /// Where tokens come from.
    pub tokens: &'a Tokens<'a>,
    /// Time.
    pub clock: &'a (dyn Clock + Sync),
    /// Ends the process with this exit code, or because the first server could not be started. It must
    /// not return: threads may still be waiting.
    pub end: &'a (dyn Fn(io::Result<u8>) + Sync),
}

/// What the servers of a conversation are.
pub(crate) enum Servers<'a> {
    /// Processes of this machine.
    Command(CommandServer<'a>),
    /// Sessions with this one.
    Remote(Arc<Remote>),
}

/// How a server is started.
pub(crate) struct CommandServer<'a> {
    /// The server's command.
    pub command: &'a [OsString],
    /// The changes to its environment.
    pub variables: Vec<token_env::EnvChange>,
    /// Ends the servers if this process is killed.
    pub watchdog: Watchdog,
}

/// A server that was started.
enum RunningServer {
    Process(ServerProcess),
    Session(Arc<RemoteSession>),
    /// Nobody is signed in: it answers in place of the remote one.
    StandIn,
}

/// What the threads share.
struct Shared<'env> {
    wrapper: &'env Wrapper<'env>,
    client: Arc<LineWriter>,
    stderr: Arc<StderrQueue>,
    state: Mutex<RuntimeState>,
    /// The next timer is earlier than it was.
    earlier: Condvar,
}

struct RuntimeState {
    conversation: Conversation,
    latest: Option<(TokenInfo, AccessToken)>,
    servers: HashMap<u32, RunningServer>,
    /// The signal that ends the conversation.
    signal: Option<u8>,
    /// Cancels the last sign-in.
    sign_in_cancelled: Arc<AtomicBool>,
    /// When the next timer of the conversation fires.
    next_timer: Duration,
    /// Events of what was to be done and could not be begun.
    follow_ups: VecDeque<Event>,
}

impl RuntimeState {
    /// The token of this generation, if it is the latest.
    fn token_of(&self, generation: Option<u64>) -> Option<&AccessToken> {
        let (info, token) = self.latest.as_ref()?;
        (Some(info.generation) == generation).then_some(token)
    }
}

/// A handle by which threads post events; each has a copy.
#[derive(Clone, Copy)]
struct Runtime<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared<'env>,
}

impl Wrapper<'_> {
    /// Runs a conversation, until [`Self::end`] is called.
    ///
    /// # Errors
    /// If there are no threads for it.
    pub(crate) fn run(&self, settings: Settings) -> io::Result<()> {
        let shared = Shared {
            wrapper: self,
            client: LineWriter::to_client()?,
            stderr: Arc::default(),
            state: Mutex::new(RuntimeState {
                conversation: Conversation::begin(settings, self.now()),
                latest: None,
                servers: HashMap::new(),
                signal: None,
                sign_in_cancelled: Arc::default(),
                next_timer: Duration::ZERO,
                follow_ups: VecDeque::new(),
            }),
            earlier: Condvar::new(),
        };
        thread::scope(|scope| {
            let runtime = Runtime {
                scope,
                shared: &shared,
            };
            if let Err(error) = runtime.listen() {
                (self.end)(Err(error));
            }
            runtime.run_timers();
        });
        Ok(())
    }

    fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }
}

impl<'scope, 'env> Runtime<'scope, 'env> {
    /// Begins to take in lines and signals.
    fn listen(self) -> io::Result<()> {
        let (sender, received) = mpsc::channel();
        signals::on_signal(Box::new(move |signal| {
            let _ = sender.send(signal);
        }))?;
        self.spawn(move || {
            for signal in received {
                self.pass_on(signal);
            }
        })?;
        self.spawn(move || self.read_client())
    }

    fn spawn(self, work: impl FnOnce() + Send + 'scope) -> io::Result<()> {
        thread::Builder::new()
            .spawn_scoped(self.scope, work)
            .map(drop)
    }

    /// Has a token fetched, or a person sign in. If no thread can be started, whoever needs it is told.
    fn get_token(
        self,
        state: &mut RuntimeState,
        event: impl FnOnce(Result<TokenInfo, TokenError>) -> Event + Copy + Send + 'scope,
        work: impl FnOnce() -> Fetched + Send + 'scope,
    ) {
        if let Err(error) = self.spawn(move || self.post_fetched(work(), event)) {
            state.follow_ups.push_back(event(Err(TokenError {
                text: format!("cannot start a thread: {}", system_reason(&error)),
                remedy: Remedy::Other,
            })));
        }
    }

    /// A signal to end is the servers' too, as without a wrapper.
    fn pass_on(self, signal: i32) {
        let mut state = self.state();
        for server in state.servers.values() {
            if let RunningServer::Process(process) = server {
                process.signal(signal);
            }
        }
        let signal = u8::try_from(signal).unwrap_or_default();
        state.signal = Some(signal);
        self.handle(state, Event::Close(Some(signal)));
        self.shared.client.wake();
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
    fn post_fetched(
        self,
        fetched: Fetched,
        event: impl FnOnce(Result<TokenInfo, TokenError>) -> Event,
    ) {
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
        let note = |text: &str| self.shared.stderr.push_note(text);
        read_lines(Terminal.input(), "client", note, |line| {
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
        let mut next = Some(event);
        while let Some(event) = next {
            state.conversation.on(event, wrapper.now());
            while let Some(action) = state.conversation.next_action() {
                self.act(&mut state, action);
            }
            next = state.follow_ups.pop_front();
        }
        let timer = state.conversation.next_tick();
        let timer = timer.unwrap_or_else(|| wrapper.clock.monotonic() + MAX_TIMER);
        let is_earlier = timer < state.next_timer;
        state.next_timer = timer;
        drop(state);
        if is_earlier {
            self.shared.earlier.notify_one();
        }
    }

    fn act(self, state: &mut RuntimeState, action: Action) {
        let wrapper = self.shared.wrapper;
        match action {
            Action::ToClient(line) => self.shared.client.push(line),
            Action::ToServer(server, line) => match state.servers.get(&server) {
                Some(RunningServer::Process(process)) => process.send(line),
                Some(_) => self.send_remote(state, server, line),
                None => {}
            },
            Action::Start(server, generation) => match &wrapper.servers {
                Servers::Command(command) => self.start_process(state, server, command, generation),
                Servers::Remote(remote) => Self::open_session(state, server, remote, generation),
            },
            Action::Stop(server) => match state.servers.get(&server) {
                Some(RunningServer::Process(_)) => self.stop_process(state, server),
                Some(_) => self.close_session(state, server),
                None => {}
            },
            Action::Fetch => {
                self.get_token(state, Event::Token, || wrapper.tokens.fetch());
            }
            Action::Check(generation) => {
                let token = state.token_of(Some(generation)).cloned();
                self.get_token(state, Event::Token, move || {
                    wrapper.tokens.check(token.as_ref())
                });
            }
            Action::SignIn(number) => self.sign_in(state, number),
            Action::CancelSignIn => state.sign_in_cancelled.store(true, Ordering::SeqCst),
            Action::Note(text) => self.shared.stderr.push_note(&format!("mcp: {text}")),
            Action::Step(_) if !Terminal.takes_notes() => {}
            Action::Step(text) => log::info!("mcp: {text}"),
            Action::Unparsed(server, line) => {
                if let Some(RunningServer::Process(process)) = state.servers.get(&server) {
                    let shown = process.stderr().redact(line.as_written());
                    self.shared.stderr.push_line(shown);
                }
            }
            Action::Exit(code) => {
                self.shared.client.finish();
                self.shared.stderr.finish();
                (wrapper.end)(Ok(code));
            }
        }
    }

    fn sign_in(self, state: &mut RuntimeState, number: u32) {
        state.sign_in_cancelled = Arc::default();
        let cancelled = Arc::clone(&state.sign_in_cancelled);
        let tokens = self.shared.wrapper.tokens;
        let event = move |result| Event::SignedIn(number, result);
        self.get_token(state, event, move || {
            let show = |code| self.post(Event::UserCode(number, code));
            tokens.sign_in(&show, &cancelled)
        });
    }

    fn state(self) -> MutexGuard<'env, RuntimeState> {
        let state = &self.shared.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
