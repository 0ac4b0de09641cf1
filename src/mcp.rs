//! `ghtok mcp`: runs an MCP server and replaces it with a new one whenever its token is renewed. The
//! decisions are in `conversation`, which has no I/O.

pub mod conversation;
pub mod line;
pub mod messages;
pub mod redact;
pub mod runtime;
pub mod server_process;
mod sign_in;
pub mod streams;
pub mod tokens;
pub mod watchdog;
