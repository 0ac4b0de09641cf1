//! The one lock around a conversation: whoever has something to tell takes it, and does what comes of it.
//! So a line that is passed on changes hands no more than it has to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use crate::mcp::child::{self, Server, SharedRedactor};
use crate::mcp::conversation::{
    Action, Conversation, Ended, Event, News, Settings, Told, Trouble,
};
use crate::mcp::dialog::Code;
use crate::mcp::line::Line;
use crate::mcp::streams::LineWriter;
use crate::mcp::wrapper::{Fetched, Tokens, Wrapper};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// What threads have to tell.
pub enum Word {
    /// The client sent a line.
    Client(Line),
    /// It will send no more.
    ClientClosed,
    /// A server sent a line.
    Server(u32, Line),
    /// It will send no more.
    Silent(u32),
    /// Its first process is gone.
    Ended(u32, Ended),
    /// The last of its processes is gone.
    Stopped(u32),
    /// What came of a fetch or a check.
    Token(Fetched),
    /// The device flow has a code.
    Code(Code),
    /// What came of a sign-in.
    SignedIn(Fetched),
    /// This process shall end.
    Signal(u8),
    /// Nothing; time has passed.
    Tick,
}

/// The code of a command that cannot be run, as shells have it.
const CANNOT_RUN: u8 = 126;

/// The longest that nobody looks at the time.
const LONG: Duration = Duration::from_secs(3600);

/// What stands on the stage.
pub struct Props<'env> {
    wrapper: &'env Wrapper<'env>,
    client: Arc<LineWriter>,
    running: Mutex<Running>,
    /// The time at which something is to happen has changed.
    sooner: Condvar,
}

/// A conversation that runs, and what it has in hand.
struct Running {
    conversation: Conversation,
    latest: Option<(News, AccessToken)>,
    servers: HashMap<u32, Server>,
    /// Tells the last sign-in that nobody waits for it any more.
    given_up: Arc<AtomicBool>,
    /// The time-keeper looks again then.
    looks_at: Duration,
}

/// Where threads meet.
#[derive(Clone, Copy)]
pub struct Stage<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    props: &'env Props<'env>,
}

impl<'env> Props<'env> {
    /// For a conversation that begins.
    pub fn new(wrapper: &'env Wrapper<'env>, settings: Settings) -> Self {
        Self {
            wrapper,
            client: LineWriter::to_client(),
            running: Mutex::new(Running {
                conversation: Conversation::begin(settings, wrapper.now()),
                latest: None,
                servers: HashMap::new(),
                given_up: Arc::default(),
                looks_at: Duration::ZERO,
            }),
            sooner: Condvar::new(),
        }
    }
}

impl<'scope, 'env> Stage<'scope, 'env> {
    /// Puts them up.
    pub fn new(scope: &'scope Scope<'scope, 'env>, props: &'env Props<'env>) -> Self {
        Self { scope, props }
    }

    /// A thread of the stage's own.
    pub fn spawn(self, work: impl FnOnce() + Send + 'scope) {
        self.scope.spawn(work);
    }

    /// Tells something, and does what comes of it. What the client is to read may be left to another thread.
    pub fn tell(self, word: Word) {
        self.play(word);
        self.props.client.wake();
    }

    /// The same for who may wait until the client reads: a server's lines come no faster than that.
    pub fn tell_and_write(self, word: Word) {
        self.play(word);
        self.props.client.write_queued();
    }

    /// Has the conversation know that time passes.
    pub fn keep_time(self) {
        loop {
            self.tell(Word::Tick);
            let running = self.running();
            let part = running.looks_at.saturating_sub(self.props.wrapper.clock.monotonic());
            // A part of the time only: the clock that counts may run otherwise than the system's.
            let part = (part / 10).max(Duration::from_millis(10));
            let _ = self.props.sooner.wait_timeout(running, part);
        }
    }

    fn play(self, word: Word) {
        let wrapper = self.props.wrapper;
        let told = match &word {
            Word::Client(_) => wrapper.tokens.told(),
            _ => None,
        };
        let mut running = self.running();
        let event = running.event(word, told, self);
        running.conversation.on(event, wrapper.now());
        let mut strays = Vec::new();
        while let Some(action) = running.conversation.next_action() {
            match action {
                Action::Stray(number, line) => strays.push((running.mask_of(number), line)),
                action => running.act(action, self),
            }
        }
        let tick = running.conversation.next_tick();
        let tick = tick.unwrap_or_else(|| wrapper.clock.monotonic() + LONG);
        let is_sooner = tick < running.looks_at;
        running.looks_at = tick;
        drop(running);
        if is_sooner {
            self.props.sooner.notify_one();
        }
        // Only who reads a server waits here, should nobody read standard error.
        for (mask, line) in strays {
            if let Some(mask) = mask {
                child::show(&mask, &line);
            }
        }
    }

    fn running(&self) -> MutexGuard<'env, Running> {
        let running = &self.props.running;
        running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self, question: impl FnOnce(&dyn Tokens) -> Word + Send + 'scope) {
        let tokens = self.props.wrapper.tokens;
        self.spawn(move || self.tell(question(tokens)));
    }
}

impl Running {
    fn event(&mut self, word: Word, told: Option<Told>, stage: Stage<'_, '_>) -> Event {
        match word {
            Word::Client(line) => Event::Client(line, told),
            Word::ClientClosed => Event::Close(None),
            Word::Signal(signal) => Event::Close(Some(signal)),
            Word::Server(number, line) => Event::Server(number, line),
            Word::Silent(number) => {
                self.stop(number, stage);
                Event::Tick
            }
            Word::Ended(number, ended) => {
                // What it has started may be left.
                self.stop(number, stage);
                Event::Ended(number, ended)
            }
            Word::Stopped(number) => {
                let server = self.servers.remove(&number);
                tell_guard('-', server.as_ref(), stage);
                Event::Tick
            }
            Word::Token(fetched) => Event::Token(self.known(fetched)),
            Word::Code(code) => Event::Code(code),
            Word::SignedIn(fetched) => Event::SignedIn(self.known(fetched)),
            Word::Tick => Event::Tick,
        }
    }

    fn mask_of(&self, number: u32) -> Option<SharedRedactor> {
        self.servers.get(&number).map(Server::mask)
    }

    fn known(&mut self, fetched: Fetched) -> Result<News, Trouble> {
        let (news, token) = fetched?;
        self.latest = Some((news, token));
        Ok(news)
    }

    fn act(&mut self, action: Action, stage: Stage<'_, '_>) {
        let wrapper = stage.props.wrapper;
        match action {
            Action::ToClient(line) => stage.props.client.push(line),
            Action::ToServer(number, line) => {
                if let Some(server) = self.servers.get(&number) {
                    server.send(line);
                }
            }
            Action::Start(number, generation) => self.start(number, generation, stage),
            Action::Stop(number) => self.stop(number, stage),
            Action::Fetch => stage.ask(|tokens| Word::Token(tokens.fetch())),
            Action::Check(generation) => {
                stage.ask(move |tokens| Word::Token(tokens.check(generation)));
            }
            Action::SignIn => self.sign_in(stage),
            Action::GiveUpSignIn => self.given_up.store(true, Ordering::SeqCst),
            Action::Note(_) | Action::Step(_) if !Terminal.takes_notes() => {}
            Action::Note(text) => Terminal.note(&format!("mcp: {text}")),
            Action::Step(words) => wrapper.steps.info(|| format!("mcp: {words}")),
            // Shown by who has heard it.
            Action::Stray(..) => {}
            Action::End(code) => {
                stage.props.client.finish();
                (wrapper.end)(Ok(code));
            }
        }
    }

    fn start(&mut self, number: u32, generation: Option<u64>, stage: Stage<'_, '_>) {
        let wrapper = stage.props.wrapper;
        let latest = self.latest.as_ref();
        let token = latest
            .filter(|(news, _)| Some(news.generation) == generation)
            .map(|(_, token)| token);
        match child::start(number, wrapper.command, wrapper.variables, token, stage) {
            Ok(server) => {
                tell_guard('+', Some(&server), stage);
                self.servers.insert(number, server);
            }
            Err(error) if number == 1 => (wrapper.end)(Err(error)),
            Err(error) => {
                Terminal.note(&format!("mcp: cannot start the server: {error}"));
                let ended = Ended { code: CANNOT_RUN };
                stage.spawn(move || stage.tell(Word::Ended(number, ended)));
            }
        }
    }

    fn stop(&mut self, number: u32, stage: Stage<'_, '_>) {
        if let Some(server) = self.servers.get_mut(&number) {
            server.stop(stage);
        }
    }

    fn sign_in(&mut self, stage: Stage<'_, '_>) {
        self.given_up = Arc::default();
        let given_up = Arc::clone(&self.given_up);
        stage.ask(move |tokens| {
            let show = move |code| stage.tell(Word::Code(code));
            Word::SignedIn(tokens.sign_in(&show, &given_up))
        });
    }
}

fn tell_guard(sign: char, server: Option<&Server>, stage: Stage<'_, '_>) {
    if let Some(family) = server.and_then(Server::family) {
        (stage.props.wrapper.guard)(sign, family);
    }
}
