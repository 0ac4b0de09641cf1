//! A host of a test: answers requests on a Unix socket as the test says.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// An answer, as it is sent.
#[derive(Clone)]
pub struct Reply(String);

impl Reply {
    pub fn ok(body: &str) -> Self {
        Self::of(200, body)
    }

    pub fn of(status: u16, body: &str) -> Self {
        Self::raw(&format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    pub fn raw(bytes: &str) -> Self {
        Self(bytes.to_owned())
    }
}

/// The JSON of a token for an hour from 2026 on, of the App `main`.
pub fn token_json(host: &str, token: &str) -> String {
    format!(
        "{{\"schema_version\":1,\"app\":\"main\",\"host\":\"{host}\",\"login\":\"octocat\",\"token\":\"{token}\",\"token_type\":\"bearer\",\"expires_at\":\"2100-01-01T00:00:00Z\",\"expires_at_unix\":4102444800}}\n"
    )
}

/// Answers requests until the test ends.
pub struct TestHost(Arc<Shared>);

/// What is answered to a target and a body.
type Answering = dyn Fn(&str, &[u8]) -> Reply + Send + Sync;

struct Shared {
    reply: Box<Answering>,
    requests: Mutex<Vec<(String, Vec<u8>)>>,
    is_silent: AtomicBool,
    has_ended: AtomicBool,
    most: AtomicUsize,
    running: AtomicUsize,
    turned_away: AtomicUsize,
    path: std::path::PathBuf,
}

impl TestHost {
    pub fn at(path: &Path, reply: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let shared = Arc::new(Shared {
            reply: Box::new(reply),
            requests: Mutex::default(),
            is_silent: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            most: AtomicUsize::new(usize::MAX),
            running: AtomicUsize::new(0),
            turned_away: AtomicUsize::new(0),
            path: path.to_owned(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            let mut silenced = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                if serving.is_silent.load(Ordering::SeqCst) {
                    silenced.push(stream);
                    continue;
                }
                serving.take(stream);
            }
        });
        Self(shared)
    }

    /// The targets and bodies of all requests so far.
    pub fn requests(&self) -> Vec<(String, Vec<u8>)> {
        self.0.requests.lock().expect("no panic").clone()
    }

    /// Answers so many at once from now on, and turns others away: half with a status, half without.
    pub fn take_at_once(&self, most: usize) {
        self.0.most.store(most, Ordering::SeqCst);
    }

    pub fn turned_away(&self) -> usize {
        self.0.turned_away.load(Ordering::SeqCst)
    }

    pub fn stop_answering(&self) {
        self.0.is_silent.store(true, Ordering::SeqCst);
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(&self.0.path);
    }
}

impl Shared {
    fn take(self: &Arc<Self>, mut stream: UnixStream) {
        let running = self.running.fetch_add(1, Ordering::SeqCst);
        if running >= self.most.load(Ordering::SeqCst) {
            self.running.fetch_sub(1, Ordering::SeqCst);
            let before = self.turned_away.fetch_add(1, Ordering::SeqCst);
            if before.is_multiple_of(2) {
                let _ = stream.write_all(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
            }
            return;
        }
        let shared = Arc::clone(self);
        thread::spawn(move || {
            shared.answer(stream);
            shared.running.fetch_sub(1, Ordering::SeqCst);
        });
    }

    fn answer(&self, mut stream: UnixStream) {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        let (target, body) = loop {
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(size) => bytes.extend_from_slice(&chunk[..size]),
            }
            if let Some(request) = whole(&bytes) {
                break request;
            }
        };
        let reply = (self.reply)(&target, &body);
        self.requests.lock().expect("no panic").push((target, body));
        if self.most.load(Ordering::SeqCst) != usize::MAX {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = stream.write_all(reply.0.as_bytes());
    }
}

/// The target and the body, once all of it is there.
fn whole(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    assert!(head.contains("\r\nGhtok-Request: 1"), "{head}");
    assert!(head.contains("\r\nHost: localhost"), "{head}");
    let length = head.split("Content-Length: ").nth(1).unwrap_or("0");
    let length: usize = length.lines().next()?.parse().ok()?;
    let target = head.split(' ').nth(1)?.to_owned();
    (body.len() >= length).then(|| (target, body.as_bytes()[..length].to_vec()))
}
