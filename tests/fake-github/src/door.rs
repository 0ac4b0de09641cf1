//! The listening socket and its thread; it can be closed and opened again without
//! losing its port.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

/// Two hundred processes knock at the same moment; std's backlog may be 128.
const BACKLOG: i32 = 4096;

/// Takes each connection as soon as it is accepted; must not block.
type Receiver = Arc<dyn Fn(TcpStream) + Send + Sync>;

pub(crate) struct Door {
    address: SocketAddr,
    receiver: Receiver,
    state: State,
}

enum State {
    Open {
        thread: JoinHandle<()>,
        closing: Arc<AtomicBool>,
    },
    /// Bound but not listening, so that no one else is given the port.
    Closed(Option<Socket>),
}

/// Binds a port of loopback; connections are refused until it listens.
pub(crate) fn bind(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // On Unix this allows a second start on the port of a server that just went;
    // on Windows it would let two servers share one.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

/// Binds a port that was ours a moment ago, as soon as it is free.
fn bind_again(port: u16) -> io::Result<Socket> {
    let start = Instant::now();
    loop {
        match bind(port) {
            Err(_) if start.elapsed() < Duration::from_secs(1) => {
                thread::sleep(Duration::from_millis(1));
            }
            bound => return bound,
        }
    }
}

pub(crate) fn listen(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Door {
    pub(crate) fn open(
        listener: TcpListener,
        receiver: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let receiver: Receiver = Arc::new(receiver);
        let state = State::begin(listener, &receiver)?;
        Ok(Self {
            address,
            receiver,
            state,
        })
    }

    pub(crate) fn close(&mut self) -> io::Result<()> {
        let State::Open { closing, .. } = &self.state else {
            return Ok(());
        };
        closing.store(true, Ordering::SeqCst);
        // `accept` blocks; one more connection wakes it.
        TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        if let State::Open { thread, .. } = std::mem::replace(&mut self.state, State::Closed(None))
        {
            // A panic in that thread has been printed.
            let _ = thread.join();
        }
        self.state = State::Closed(Some(bind_again(self.address.port())?));
        Ok(())
    }

    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        let State::Closed(reserved) = &mut self.state else {
            return Ok(());
        };
        let socket = match reserved.take() {
            Some(socket) => socket,
            None => bind_again(self.address.port())?,
        };
        self.state = State::begin(listen(socket)?, &self.receiver)?;
        Ok(())
    }
}

impl State {
    fn begin(listener: TcpListener, receiver: &Receiver) -> io::Result<Self> {
        let closing = Arc::new(AtomicBool::new(false));
        let (seen, receiver) = (Arc::clone(&closing), Arc::clone(receiver));
        let thread = thread::Builder::new()
            .name("fake-github".to_owned())
            .spawn(move || accept_until(&seen, &listener, &receiver))?;
        Ok(Self::Open { thread, closing })
    }
}

fn accept_until(closing: &AtomicBool, listener: &TcpListener, receiver: &Receiver) {
    loop {
        let accepted = listener.accept();
        if closing.load(Ordering::SeqCst) {
            // A child that is being started elsewhere holds a copy of this socket
            // until its exec, and would go on listening. Where a listener cannot be
            // shut down, `bind_again` waits for that moment to pass.
            let _ = SockRef::from(listener).shutdown(Shutdown::Both);
            return;
        }
        match accepted {
            Ok((socket, _)) => receiver(socket),
            // Out of descriptors, most likely: without a pause this would spin.
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}
