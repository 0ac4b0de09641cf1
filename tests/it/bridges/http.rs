//! An HTTP server on loopback whose answers a test writes byte by byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// A larger body is a mistake of the test's.
const LARGEST_BODY: u64 = 128 * 1024 * 1024;

/// One request, as it was sent.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let same = headers.find(|(have, _)| have.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str())
    }
}

/// The way back to who asks.
pub struct Wire {
    stream: TcpStream,
    /// Nothing can follow on this connection.
    is_over: bool,
}

impl Wire {
    /// A whole answer with these further header lines.
    pub fn answer(&mut self, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {length}\r\n\r\n");
        self.stream.write_all(&[head.as_bytes(), body].concat())
    }

    /// Begins a stream of events.
    pub fn begin(&mut self, headers: &str) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        self.stream.write_all(head.as_bytes())
    }

    /// A piece of the stream.
    pub fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let head = format!("{:x}\r\n", bytes.len());
        let whole = [head.as_bytes(), bytes, b"\r\n"].concat();
        self.stream.write_all(&whole)
    }

    /// The stream's orderly end.
    pub fn end(&mut self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }

    /// Bytes that are no HTTP, or a part of an answer.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Ends the connection in the middle of whatever was being said.
    pub fn cut(&mut self) -> io::Result<()> {
        self.is_over = true;
        self.stream.shutdown(Shutdown::Both)
    }

    /// Waits until the other side has closed the connection, or says something.
    pub fn wait_for_the_end(&mut self) -> io::Result<()> {
        self.is_over = true;
        self.stream.read(&mut [0]).map(|_| ())
    }
}

type Handler = dyn Fn(HttpRequest, &mut Wire) -> io::Result<()> + Send + Sync;

/// Runs until it is dropped; a thread for each connection.
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    handler: Box<Handler>,
    is_offline: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl HttpServer {
    pub fn start(
        handler: impl Fn(HttpRequest, &mut Wire) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            is_offline: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let thread = Mutex::new(Some(accept(listener, &shared)));
        Self {
            address,
            shared,
            thread,
        }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Refuses connections, and ends those that exist.
    pub fn go_offline(&self) {
        self.shared.is_offline.store(true, Ordering::SeqCst);
        // `accept` blocks; one more connection wakes it.
        let _ = TcpStream::connect(self.address);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic in that thread has been printed.
            let _ = thread.join();
        }
        self.hang_up();
    }

    /// Listens again on the same port.
    pub fn go_online(&self) {
        self.shared.is_offline.store(false, Ordering::SeqCst);
        let listener = TcpListener::bind(self.address).expect("the same port");
        let thread = accept(listener, &self.shared);
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    /// Ends all connections.
    pub fn hang_up(&self) {
        for stream in self.shared.open().drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.go_offline();
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: TcpListener, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if shared.is_offline.load(Ordering::SeqCst) {
                return;
            }
            shared.open().extend(stream.try_clone());
            let shared = Arc::clone(&shared);
            // How a connection ends is the peer's affair.
            thread::spawn(move || serve(stream, &*shared.handler));
        }
    })
}

/// All requests of one connection.
fn serve(stream: TcpStream, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut wire = Wire {
        stream,
        is_over: false,
    };
    while !wire.is_over {
        let Some(request) = read(&mut reader)? else {
            break;
        };
        handler(request, &mut wire)?;
    }
    wire.stream.shutdown(Shutdown::Both)
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<HttpRequest>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next(), words.next());
    let mut request = HttpRequest {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
    request.body = read_body(&request, reader)?;
    Ok(Some(request))
}

fn read_body(request: &HttpRequest, reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if request.header("Transfer-Encoding").is_none() {
        let length = request.header("Content-Length").unwrap_or("0");
        let length = length.parse().unwrap_or(0).min(LARGEST_BODY);
        reader.take(length).read_to_end(&mut body)?;
        return Ok(body);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        reader
            .by_ref()
            .take(size.min(LARGEST_BODY))
            .read_to_end(&mut body)?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}
