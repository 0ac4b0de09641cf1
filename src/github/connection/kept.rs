//! A connection for one request after the other, whose answers may be streams that last for hours.
//! Another thread can end a wait for an answer.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Method, Request, Response};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Agent, Body, BodyReader, Error, Timeout};
use zeroize::Zeroizing;

use crate::github::{HttpError, Network, RequestFailure};

use super::dial::ConnectAttempt;
use super::{LARGEST_HEAD, Link, NoLookup, USER_AGENT, wipe};

/// How often a wait looks whether it is to end.
const TICK: Duration = Duration::from_secs(1);

/// How long the server may take to read a part of a request.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A connection is used again within this time. Servers close idle ones after 5 s and more: a request
/// that meets the end of its connection may have been received.
const LONGEST_IDLE: Duration = Duration::from_secs(4);

/// A request. Its secrets stand in its headers.
pub(crate) struct StreamRequest<'a> {
    /// `POST`, `GET` or `DELETE`.
    pub(crate) method: &'static str,
    /// Where to.
    pub(crate) url: &'a str,
    /// All but those that describe the body's length and the connection.
    pub(crate) headers: &'a [(String, Zeroizing<String>)],
    /// Empty for a request without one.
    pub(crate) body: &'a [u8],
}

/// A connection, which is made when it is needed.
pub(crate) struct KeptConnection {
    agent: Agent,
    host: String,
    shared: Arc<ConnectionState>,
}

/// Ends what a [`KeptConnection`] waits for, from another thread.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<ConnectionState>);

/// An answer whose body is still to be read.
pub(crate) struct StreamResponse {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: BodyReader<'static>,
    host: String,
}

struct ConnectionState {
    network: Network,
    /// Something of the request was written.
    is_sent: AtomicBool,
    is_stopped: AtomicBool,
    /// How many ticks may pass without a byte of the answer.
    patience: AtomicU64,
    /// The socket in use.
    socket: Mutex<Option<Arc<ConnectAttempt>>>,
    /// Why no connection was made.
    failure: Mutex<Option<HttpError>>,
}

impl KeptConnection {
    /// Takes note of where to; nothing is connected before the first request.
    pub(crate) fn new(url: &str, network: &Network) -> Self {
        let target: Option<ureq::http::Uri> = url.parse().ok();
        let is_https = target.as_ref().and_then(ureq::http::Uri::scheme_str) == Some("https");
        let host = target.and_then(|target| target.host().map(str::to_owned));
        let shared = Arc::new(ConnectionState {
            network: network.clone(),
            is_sent: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            patience: AtomicU64::new(u64::MAX),
            socket: Mutex::new(None),
            failure: Mutex::new(None),
        });
        let config = Agent::config_builder()
            .proxy(None)
            .https_only(is_https)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(LARGEST_HEAD)
            .max_idle_connections(1)
            .max_idle_age(LONGEST_IDLE)
            .user_agent(USER_AGENT)
            .accept_encoding("identity")
            .build();
        Self {
            agent: Agent::with_parts(config, Dialer(Arc::clone(&shared)), NoLookup),
            host: host.unwrap_or_default(),
            shared,
        }
    }

    /// Ends the wait for the answer to come, or under way.
    pub(crate) fn stop(&self) -> Interrupt {
        Interrupt(Arc::clone(&self.shared))
    }

    /// Sends a request and waits for the head of its answer, without a limit but that `idle` may pass
    /// between two bytes of it; the same counts for its body.
    ///
    /// # Errors
    /// [`RequestFailure::NotSent`] or [`RequestFailure::Unknown`].
    pub(crate) fn send(
        &self,
        request: &StreamRequest<'_>,
        idle: Option<Duration>,
    ) -> Result<StreamResponse, RequestFailure> {
        self.shared.is_sent.store(false, Ordering::SeqCst);
        self.shared.wait_at_most(idle);
        let result = match request.body {
            [] => head(request, ()).and_then(|request| self.agent.run(request)),
            body => head(request, body).and_then(|request| self.agent.run(request)),
        };
        match result {
            Ok(response) => Ok(StreamResponse::new(response, &self.host)),
            Err(error) => {
                let unconnected = lock(&self.shared.failure).take();
                let cause =
                    unconnected.unwrap_or_else(|| HttpError::of_exchange(&error, &self.host));
                Err(if self.shared.is_sent.load(Ordering::SeqCst) {
                    RequestFailure::Unknown(cause)
                } else {
                    RequestFailure::NotSent(cause)
                })
            }
        }
    }
}

fn head<B>(request: &StreamRequest<'_>, body: B) -> Result<Request<B>, Error> {
    let mut head = Request::builder()
        .method(
            Method::from_bytes(request.method.as_bytes())
                .map_err(|_| Error::BadUri("method".into()))?,
        )
        .uri(request.url);
    for (name, value) in request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(ureq::http::Error::from)?;
        let mut value = HeaderValue::from_str(value).map_err(ureq::http::Error::from)?;
        value.set_sensitive(true);
        head = head.header(name, value);
    }
    Ok(head.body(body)?)
}

impl Interrupt {
    /// Ends it.
    pub(crate) fn now(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        if let Some(socket) = lock(&self.0.socket).take() {
            socket.give_up();
        }
    }

    /// The rest of the answer is only waited for as long as this between two bytes.
    pub(crate) fn wait_at_most(&self, idle: Option<Duration>) {
        self.0.wait_at_most(idle);
    }

    /// True once it was ended.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::SeqCst)
    }
}

impl ConnectionState {
    fn wait_at_most(&self, idle: Option<Duration>) {
        let ticks = idle.map_or(u64::MAX, |idle| idle.as_secs().max(1));
        self.patience.store(ticks, Ordering::SeqCst);
    }
}

impl StreamResponse {
    fn new(response: Response<Body>, host: &str) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into_reader(),
            host: host.to_owned(),
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The error of a body that is longer than its reader takes.
    pub(crate) fn too_long(&self) -> HttpError {
        HttpError::TooLarge {
            host: self.host.clone(),
        }
    }

    /// The next bytes of the body; 0 at its end.
    ///
    /// # Errors
    /// If the connection broke before the end, or nothing came for too long.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpError> {
        self.body
            .read(buffer)
            .map_err(|error| HttpError::of_exchange(&Error::from(error), &self.host))
    }
}

/// Connects as all of ghtok does.
#[derive(Clone)]
struct Dialer(Arc<ConnectionState>);

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialer")
    }
}

impl Connector for Dialer {
    type Out = KeptTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<KeptTransport>, Error> {
        let link = Link::open(&details.uri.to_string(), &self.0.network, CONNECT_LIMIT);
        let link = link.map_err(|cause| {
            *lock(&self.0.failure) = Some(cause);
            Error::ConnectionFailed
        })?;
        *lock(&self.0.socket) = Some(link.attempt);
        Ok(Some(KeptTransport {
            inner: link.transport,
            shared: Arc::clone(&self.0),
        }))
    }
}

/// A transport that looks once a second whether it is to go on waiting.
struct KeptTransport {
    inner: Box<dyn Transport>,
    shared: Arc<ConnectionState>,
}

impl std::fmt::Debug for KeptTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptTransport({:?})", self.inner)
    }
}

impl Transport for KeptTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.shared.is_stopped.load(Ordering::SeqCst) {
            return Err(Error::ConnectionFailed);
        }
        // Set before the write: a write that fails may have written a part.
        self.shared.is_sent.store(true, Ordering::SeqCst);
        let timeout = NextTimeout {
            per_write: Some(WRITE_LIMIT.into()),
            ..timeout
        };
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = NextTimeout {
            per_read: Some(TICK.into()),
            ..timeout
        };
        let mut ticks = 0;
        loop {
            match self.inner.await_input(timeout) {
                Err(Error::Timeout(Timeout::PerRead)) => ticks += 1,
                other => return other,
            }
            let is_over = ticks >= self.shared.patience.load(Ordering::SeqCst);
            if is_over || self.shared.is_stopped.load(Ordering::SeqCst) {
                return Err(Error::Timeout(Timeout::RecvResponse));
            }
        }
    }

    fn is_open(&mut self) -> bool {
        !self.shared.is_stopped.load(Ordering::SeqCst) && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl Drop for KeptTransport {
    fn drop(&mut self) {
        wipe(self.inner.buffers());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
