//! One connection: made ready first, without a byte of a request, then used once. Only this file
//! and `connection/dial.rs` touch `ureq::unversioned`, which may change in any minor release.

mod dial;
mod kept;
mod race;
mod tcp;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Agent, Body};
use zeroize::Zeroize;

use super::request::HttpRequest;
use super::response::HttpResponse;
use super::{ConnectStage, HttpError, Network, RequestFailure};
use crate::error::system_reason;

use dial::{ConnectAttempt, Dial};
pub(crate) use kept::{Interrupt, KeptConnection, StreamRequest, StreamResponse};

/// The most bytes of an answer's head.
const LARGEST_HEAD: usize = 32 * 1024;

const USER_AGENT: &str = concat!("ghtok/", env!("CARGO_PKG_VERSION"));

/// A connection on which nothing of a request was written yet.
pub(super) struct Link {
    transport: Box<dyn Transport>,
    /// Closes its socket.
    attempt: Arc<ConnectAttempt>,
    host: String,
    took: Duration,
}

impl Link {
    /// Looks the host up, asks the proxy, connects and finishes the TLS handshake.
    ///
    /// All of it runs on a thread of its own, because the name service, the platform's certificate
    /// verifier and a proxy's answer to `CONNECT` have no time limit that holds.
    pub(super) fn open(url: &str, network: &Network, limit: Duration) -> Result<Self, HttpError> {
        let target: Uri = url.parse().map_err(|_| HttpError::BadRequest)?;
        let host = target.host().ok_or(HttpError::BadRequest)?.to_owned();
        let proxy = network.proxy_for(&target)?;
        let behind_proxy = proxy.is_some();
        let attempt = Arc::new(ConnectAttempt::default());
        let (sender, receiver) = mpsc::sync_channel(1);
        let dial = Dial {
            target,
            proxy,
            network: network.clone(),
            attempt: Arc::clone(&attempt),
            limit,
        };
        let here = dial.clone();
        let started = thread::Builder::new()
            .name("connect".into())
            .spawn(move || sender.send(dial.run()));
        if let Err(error) = started {
            // At the user's limit of processes. Only the name service then has no limit of ours.
            let reason = system_reason(&error);
            log::info!("no thread can be started ({reason}): connecting without one");
            return here.run();
        }
        receiver.recv_timeout(limit).unwrap_or_else(|_| {
            let stage = attempt.give_up();
            let stage = match stage {
                ConnectStage::Tls if behind_proxy => ConnectStage::Proxy,
                stage => stage,
            };
            Err(HttpError::ConnectTimeout { host, stage, limit })
        })
    }

    /// How long the connection took.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    /// Sends the one request and reads the answer, both within `limit`.
    pub(super) fn send(
        self,
        request: HttpRequest,
        limit: Duration,
    ) -> Result<HttpResponse, RequestFailure> {
        let sent = Arc::new(AtomicBool::new(false));
        let host = self.host;
        let largest = request.largest_answer;
        log::info!("request: {} {host}{}", request.method(), request.path());
        let watched = Watched {
            inner: self.transport,
            sent: Arc::clone(&sent),
        };
        let agent = Agent::with_parts(
            request_config(watched.is_tls(), limit),
            Ready(Mutex::new(Some(watched))),
            NoLookup,
        );
        match run(&agent, request) {
            Ok(response) => {
                let answer = HttpResponse::read(response, &host, largest);
                log::info!("answer: {}", answer.summary());
                Ok(answer)
            }
            Err(error) => {
                let cause = HttpError::of_exchange(&error, &host);
                log::info!("no answer: {cause}");
                if sent.load(Ordering::Relaxed) {
                    Err(RequestFailure::Unknown(cause))
                } else {
                    Err(RequestFailure::NotSent(cause))
                }
            }
        }
    }
}

fn run(agent: &Agent, request: HttpRequest) -> Result<Response<Body>, ureq::Error> {
    let (head, body) = request.into_parts()?;
    match body {
        Some(body) => agent.run(head.map(|()| body.as_bytes())),
        None => agent.run(head),
    }
}

fn request_config(tls: bool, limit: Duration) -> Config {
    Agent::config_builder()
        .proxy(None)
        .https_only(tls)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(LARGEST_HEAD)
        .timeout_global(Some(limit))
        .user_agent(USER_AGENT)
        .accept_encoding("identity")
        // Otherwise a DELETE could have no body.
        .allow_non_standard_methods(true)
        .build()
}

/// Hands out the connection that is there already.
#[derive(Debug)]
struct Ready(Mutex<Option<Watched>>);

impl Connector for Ready {
    type Out = Watched;

    fn connect(
        &self,
        _: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Watched>, ureq::Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// A transport that remembers whether anything was written.
#[derive(Debug)]
struct Watched {
    inner: Box<dyn Transport>,
    sent: Arc<AtomicBool>,
}

impl Transport for Watched {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // Set before the write: a write that fails may have written a part.
        self.sent.store(true, Ordering::Relaxed);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    /// It carries one request, and is not used again.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.sent.load(Ordering::Relaxed) {
            wipe(self.inner.buffers());
        }
    }
}

/// ureq's buffers have held the request and the answer.
fn wipe(buffers: &mut dyn Buffers) {
    buffers.output().zeroize();
    // What was consumed is only out of reach, until there is nothing left to consume.
    let unread = buffers.input().len();
    buffers.input_consume(unread);
    buffers.input_append_buf().zeroize();
}

/// Stands where ureq wants a name service; the connection is there already.
#[derive(Debug)]
struct NoLookup;

impl Resolver for NoLookup {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
