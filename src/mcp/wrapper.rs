//! The loop around a conversation: what happens goes in, what is to be done comes out and is done.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::mcp::child::Server;
use crate::mcp::conversation::{
    Action, Conversation, Ended, Event, News, Now, Settings, Told, Trouble,
};
use crate::mcp::dialog::Code;
use crate::mcp::environment::Variable;
use crate::mcp::line::{LONGEST, Line, Road};
use crate::system::{process, signals};
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
    /// Told of every process group that begins (`+`) and ends (`-`).
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
    /// A server is gone.
    Ended(u32, Ended),
    /// The last of a server's group is gone.
    Stopped(u32, u32),
    /// What came of a fetch or a check.
    Token(Fetched),
    /// The device flow has a code.
    Code(Code),
    /// What came of a sign-in.
    SignedIn(Fetched),
    /// This process shall end.
    Signal(u8),
}

/// What the writer of standard output is told.
enum Out {
    Line(Line),
    Flush(SyncSender<()>),
}

/// The room that a line may get before it is read.
const MOST_ROOM: usize = 128 * 1024;

/// How long the last lines may take to leave.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Why the server could not be started at all.
pub type NotStarted = std::io::Error;

impl Wrapper<'_> {
    /// Runs to the end and hands its code to `end`, which must not return: threads may still wait.
    ///
    /// # Errors
    /// If the first server cannot be started.
    pub fn run(&self, settings: Settings, end: &dyn Fn(u8)) -> Result<(), NotStarted> {
        process::widen(&std::io::stdout());
        let (words, heard) = mpsc::channel();
        let (out, lines_out) = mpsc::channel();
        thread::spawn(move || write(&lines_out));
        let client = words.clone();
        thread::spawn(move || listen(&client));
        let ender = words.clone();
        signals::tell(Box::new(move |signal| {
            let _ = ender.send(Word::Signal(u8::try_from(signal).unwrap_or_default()));
        }));
        let given_up = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut conversation = Conversation::begin(settings, self.now());
            let mut latest: Option<(News, AccessToken)> = None;
            let mut servers: HashMap<u32, Server> = HashMap::new();
            loop {
                while let Some(action) = conversation.next_action() {
                    match action {
                        Action::ToClient(line) => drop(out.send(Out::Line(line))),
                        Action::ToServer(number, line) => {
                            if let Some(server) = servers.get(&number) {
                                server.send(line);
                            }
                        }
                        Action::Start(number, generation) => {
                            let token = latest.as_ref().filter(|(news, _)| Some(news.generation) == generation);
                            let token = token.map(|(_, token)| token);
                            match Server::start(number, self.command, self.variables, token, &words) {
                                Ok(server) => {
                                    (self.guard)('+', server.group());
                                    servers.insert(number, server);
                                }
                                Err(error) if number == 1 => return Err(error),
                                Err(error) => {
                                    Terminal.note(&format!("mcp: cannot start the server: {error}"));
                                    let _ = words.send(Word::Ended(number, Ended { code: 126 }));
                                }
                            }
                        }
                        Action::Stop(number) => {
                            if let Some(server) = servers.get_mut(&number) {
                                server.stop(&words);
                            }
                        }
                        Action::Fetch => {
                            let words = words.clone();
                            scope.spawn(move || words.send(Word::Token(self.tokens.fetch())));
                        }
                        Action::Check(generation) => {
                            let words = words.clone();
                            scope.spawn(move || words.send(Word::Token(self.tokens.check(generation))));
                        }
                        Action::SignIn => {
                            given_up.store(false, Ordering::SeqCst);
                            let (words, given_up) = (words.clone(), &given_up);
                            scope.spawn(move || {
                                let shown = words.clone();
                                let show = move |code| drop(shown.send(Word::Code(code)));
                                let result = self.tokens.sign_in(&show, given_up);
                                words.send(Word::SignedIn(result))
                            });
                        }
                        Action::GiveUpSignIn => given_up.store(true, Ordering::SeqCst),
                        Action::Note(text) => Terminal.note(&format!("mcp: {text}")),
                        Action::Stray(number, line) => {
                            if let Some(server) = servers.get(&number) {
                                server.show(&line);
                            }
                        }
                        Action::End(code) => {
                            flush(&out);
                            for server in servers.values_mut() {
                                server.stop(&words);
                            }
                            end(code);
                            return Ok(());
                        }
                    }
                }
                let word = self.next_word(&heard, &conversation);
                let event = self.event(word, &mut latest, &mut servers);
                conversation.on(event, self.now());
            }
        })
    }

    fn now(&self) -> Now {
        Now {
            mono: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }

    fn next_word(&self, heard: &Receiver<Word>, conversation: &Conversation) -> Option<Word> {
        let Some(tick) = conversation.next_tick() else {
            return heard.recv().ok();
        };
        // A part of the time only: the clock that counts may run otherwise than the system's.
        let left = tick.saturating_sub(self.clock.monotonic());
        let part = (left / 10).max(Duration::from_millis(10));
        heard.recv_timeout(part).ok()
    }

    fn event(
        &self,
        word: Option<Word>,
        latest: &mut Option<(News, AccessToken)>,
        servers: &mut HashMap<u32, Server>,
    ) -> Event {
        let mut known = |fetched: Fetched| {
            fetched.map(|(news, token)| {
                *latest = Some((news, token));
                news
            })
        };
        match word {
            None => Event::Tick,
            Some(Word::Client(line)) => Event::Client(line, self.tokens.told()),
            Some(Word::ClientClosed) => Event::Close(None),
            Some(Word::Signal(signal)) => Event::Close(Some(signal)),
            Some(Word::Server(number, line)) => Event::Server(number, line),
            Some(Word::Ended(number, ended)) => {
                if let Some(server) = servers.get_mut(&number) {
                    (self.guard)('-', server.group());
                }
                Event::Ended(number, ended)
            }
            Some(Word::Stopped(number, _)) => {
                servers.remove(&number);
                Event::Tick
            }
            Some(Word::Token(fetched)) => Event::Token(known(fetched)),
            Some(Word::Code(code)) => Event::Code(code),
            Some(Word::SignedIn(fetched)) => Event::SignedIn(known(fetched)),
        }
    }
}

/// Reads lines to the end; a last one without its end counts too. Ends early if `take` says so, or
/// at a line that is too long.
pub fn lines(mut input: impl BufRead, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut usual = 0;
    loop {
        let mut line = Vec::with_capacity(usual);
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX) + 1;
        let read = input.by_ref().take(most).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        if line.len() > LONGEST {
            Terminal.note("mcp: a line of more than 64 MiB ends the conversation");
            return;
        }
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // Lines of one kind follow each other; a rare long one is not remembered.
        usual = line.len().min(MOST_ROOM);
        if !take(line) {
            return;
        }
    }
}

fn listen(words: &Sender<Word>) {
    let road = Road::default();
    lines(BufReader::with_capacity(64 * 1024, Terminal.input()), |line| {
        words.send(Word::Client(road.admit(line))).is_ok()
    });
    let _ = words.send(Word::ClientClosed);
}

fn write(lines: &Receiver<Out>) {
    for out in lines {
        match out {
            // A client that is gone closes its other end too.
            Out::Line(line) => drop(Terminal.data(&line)),
            Out::Flush(done) => drop(done.send(())),
        }
    }
}

fn flush(out: &Sender<Out>) {
    let (done, written) = mpsc::sync_channel(1);
    if out.send(Out::Flush(done)).is_ok() {
        let _ = written.recv_timeout(LAST_LINES);
    }
}
