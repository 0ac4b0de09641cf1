//! `ghtok mcp`: a server under a client's nose, exchanged for a new one whenever its token is. What is
//! decided is decided in `conversation`, which is pure; pipes, processes and time are beside it.

pub mod child;
pub mod conversation;
pub mod dialog;
pub mod guard;
pub mod line;
pub mod redact;
pub mod stage;
pub mod streams;
pub mod wrapper;
