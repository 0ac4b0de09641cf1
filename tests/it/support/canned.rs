//! A server that says whatever a test has it say, for answers that the fake GitHub is too polite
//! to give.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a peer may take over its request.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a canned server is asked, and the bytes that it answers.
type Reply = dyn Fn(&Asked) -> Vec<u8> + Send + Sync;

/// One request.
pub struct Asked {
    pub path: String,
    pub head: String,
    pub body: String,
    /// How many came to this path before.
    pub before: usize,
}

/// Runs until it is dropped.
pub struct Canned {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Canned {
    /// One that answers with a status and a body, of HTML or JSON.
    pub fn start(reply: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::raw(move |asked| {
            let (status, body) = reply(asked);
            let length = body.len();
            let kind = if body.starts_with('<') {
                "text/html; charset=utf-8"
            } else {
                "application/json"
            };
            format!(
                "HTTP/1.1 {status} Whatever\r\nContent-Type: {kind}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .into()
        })
    }

    /// One that answers with these bytes.
    pub fn raw(reply: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let stopping = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            let mut counts = HashMap::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                // A peer that goes away in the middle of it is its own affair.
                let _ = serve(stream, &mut counts, &reply);
            }
        });
        Self {
            address,
            stopping,
            thread: Some(thread),
        }
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // `accept` blocks; one more connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // A panic in that thread has been printed.
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    counts: &mut HashMap<String, usize>,
    reply: &Reply,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let Some(mut asked) = read(&mut stream)? else {
        return Ok(());
    };
    let count = counts.entry(asked.path.clone()).or_default();
    asked.before = *count;
    *count += 1;
    stream.write_all(&reply(&asked))
}

fn read(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length_of(head)
        {
            let path = head.split(' ').nth(1).unwrap_or_default();
            return Ok(Some(Asked {
                path: path.to_owned(),
                head: head.to_owned(),
                body: body.to_owned(),
                before: 0,
            }));
        }
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

fn length_of(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}
