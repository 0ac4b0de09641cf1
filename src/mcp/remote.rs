//! A remote MCP server over Streamable HTTP (modelcontextprotocol.io, "Transports"): each message is a
//! request of its own, with the newest token.

pub(crate) mod address;
mod answer;
mod event_stream;
pub(crate) mod exchange;
pub(crate) mod extra_header;
mod http;
pub(crate) mod notification_stream;
mod order;
mod own_requests;
mod request_headers;
pub(crate) mod session;
pub(crate) mod stand_in;

use std::sync::{Mutex, PoisonError};

use self::address::RemoteAddress;
use self::extra_header::Header;
use crate::github::{KeptConnection, Network};
use crate::mcp::line::ByteBudget;
use crate::token::AccessToken;

/// The most idle connections that are kept.
const MOST_IDLE: usize = 32;

/// The remote server of a conversation.
pub(crate) struct Remote {
    /// Where it is.
    pub(crate) address: RemoteAddress,
    /// The headers of `--header`.
    pub(crate) headers: Vec<Header>,
    /// How this machine reaches the network.
    pub(crate) network: Network,
    /// What people call the App.
    pub(crate) app: String,
    connections: Mutex<Vec<KeptConnection>>,
    budget: ByteBudget,
}

/// A token, and the generation that it is of.
pub(crate) type NumberedToken = (u64, AccessToken);

impl Remote {
    pub(crate) fn new(
        address: RemoteAddress,
        headers: Vec<Header>,
        network: Network,
        app: &str,
    ) -> Self {
        Self {
            address,
            headers,
            network,
            app: app.to_owned(),
            connections: Mutex::default(),
            budget: ByteBudget::default(),
        }
    }

    /// The name by which messages call it.
    fn name(&self) -> String {
        self.address.host().to_string()
    }

    /// A connection that is idle, or a new one.
    fn connection(&self) -> KeptConnection {
        let idle = self.lock().pop();
        idle.unwrap_or_else(|| KeptConnection::new(self.address.url(), &self.network))
    }

    /// Keeps a connection whose last answer was read to its end.
    fn keep(&self, connection: KeptConnection) {
        let mut idle = self.lock();
        if idle.len() < MOST_IDLE && !connection.stop().is_stopped() {
            idle.push(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<KeptConnection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
