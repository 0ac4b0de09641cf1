//! Tokens for a sandbox, through a socket.

pub(crate) mod client;
#[cfg(unix)]
pub(crate) mod server;
