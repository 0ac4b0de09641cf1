//! The client of GitHub on real sockets: what it writes and when, and what it makes of connections
//! that break, hang or lie. Against the fake GitHub, and scripted servers where that is too polite.

mod answers;
mod installations;
mod not_sent;
mod proxies;
mod questions;
mod two_steps;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fake_github::{
    CLIENT_ID, Cut, Endpoint, Failure as Fails, FakeGitHub, Fault, RateHeaders, Reception,
    RetryAfter, TlsIdentity, WrongType,
};
use ghtok::testing::app::ClientId;
use ghtok::testing::github::{
    ConnectStage, GitHub, Network, Poll, ProxySetting, RefreshConnection, Refreshed,
    RequestFailure, UserAnswer,
};
use ghtok::testing::host::Host;
use ghtok::testing::limits::Limits;
use ghtok::testing::permits::{DeviceFlowPermit, HeldLock, RefreshPermit};
use ghtok::testing::token::{AccessToken, RefreshToken};

/// Long enough for a handshake on a busy machine, short enough to wait for.
/// What a busy machine may add to a limit. Hangs last for ever, so this costs no sharpness.
const SLACK: Duration = Duration::from_secs(10);

fn short() -> Limits {
    Limits::STANDARD.divided_by(20)
}

fn client(host: &str, network: Network) -> GitHub {
    let host = Host::parse(host).expect("a host");
    let id = ClientId::parse(CLIENT_ID).expect("a client ID");
    GitHub::new(&host, &id, network, short())
}

fn plain(host: &str) -> GitHub {
    client(host, Network::default())
}

/// The same client with the product's own limits, for what must not fail on a slow machine.
fn patient(host: &str, network: Network) -> GitHub {
    let host = Host::parse(host).expect("a host");
    let id = ClientId::parse(CLIENT_ID).expect("a client ID");
    GitHub::new(&host, &id, network, Limits::STANDARD)
}

/// The result of `work`, which must come within this limit; twice as long and more, because the
/// machine may be busy.
#[track_caller]
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(limit * 2 + SLACK)
        .expect("an end in time")
}

/// No record is locked here: the client alone is tested.
struct NoLock;

impl HeldLock for NoLock {}

fn permit() -> RefreshPermit<'static> {
    RefreshPermit::of(&NoLock)
}

fn refresh_token() -> RefreshToken {
    RefreshToken::new("ghr_secret")
}

fn refresh(github: GitHub) -> Result<Refreshed, RequestFailure> {
    let limits = short();
    within(limits.connect + limits.answer, move || {
        github.connect()?.refresh(&refresh_token(), permit())
    })
}

fn connect(github: GitHub) -> RequestFailure {
    let connection: Result<RefreshConnection, RequestFailure> =
        within(short().connect, move || github.connect());
    let failure = connection.expect_err("no connection");
    assert!(matches!(failure, RequestFailure::NotSent(_)), "{failure:?}");
    failure
}

/// A server on loopback that treats each connection as told.
struct Scripted {
    address: SocketAddr,
}

impl Scripted {
    fn start(treat: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let treat = treat.clone();
                thread::spawn(move || treat(stream));
            }
        });
        Self { address }
    }

    /// Reads a request, writes these bytes, and closes.
    fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(&answer);
        })
    }

    fn host(&self) -> String {
        format!("http://{}", self.address)
    }

    fn proxy(&self, scheme: &str) -> Network {
        let proxy = format!("{scheme}://user:hunter2@{}", self.address);
        Network {
            proxy: Some(ProxySetting::of_file("proxy".into(), &proxy)),
            ..Network::default()
        }
    }
}

/// Reads one request by its head and `Content-Length`.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|text| text.parse().ok()).unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    request.extend(body);
    String::from_utf8_lossy(&request).into_owned()
}

fn json_answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Stays connected and silent until the other side leaves.
fn hang(mut stream: TcpStream) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// Writes the bytes one by one, slowly, over and over.
#[expect(
    clippy::disallowed_methods,
    reason = "a server that is slow on purpose"
)]
fn drip(mut stream: TcpStream, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A file that is gone at the end of the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(content: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("ghtok-github-client-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn trusting(ca_file: &Path) -> Network {
    Network {
        ca_file: Some(ca_file.to_owned()),
        ..Network::default()
    }
}

fn with_tls(identity: TlsIdentity) -> (FakeGitHub, TempFile) {
    let fake = FakeGitHub::builder()
        .tls(identity)
        .start()
        .expect("a fake GitHub");
    let ca = TempFile::new(fake.ca_pem().expect("a certificate"));
    (fake, ca)
}
