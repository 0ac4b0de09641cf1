//! P4 and P9 on the real program with its real limits: 10 s to connect, 30 s for an answer, 4 s for a
//! check, 45 s for a caller. All that wait do so at the same time: 46 s in all.

mod quick;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fake_github::{CLIENT_ID, Endpoint, Failure, FakeGitHub, Fault, Reception, TlsIdentity};
use ghtok::testing::app::App;
use ghtok::testing::auth::record::{Record, Rejected};
use ghtok::testing::host::Host;
use ghtok::testing::limits::Limits;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::{decode, encode};

use crate::support::deadline::ends;
use crate::support::processes::{IN_TIME, Watch};
use crate::support::records::with_lock;
use crate::support::sandbox::{Program, Run, Sandbox, now, record_of};

const LIMITS: Limits = Limits::STANDARD;

/// What the system adds to a limit: two processes are started, and Linux rounds a socket's time-out of
/// half a minute up by as much as two seconds.
const SLACK: Duration = Duration::from_secs(3);

/// A name that leads to no machine (RFC 6761 section 6.4), for what only a proxy reaches.
const BEHIND: &str = "behind.invalid";

/// A sign-in, and a call that meets a trouble.
struct Trial {
    what: &'static str,
    fake: FakeGitHub,
    sandbox: Sandbox,
    app: App,
    old_token: String,
    command: Command,
    expected: Expected,
    /// What has to stay as it is while the call runs.
    world: Vec<Box<dyn Send>>,
}

/// What must come of it.
#[derive(Clone, Copy)]
struct Expected {
    code: i32,
    says: &'static str,
    /// The limit that it runs into; none if it is refused at once.
    limit: Duration,
}

const OVER: Duration = Duration::ZERO;
/// Due, and longer alive than any wait.
const ALIVE: Duration = Duration::from_secs(200);

fn after(limit: Duration, code: i32, says: &'static str) -> Expected {
    Expected { code, says, limit }
}

fn at_once(code: i32, says: &'static str) -> Expected {
    after(Duration::ZERO, code, says)
}

impl Trial {
    /// `get`, with this much of the token's life left.
    fn get(what: &'static str, fake: FakeGitHub, left: Duration, expected: Expected) -> Self {
        let host = fake.base_url().to_owned();
        Self::at(what, fake, &host, left, expected)
    }

    /// The same at another host: the fake has made the tokens and is not asked.
    fn at(
        what: &'static str,
        fake: FakeGitHub,
        host: &str,
        left: Duration,
        expected: Expected,
    ) -> Self {
        let sandbox = Sandbox::new(&fake);
        let app = App {
            host: Host::parse(host).expect("a host"),
            ..sandbox.app()
        };
        let pair = fake.mint(CLIENT_ID);
        let mut command = sandbox.command(Program::Real, ["get"]);
        command.env("GHTOK_HOST", host);
        let trial = Self {
            what,
            old_token: pair.access_token.clone(),
            fake,
            sandbox,
            app,
            command,
            expected,
            world: Vec::new(),
        };
        trial.put(&record_of(&pair, left));
        trial
    }

    fn slot(&self) -> FileSlot {
        FileSlot::new(&self.sandbox.state_folder(), &self.app.key())
    }

    fn put(&self, record: &Record) {
        self.slot().write(&encode(record)).expect("a record");
    }

    fn with(self, fault: Fault) -> Self {
        self.fake.fail_next(Endpoint::Refresh, fault);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn trusting(self) -> Self {
        let pem = self.fake.ca_pem().expect("TLS is on").to_owned();
        let file = self.sandbox.home().join("ca.pem");
        std::fs::write(&file, pem).expect("certificates");
        self.sandbox.configure("ca_file = \"../ca.pem\"\n");
        self
    }

    fn keeping(mut self, world: impl Send + 'static) -> Self {
        self.world.push(Box::new(world));
        self
    }

    /// Runs it, and holds it against what is expected.
    fn run(mut self) {
        let Expected { code, says, limit } = self.expected;
        let watch = Watch::over(&self.sandbox);
        let began = Instant::now();
        let child = self.command.spawn().expect("ghtok starts");
        let run = ends(child, limit + IN_TIME);
        let took = began.elapsed();
        let what = format!("{} after {took:?}: {run:?}", self.what);
        assert_eq!(run.code, Some(code), "{what}");
        assert!(run.stderr.contains(says), "{what}");
        assert!(took >= limit, "too early: {what}");
        assert!(took < limit + SLACK, "too late: {what}");
        self.expect_token(&run, &what);
        watch.no_refresher();
        self.expect_kept(&what);
    }

    /// A token that is served is alive; the old one, where there was a trouble.
    fn expect_token(&self, run: &Run, what: &str) {
        if run.code == Some(0) {
            assert!(self.fake.is_alive(run.token()), "{what}");
            let is_old = run.token() == self.old_token;
            assert_eq!(is_old, !run.stderr.is_empty(), "{what}");
        } else {
            assert_eq!(run.stdout, "", "{what}");
        }
    }

    fn expect_kept(&self, what: &str) {
        let bytes = self.slot().read().expect("readable").expect("a record");
        let record = decode(&bytes).expect("whole");
        let token = record.tokens.refresh_token().expect("a refresh token");
        assert!(self.fake.refresh_is_alive(token.expose()), "{what}");
    }
}

fn plain() -> FakeGitHub {
    FakeGitHub::start().expect("a fake")
}

fn tls(identity: TlsIdentity) -> FakeGitHub {
    FakeGitHub::builder().tls(identity).start().expect("a fake")
}

/// A server that takes connections and says nothing.
fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    (address.to_string(), listener)
}

/// A listener whose queue is full, so that Linux drops whoever comes next: what an address that leads
/// nowhere looks like.
fn nowhere(address: &str) -> (u16, (TcpListener, Vec<TcpStream>)) {
    let listener = TcpListener::bind(address).expect("a port");
    let address = listener.local_addr().expect("its address");
    let soon = Duration::from_millis(100);
    let queue = (0..5000).map_while(|_| TcpStream::connect_timeout(&address, soon).ok());
    let queue: Vec<_> = queue.collect();
    (address.port(), (listener, queue))
}

/// A proxy that gives everybody this answer.
fn proxy(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut asked, mut byte) = (Vec::new(), [0]);
            while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                asked.extend(byte);
            }
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    format!("http://octo:hunter2@{address}")
}

fn hanging(what: &'static str, left: Duration, expected: Expected) -> Trial {
    Trial::get(what, plain(), left, expected).with(Fault::before(Failure::Hang))
}

/// Those that wait until a limit ends it.
fn slow() -> Vec<Trial> {
    const NO_ANSWER: &str = "did not answer in time";
    let (proxy_address, hanging_proxy) = silent();
    let (port, full) = nowhere("127.0.0.1:0");
    let handshake = |what, left, expected| {
        let trial = Trial::get(what, tls(TlsIdentity::Valid), left, expected).trusting();
        trial.fake.receive(Reception::Silent);
        trial
    };
    let no_handshake = "the TLS handshake did not finish";
    vec![
        hanging("no answer", OVER, after(LIMITS.answer, 5, NO_ANSWER)),
        hanging(
            "no answer, and the token lives",
            ALIVE,
            after(LIMITS.answer, 0, NO_ANSWER),
        ),
        Trial::get(
            "a byte a second",
            plain(),
            OVER,
            after(LIMITS.answer, 5, NO_ANSWER),
        )
        .with(Fault::before(Failure::Drip(Duration::from_secs(1)))),
        code_request(),
        handshake("no handshake", OVER, after(LIMITS.connect, 5, no_handshake)),
        handshake(
            "no handshake, and the token lives",
            ALIVE,
            after(LIMITS.connect, 0, no_handshake),
        ),
        Trial::at(
            "an address that leads nowhere",
            plain(),
            &format!("127.0.0.1:{port}"),
            OVER,
            after(LIMITS.connect, 5, "no address answers"),
        )
        .keeping(full),
        Trial::at(
            "a proxy that hangs",
            plain(),
            BEHIND,
            OVER,
            after(LIMITS.connect, 5, "no connection through the proxy"),
        )
        .env(
            "HTTPS_PROXY",
            &format!("http://octo:hunter2@{proxy_address}"),
        )
        .keeping(hanging_proxy),
        check(),
    ]
}

/// `login` at a server that gives no code.
fn code_request() -> Trial {
    let expected = after(LIMITS.answer, 5, "did not answer in time");
    let mut trial = Trial::get("no code", plain(), OVER, expected);
    trial
        .fake
        .fail_next(Endpoint::DeviceCode, Fault::before(Failure::Hang));
    let mut command = trial.sandbox.command(Program::Real, ["login", "--force"]);
    command.env("GHTOK_HOST", trial.fake.base_url());
    trial.command = command;
    trial
}

/// A token that somebody saw refused is checked once, for 4 s, and then served as it is.
fn check() -> Trial {
    let says = "could not check whether GitHub still accepts the token";
    let expected = after(LIMITS.check, 0, says);
    let trial = Trial::get("no check", plain(), ALIVE, expected);
    let bytes = trial.slot().read().expect("readable").expect("a record");
    trial.put(&Record {
        rejected: Some(Rejected::Reported(now())),
        ..decode(&bytes).expect("whole")
    });
    trial
        .fake
        .fail_next(Endpoint::User, Fault::before(Failure::Hang));
    trial
}

/// Another process has the lock and does nothing: a caller says so after 45 s.
fn a_caller_gives_up() {
    let trial = Trial::get("a held lock", plain(), OVER, at_once(7, ""));
    let Trial {
        fake,
        sandbox,
        mut command,
        ..
    } = trial;
    let store = sandbox.store();
    let mut took = Duration::ZERO;
    with_lock(&store, |_| {
        let began = Instant::now();
        let run = ends(
            command.spawn().expect("ghtok starts"),
            LIMITS.caller + IN_TIME,
        );
        took = began.elapsed();
        assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""), "{run:?}");
        assert!(run.stderr.contains("45 s"), "{run:?}");
    });
    assert!(
        took >= LIMITS.caller && took < LIMITS.caller + SLACK,
        "{took:?}"
    );
    let run = ends(command.spawn().expect("ghtok starts"), IN_TIME);
    assert!(fake.is_alive(run.token()), "{run:?}");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn p4_p9_every_wait_of_the_real_program_ends_at_its_limit_and_keeps_the_sign_in() {
    let trials = slow();
    assert!(trials.len() >= 6);
    println!("{} waits at once", trials.len() + 1);
    thread::scope(|scope| {
        for trial in trials {
            let what = trial.what;
            let named = thread::Builder::new().name(what.to_owned());
            named.spawn_scoped(scope, || trial.run()).expect("a thread");
        }
        scope.spawn(a_caller_gives_up);
    });
}

#[test]
fn p4_the_real_program_takes_a_good_answer_in_form_encoding() {
    let fault = Fault::after(Failure::FormBody);
    let trial = Trial::get("form", plain(), OVER, at_once(0, "")).with(fault);
    trial.run();
}

/// The name service of this machine decides how long it takes to say no: within the limit.
#[test]
fn p4_a_name_that_leads_nowhere_is_named() {
    let mut trial = Trial::at("no such name", plain(), BEHIND, OVER, at_once(5, BEHIND));
    let child = trial.command.spawn().expect("ghtok starts");
    let run = ends(child, LIMITS.connect + IN_TIME);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.stderr.contains(BEHIND), "{run:?}");
    trial.expect_kept("no such name");
}

/// One family of a name's addresses leads nowhere: the other is tried in time.
#[test]
fn p4_ipv6_that_leads_nowhere_costs_time_and_not_the_token() {
    let fake = plain();
    let port = fake.host().rsplit(':').next().expect("a port").to_owned();
    if TcpListener::bind(("::1", 0)).is_err() {
        skip!("this machine has no IPv6");
        return;
    }
    let (_, full) = nowhere(&format!("[::1]:{port}"));
    let host = format!("localhost:{port}");
    let trial = Trial::at("IPv6", fake, &host, OVER, at_once(0, "")).keeping(full);
    let mut command = trial.command;
    let run = ends(command.spawn().expect("ghtok starts"), LIMITS.connect);
    assert!(trial.fake.is_alive(run.token()), "{run:?}");
}
