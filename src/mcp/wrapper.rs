//! The loop around a conversation: what happens goes in, what is to be done comes out and is done.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::mcp::child::Server;
use crate::mcp::conversation::{
    Action, Conversation, Ended, Event, News, Now, Settings, Told, Trouble,
};
use crate::mcp::dialog::Code;
use crate::mcp::environment::Variable;
use crate::mcp::line::Line;
use crate::mcp::wire::{Outbox, listen};
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

/// What the loop works with.
pub struct Wrapper<'a> {
    /// The server's command.
    pub command: &'a [OsString],
    /// Its environment.
    pub variables: &'a [Variable],
    /// Where tokens come from.
    pub tokens: &'a dyn Tokens,
    /// Time.
    pub clock: &'a (dyn Clock + Sync),
    /// Where steps are told.
    pub steps: Steps,
    /// Told of every family of processes that begins (`+`) and has ended (`-`).
    pub guard: &'a (dyn Fn(char, u32) + Sync),
}

/// What threads tell the loop.
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
}

/// Why the server could not be started at all.
pub type NotStarted = std::io::Error;

/// The code of a command that cannot be run, as shells have it.
const CANNOT_RUN: u8 = 126;

impl Wrapper<'_> {
    /// Runs to the end and hands its code to `end`, which must not return: threads may still wait.
    ///
    /// # Errors
    /// If the first server cannot be started.
    pub fn run(&self, settings: Settings, end: &dyn Fn(u8)) -> Result<(), NotStarted> {
        let (words, heard) = mpsc::channel();
        listen(words.clone());
        let ender = words.clone();
        signals::tell(Box::new(move |signal| {
            let _ = ender.send(Word::Signal(u8::try_from(signal).unwrap_or_default()));
        }));
        let conversation = Conversation::begin(settings, self.now());
        thread::scope(|scope| {
            let running = Running {
                wrapper: self,
                scope,
                conversation,
                latest: None,
                servers: HashMap::new(),
                outbox: Outbox::open(),
                words,
                given_up: Arc::default(),
            };
            running.run(&heard).map(end)
        })
    }

    fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }
}

/// A conversation that runs, and what it has in hand.
struct Running<'scope, 'env> {
    wrapper: &'env Wrapper<'env>,
    scope: &'scope Scope<'scope, 'env>,
    conversation: Conversation,
    latest: Option<(News, AccessToken)>,
    servers: HashMap<u32, Server>,
    outbox: Outbox,
    /// Given to every thread that has something to tell.
    words: Sender<Word>,
    /// Tells the last sign-in that nobody waits for it any more.
    given_up: Arc<AtomicBool>,
}

impl Running<'_, '_> {
    fn run(mut self, heard: &Receiver<Word>) -> Result<u8, NotStarted> {
        loop {
            while let Some(action) = self.conversation.next_action() {
                if let Action::End(code) = action {
                    self.outbox.flush();
                    return Ok(code);
                }
                self.act(action)?;
            }
            let event = match self.next_word(heard) {
                Some(word) => self.event(word),
                None => Event::Tick,
            };
            self.conversation.on(event, self.wrapper.now());
        }
    }

    fn next_word(&self, heard: &Receiver<Word>) -> Option<Word> {
        let Some(tick) = self.conversation.next_tick() else {
            return heard.recv().ok();
        };
        // A part of the time only: the clock that counts may run otherwise than the system's.
        let left = tick.saturating_sub(self.wrapper.clock.monotonic());
        let part = (left / 10).max(Duration::from_millis(10));
        heard.recv_timeout(part).ok()
    }

    fn event(&mut self, word: Word) -> Event {
        match word {
            Word::Client(line) => Event::Client(line, self.wrapper.tokens.told()),
            Word::ClientClosed => Event::Close(None),
            Word::Signal(signal) => Event::Close(Some(signal)),
            Word::Server(number, line) => Event::Server(number, line),
            Word::Silent(number) => {
                self.stop(number);
                Event::Tick
            }
            Word::Ended(number, ended) => {
                // What it has started may be left.
                self.stop(number);
                Event::Ended(number, ended)
            }
            Word::Stopped(number) => {
                let server = self.servers.remove(&number);
                self.tell_guard('-', server.as_ref());
                Event::Tick
            }
            Word::Token(fetched) => Event::Token(self.known(fetched)),
            Word::Code(code) => Event::Code(code),
            Word::SignedIn(fetched) => Event::SignedIn(self.known(fetched)),
        }
    }

    fn known(&mut self, fetched: Fetched) -> Result<News, Trouble> {
        let (news, token) = fetched?;
        self.latest = Some((news, token));
        Ok(news)
    }

    fn act(&mut self, action: Action) -> Result<(), NotStarted> {
        match action {
            Action::ToClient(line) => self.outbox.send(line),
            Action::ToServer(number, line) => {
                if let Some(server) = self.servers.get(&number) {
                    server.send(line);
                }
            }
            Action::Start(number, generation) => return self.start(number, generation),
            Action::Stop(number) => self.stop(number),
            Action::Fetch => self.ask(|tokens| Word::Token(tokens.fetch())),
            Action::Check(generation) => {
                self.ask(move |tokens| Word::Token(tokens.check(generation)));
            }
            Action::SignIn => self.sign_in(),
            Action::GiveUpSignIn => self.given_up.store(true, Ordering::SeqCst),
            Action::Note(text) => Terminal.note(&format!("mcp: {text}")),
            Action::Step(words) => self.wrapper.steps.info(|| format!("mcp: {words}")),
            Action::Stray(number, line) => {
                if let Some(server) = self.servers.get(&number) {
                    server.show(&line);
                }
            }
            // The loop's own.
            Action::End(_) => {}
        }
        Ok(())
    }

    /// From this thread, which lasts: on Linux a server ends with the thread that started it.
    fn start(&mut self, number: u32, generation: Option<u64>) -> Result<(), NotStarted> {
        let Wrapper {
            command, variables, ..
        } = *self.wrapper;
        let latest = self.latest.as_ref();
        let token = latest
            .filter(|(news, _)| Some(news.generation) == generation)
            .map(|(_, token)| token);
        match Server::start(number, command, variables, token, &self.words) {
            Ok(server) => {
                self.tell_guard('+', Some(&server));
                self.servers.insert(number, server);
            }
            Err(error) if number == 1 => return Err(error),
            Err(error) => {
                Terminal.note(&format!("mcp: cannot start the server: {error}"));
                let ended = Ended { code: CANNOT_RUN };
                let _ = self.words.send(Word::Ended(number, ended));
            }
        }
        Ok(())
    }

    fn stop(&mut self, number: u32) {
        if let Some(server) = self.servers.get_mut(&number) {
            server.stop(&self.words);
        }
    }

    fn tell_guard(&self, sign: char, server: Option<&Server>) {
        if let Some(family) = server.and_then(Server::family) {
            (self.wrapper.guard)(sign, family);
        }
    }

    fn ask(&self, question: impl FnOnce(&dyn Tokens) -> Word + Send + 'static) {
        let (tokens, words) = (self.wrapper.tokens, self.words.clone());
        self.scope.spawn(move || words.send(question(tokens)));
    }

    fn sign_in(&mut self) {
        self.given_up = Arc::default();
        let given_up = Arc::clone(&self.given_up);
        let shown = self.words.clone();
        self.ask(move |tokens| {
            let show = move |code| drop(shown.send(Word::Code(code)));
            Word::SignedIn(tokens.sign_in(&show, &given_up))
        });
    }
}
