//! TCP as ureq wants it: the first address that answers, and a transport on its socket.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, ShutdownHandle,
    Transport,
};
use ureq::{Error, Timeout};

use super::race;

/// Opens the socket, unless a connector before it has made a connection.
#[derive(Debug)]
pub(super) struct Race;

impl<In: Transport> Connector<In> for Race {
    type Out = Either<In, Tcp>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(made) = chained {
            return Ok(Some(Either::A(made)));
        }
        let limit = time_left(details.timeout)?.unwrap_or(Duration::MAX);
        let stream = fastest(&details.addrs, limit)?;
        keep_alive(&stream);
        let tcp = Tcp {
            stream: Arc::new(stream),
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
        };
        let handle: Weak<TcpStream> = Arc::downgrade(&tcp.stream);
        (details.register_shutdown)(handle as Weak<dyn ShutdownHandle>)?;
        Ok(Some(Either::B(tcp)))
    }
}

/// Connects to the first of these addresses that answers.
pub(super) fn fastest(addrs: &[SocketAddr], limit: Duration) -> Result<TcpStream, Error> {
    let began = Instant::now();
    race::connect(addrs, limit, &|| elapsed(began)).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => Error::Timeout(Timeout::Connect),
        _ => Error::Io(error),
    })
}

/// Has the system ask now and then whether the other end is still there: an answer may take hours, and a
/// path that has forgotten the connection says nothing. Where that cannot be set it stays unset.
#[cfg(unix)]
fn keep_alive(stream: &TcpStream) {
    use rustix::net::sockopt;
    const AFTER: Duration = Duration::from_secs(60);
    const INTERVAL: Duration = Duration::from_secs(15);
    const FAILED_PROBES: u32 = 4;
    let set = sockopt::set_socket_keepalive(stream, true)
        .and_then(|()| sockopt::set_tcp_keepidle(stream, AFTER))
        .and_then(|()| sockopt::set_tcp_keepintvl(stream, INTERVAL))
        .and_then(|()| sockopt::set_tcp_keepcnt(stream, FAILED_PROBES));
    if let Err(error) = set {
        log::debug!("TCP keep-alive cannot be set: {error}");
    }
}

/// The standard library cannot ask for it here.
#[cfg(not(unix))]
fn keep_alive(_: &TcpStream) {}

/// A connected socket. Shared weakly, so that giving an attempt up can close it.
pub(super) struct Tcp {
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tcp({:?})", self.stream.peer_addr().ok())
    }
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(time_left(timeout)?)?;
        let output = &self.buffers.output()[..amount];
        (&*self.stream)
            .write_all(output)
            .map_err(|error| of_exchange(error, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let began = Instant::now();
        let whole = time_left(timeout)?;
        let mut left = whole;
        loop {
            self.stream.set_read_timeout(left)?;
            match (&*self.stream).read(self.buffers.input_append_buf()) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                // Linux does not go on with a read that has a time limit (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    left = whole.map(|whole| whole.saturating_sub(elapsed(began)));
                    if left.is_some_and(|left| left.is_zero()) {
                        return Err(Error::Timeout(timeout.reason));
                    }
                }
                Err(error) => return Err(of_exchange(error, timeout.reason)),
            }
        }
    }

    /// A server that has closed an idle connection, or has sent what nobody asked for, gets no more.
    fn is_open(&mut self) -> bool {
        let nothing = |error: io::Error| error.kind() == ErrorKind::WouldBlock;
        let is_silent = self.stream.set_nonblocking(true).is_ok()
            && self.stream.peek(&mut [0]).is_err_and(nothing);
        is_silent && self.stream.set_nonblocking(false).is_ok()
    }
}

/// The time since then.
pub(super) fn elapsed(since: Instant) -> Duration {
    match since {
        Instant::Exact(since) => since.elapsed(),
        Instant::AlreadyHappened | Instant::NotHappening => Duration::ZERO,
    }
}

fn time_left(timeout: NextTimeout) -> Result<Option<Duration>, Error> {
    if timeout.after.is_zero() {
        return Err(Error::Timeout(timeout.reason));
    }
    Ok(timeout.not_zero().map(|time| *time))
}

fn of_exchange(error: io::Error, reason: Timeout) -> Error {
    match error.kind() {
        // What a socket with a time limit says at its end, on Unix and on Windows.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(reason),
        _ => Error::Io(error),
    }
}
