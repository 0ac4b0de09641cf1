//! Tokens for a sandbox, through a socket.

pub(crate) mod client;
