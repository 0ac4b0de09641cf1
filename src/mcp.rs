//! `ghtok mcp`: runs an MCP server and replaces it with a new one whenever its token is renewed, or sends
//! what the client says to a remote one. The decisions are in `conversation`, which has no I/O.

pub(crate) mod conversation;
pub(crate) mod line;
pub(crate) mod messages;
pub(crate) mod redact;
pub(crate) mod remote;
pub(crate) mod runtime;
pub(crate) mod server_process;
mod sign_in;
pub(crate) mod stderr_queue;
pub(crate) mod streams;
pub(crate) mod tokens;
pub(crate) mod watchdog;
