//! Which server is in use, and how far its replacement is.

use std::time::Duration;

use super::{AfterDrain, Flow};
use crate::mcp::conversation::TokenInfo;

/// A server, and the token that it was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Server {
    pub(in super::super) number: u32,
    pub(in super::super) token: Option<TokenInfo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests are sent to this server.
    Serving { server: Server, is_used: bool },
    /// Its running requests end first.
    Draining {
        server: Server,
        next: AfterDrain,
        until: Duration,
    },
    /// A token is fetched or checked. Without a server, one starts when it is there, or at `until`.
    AwaitingToken {
        server: Option<Server>,
        is_check: bool,
        until: Option<Duration>,
        /// A replacement drains once, however many steps it has.
        drain_until: Option<Duration>,
    },
    /// Only one server can run, and another one is not gone yet.
    Stopping { old: Option<Server> },
    /// A new server goes through its handshake.
    Starting {
        old: Option<Server>,
        new: Server,
        until: Duration,
    },
    /// None is left.
    Ended,
}

impl Phase {
    /// The server in use.
    pub(super) fn server(self) -> Option<Server> {
        match self {
            Self::Serving { server, .. } | Self::Draining { server, .. } => Some(server),
            Self::AwaitingToken { server, .. } => server,
            Self::Stopping { old } | Self::Starting { old, .. } => old,
            Self::Ended => None,
        }
    }

    pub(super) fn flow(self) -> Flow {
        match self {
            Self::Serving { .. } => Flow::Open,
            Self::Draining { next, .. } => Flow::Draining(next),
            Self::AwaitingToken { is_check: true, .. } => Flow::HeldForCheck,
            Self::AwaitingToken { .. } | Self::Stopping { .. } | Self::Starting { .. } => {
                Flow::Held
            }
            Self::Ended => Flow::Ended,
        }
    }
}
