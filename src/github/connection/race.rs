//! Connecting to the first of several addresses that answers (RFC 8305, "Happy Eyeballs"): an address
//! that swallows packets costs a quarter of a second, not the time of the system's own attempts.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// When the next address is tried beside those that have not answered yet (RFC 8305 section 8,
/// "Connection Attempt Delay").
const DELAY: Duration = Duration::from_millis(250);

/// The addresses in their order, but the families by turns (RFC 8305 section 4).
pub(super) fn alternating(addrs: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut others): (Vec<SocketAddr>, Vec<SocketAddr>) = addrs
        .iter()
        .rev()
        .partition(|addr| addr.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(addrs.len());
    while ordered.len() < addrs.len() {
        ordered.extend(ours.pop());
        ordered.extend(others.pop());
    }
    ordered
}

/// Connects to these addresses, each a little after the one before, or at once when that one has
/// failed. The first connection wins, and the others are closed. `elapsed` is the time since the
/// attempt began, `limit` what it may take.
///
/// # Errors
/// The last address's, or `TimedOut` if none has answered.
#[cfg(unix)]
pub(super) fn connect(
    addrs: &[SocketAddr],
    limit: Duration,
    elapsed: &dyn Fn() -> Duration,
) -> io::Result<TcpStream> {
    let mut next = addrs.iter();
    let mut pending: Vec<TcpStream> = Vec::new();
    let mut start_next = Duration::ZERO;
    let mut last_error = io::Error::from(io::ErrorKind::TimedOut);
    loop {
        let now = elapsed();
        if now >= limit {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let waits = now < start_next && !pending.is_empty();
        match next.as_slice().first().filter(|_| !waits) {
            Some(addr) => {
                next.next();
                start_next = now + DELAY;
                match unix::begin(addr) {
                    Ok(unix::NonBlockingConnect::Connected(stream)) => return unix::finish(stream),
                    Ok(unix::NonBlockingConnect::Pending(stream)) => pending.push(stream),
                    Err(error) => last_error = error,
                }
            }
            None if pending.is_empty() => return Err(last_error),
            None => {
                let until = match next.as_slice() {
                    [] => limit,
                    _ => start_next.min(limit),
                };
                if let Some(place) = unix::wait(&pending, until.saturating_sub(now))? {
                    let stream = pending.swap_remove(place);
                    match unix::outcome(&stream) {
                        Ok(()) => return unix::finish(stream),
                        Err(error) => last_error = error,
                    }
                    start_next = Duration::ZERO;
                }
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::net::{SocketAddr, TcpStream};
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::net::{AddressFamily, SocketType, sockopt};

    /// An attempt that was begun.
    pub(super) enum NonBlockingConnect {
        Connected(TcpStream),
        Pending(TcpStream),
    }

    pub(super) fn begin(addr: &SocketAddr) -> io::Result<NonBlockingConnect> {
        let family = if addr.is_ipv6() {
            AddressFamily::INET6
        } else {
            AddressFamily::INET
        };
        let socket = socket(family)?;
        let began = rustix::net::connect(&socket, addr);
        let stream = TcpStream::from(socket);
        match began {
            Ok(()) => Ok(NonBlockingConnect::Connected(stream)),
            // An interrupted attempt goes on (connect(2)).
            Err(Errno::INPROGRESS | Errno::INTR) => Ok(NonBlockingConnect::Pending(stream)),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(target_os = "linux")]
    fn socket(family: AddressFamily) -> io::Result<OwnedFd> {
        use rustix::net::SocketFlags;

        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        Ok(rustix::net::socket_with(
            family,
            SocketType::STREAM,
            flags,
            None,
        )?)
    }

    #[cfg(not(target_os = "linux"))]
    fn socket(family: AddressFamily) -> io::Result<OwnedFd> {
        let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        #[cfg(target_vendor = "apple")]
        sockopt::set_socket_nosigpipe(&socket, true)?;
        Ok(socket)
    }

    /// The first attempt that has ended; `None` if none has in that time.
    pub(super) fn wait(pending: &[TcpStream], time: Duration) -> io::Result<Option<usize>> {
        let mut fds: Vec<PollFd<'_>> = pending
            .iter()
            .map(|stream| PollFd::new(stream, PollFlags::OUT))
            .collect();
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&time)) {
            Ok(_) => Ok(fds.iter().position(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn outcome(stream: &TcpStream) -> io::Result<()> {
        Ok(sockopt::socket_error(stream)??)
    }

    pub(super) fn finish(stream: TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// The same with a thread for each address. One that cannot be started tries its address here.
#[cfg(not(unix))]
pub(super) fn connect(
    addrs: &[SocketAddr],
    limit: Duration,
    elapsed: &dyn Fn() -> Duration,
) -> io::Result<TcpStream> {
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;

    let (sender, receiver) = mpsc::channel();
    let mut next = addrs.iter().copied();
    let mut running = 0_usize;
    let mut last_error = io::Error::from(io::ErrorKind::TimedOut);
    loop {
        let left = limit.saturating_sub(elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let more = if let Some(addr) = next.next() {
            let sender = sender.clone();
            let attempt = move || {
                let _ = sender.send(TcpStream::connect_timeout(&addr, left));
            };
            if thread::Builder::new().spawn(attempt.clone()).is_err() {
                attempt();
            }
            running += 1;
            next.len() > 0
        } else {
            false
        };
        if running == 0 {
            return Err(last_error);
        }
        match receiver.recv_timeout(if more { DELAY.min(left) } else { left }) {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => {
                running -= 1;
                last_error = error;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_nothing_is_lost() {
        let addr = |text: &str| text.parse::<SocketAddr>().expect(text);
        let all = [
            addr("[2001:db8::1]:443"),
            addr("[2001:db8::2]:443"),
            addr("[2001:db8::3]:443"),
            addr("192.0.2.1:443"),
            addr("192.0.2.2:443"),
        ];
        let order = [all[0], all[3], all[1], all[4], all[2]];
        assert_eq!(alternating(&all), order);
        assert_eq!(alternating(&all[..2]), all[..2]);
        assert!(alternating(&[]).is_empty());
    }

    #[cfg(target_os = "linux")]
    mod on_linux {
        use std::cell::Cell;
        use std::net::{Ipv4Addr, TcpListener};

        use super::*;

        /// An address that swallows packets: a listener whose queue is full.
        struct Hole {
            addr: SocketAddr,
            _keep: Vec<unix::NonBlockingConnect>,
            _listener: rustix::fd::OwnedFd,
        }

        impl Hole {
            fn new() -> Self {
                use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
                let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("it");
                bind(&listener, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
                listen(&listener, 0).expect("a queue");
                let addr = getsockname(&listener).expect("a name");
                let addr = SocketAddr::try_from(addr).expect("an address");
                let keep = (0..3).map(|_| unix::begin(&addr).expect("begun")).collect();
                Self {
                    addr,
                    _keep: keep,
                    _listener: listener,
                }
            }
        }

        /// Time that passes only when it is looked at: 10 ms each time.
        fn ticking() -> impl Fn() -> Duration {
            let ticks = Cell::new(0);
            move || {
                ticks.set(ticks.get() + 1);
                Duration::from_millis(10 * ticks.get())
            }
        }

        fn open() -> (TcpListener, SocketAddr) {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let addr = listener.local_addr().expect("its address");
            (listener, addr)
        }

        #[test]
        fn an_address_that_swallows_packets_does_not_keep_the_next_from_answering() {
            let (first, second) = (Hole::new(), Hole::new());
            let (_listener, addr) = open();
            let stream = connect(
                &[first.addr, second.addr, addr],
                Duration::from_secs(3600),
                &ticking(),
            );
            let stream = stream.expect("a connection");
            assert_eq!(stream.peer_addr().expect("a peer"), addr);
        }

        #[test]
        fn a_refused_address_is_passed_over_at_once_and_the_last_refusal_told() {
            let (closed, closed_addr) = open();
            drop(closed);
            let (_listener, addr) = open();
            let never = || Duration::ZERO;
            let limit = Duration::from_secs(1);
            let stream = connect(&[closed_addr, addr], limit, &never).expect("a connection");
            assert_eq!(stream.peer_addr().expect("a peer"), addr);
            let error = connect(&[closed_addr], limit, &never).expect_err("nobody");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert!(connect(&[], limit, &never).is_err());
        }

        #[test]
        fn the_limit_ends_it_and_leaves_no_socket() {
            let hole = Hole::new();
            let sockets = || std::fs::read_dir("/proc/self/fd").expect("it").count();
            let before = sockets();
            let ended = connect(
                &[hole.addr, hole.addr],
                Duration::from_millis(45),
                &ticking(),
            );
            assert_eq!(
                ended.expect_err("nobody answers").kind(),
                io::ErrorKind::TimedOut
            );
            // Other tests of this process open files too.
            assert!(sockets() <= before + 16);
        }
    }
}
