//! The running fake: its door, a thread for each connection, and an orderly end of
//! all of them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use crate::connection;
use crate::door::Door;
use crate::shared::Shared;

/// A fake GitHub on 127.0.0.1. It stops, and all its threads end, on drop.
pub struct FakeGitHub {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    pub(crate) ca_pem: Option<String>,
    door: Mutex<Door>,
    connections: Arc<Connections>,
}

/// Connections that may still be open.
#[derive(Default)]
struct Connections {
    open: Mutex<Vec<(Weak<TcpStream>, JoinHandle<()>)>>,
}

impl FakeGitHub {
    pub(crate) fn run(
        listener: TcpListener,
        shared: Shared,
        ca_pem: Option<String>,
    ) -> io::Result<Self> {
        let (shared, connections) = (Arc::new(shared), Arc::<Connections>::default());
        let address = listener.local_addr()?;
        let (served, crowd) = (Arc::clone(&shared), Arc::clone(&connections));
        let door = Door::open(listener, move |socket| crowd.begin(socket, &served))?;
        let door = Mutex::new(door);
        Ok(Self {
            shared,
            address,
            ca_pem,
            door,
            connections,
        })
    }

    /// Stops listening: whoever connects is refused. Connections that exist go on,
    /// and nothing is forgotten.
    pub fn go_offline(&self) -> io::Result<()> {
        self.door().close()
    }

    /// Listens again on the same port.
    pub fn go_online(&self) -> io::Result<()> {
        self.door().reopen()
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.shared.change(|state| state.stopping = true);
        // The listener is gone even if its port could not be reserved.
        let _ = self.door().close();
        self.connections.end();
    }
}

impl Connections {
    fn begin(&self, socket: TcpStream, shared: &Arc<Shared>) {
        shared.change(|state| state.ledger.connections += 1);
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new()
            .stack_size(512 * 1024)
            .spawn(move || {
                // How a connection ended is the peer's affair; the ledger has the rest.
                let _ = connection::serve(&shared, socket);
            });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, thread)| !thread.is_finished());
        open.extend(thread.ok().map(|thread| (weak, thread)));
    }

    /// Shuts every connection down under its thread and waits for the threads.
    fn end(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for (socket, _) in &open {
            if let Some(socket) = socket.upgrade() {
                // It may have ended by itself.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        for (_, thread) in open {
            // A panic in that thread has been printed.
            let _ = thread.join();
        }
    }
}
