//! Takes in connections, each in a thread of its own, and only so many at once.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{SandboxServer, Socket};
use crate::error::{Error, Result, system_reason};

/// How many connections are served at once; the others wait.
const MOST_CONNECTIONS: usize = 32;

/// The longest time without a look at the clock and the note: a machine may have slept, and a note is removed
/// without a word.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pause after a connection that could not be taken in.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Has the connections of one socket served.
pub(crate) struct Listener<'a> {
    server: &'a SandboxServer<'a>,
    socket: &'a Socket,
    stopped: UnixStream,
    stopper: Stopper,
}

/// Stops a listener, from any thread.
#[derive(Clone)]
pub(crate) struct Stopper {
    stop: Arc<UnixStream>,
    places: Arc<Places>,
}

/// How many connections are being served.
#[derive(Default)]
struct Places {
    taken: Mutex<Taken>,
    changed: Condvar,
}

#[derive(Default)]
struct Taken {
    count: usize,
    /// Nobody takes another one.
    is_closed: bool,
}

impl Stopper {
    pub(crate) fn stop(&self) {
        self.places.lock().is_closed = true;
        self.places.changed.notify_all();
        // It wakes the thread that waits for a connection; a byte that is there already does as well.
        let _ = (&*self.stop).write(&[0]);
    }
}

impl<'a> Listener<'a> {
    /// Of this socket.
    ///
    /// # Errors
    /// If there are no more descriptors.
    pub(crate) fn new(server: &'a SandboxServer<'a>, socket: &'a Socket) -> Result<Self> {
        let failed = |error| Error::File {
            doing: "listen at",
            path: socket.path().to_owned(),
            cause: system_reason(&error),
        };
        let (stopped, stop) = UnixStream::pair().map_err(failed)?;
        stopped.set_nonblocking(true).map_err(failed)?;
        stop.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            server,
            socket,
            stopped,
            stopper: Stopper {
                stop: Arc::new(stop),
                places: Arc::default(),
            },
        })
    }

    pub(crate) fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Takes in connections until it is stopped, or `goes_on` says no: it is asked after each connection, and when
    /// the sandbox's time may be over. Connections may still be served then.
    pub(crate) fn run<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        goes_on: &dyn Fn() -> bool,
    ) {
        let places = &*self.stopper.places;
        while goes_on() {
            if self.waits_for_connection() {
                return;
            }
            let stream = match self.socket.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                // There are no descriptors left, for instance.
                Err(_) => {
                    self.server.clock().sleep(AFTER_FAILURE);
                    continue;
                }
            };
            if !places.take() {
                return;
            }
            let served = thread::Builder::new().spawn_scoped(scope, move || {
                // On some systems it is as the listener.
                let _ = stream.set_nonblocking(false);
                self.server.serve(stream);
                places.leave();
            });
            if served.is_err() {
                places.leave();
            }
        }
    }

    /// True if the listener is stopped.
    fn waits_for_connection(&self) -> bool {
        let clock = self.server.clock();
        let left = self.server.ends_at().map(|end| clock.now().until(end));
        let wait = left
            .filter(|left| !left.is_zero())
            .map_or(LONGEST_WAIT, |left| left.min(LONGEST_WAIT));
        let wait = Timespec::try_from(wait).ok();
        let mut asked = [
            PollFd::new(&self.socket.listener, PollFlags::IN),
            PollFd::new(&self.stopped, PollFlags::IN),
        ];
        // Interrupted, it is asked again.
        let _ = poll(&mut asked, wait.as_ref());
        matches!((&self.stopped).read(&mut [0]), Ok(1))
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a free place and takes it; false if the listener is stopped.
    fn take(&self) -> bool {
        let mut taken = self.lock();
        while taken.count >= MOST_CONNECTIONS && !taken.is_closed {
            let waited = self.changed.wait(taken);
            taken = waited.unwrap_or_else(PoisonError::into_inner);
        }
        taken.count += 1;
        !taken.is_closed
    }

    fn leave(&self) {
        self.lock().count -= 1;
        self.changed.notify_all();
    }
}
