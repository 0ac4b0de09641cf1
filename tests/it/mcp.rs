//! `ghtok mcp`: around a server of ours with a client that is these tests, and between real ones.

mod asking;
mod bytes;
pub(crate) mod client;
mod conversation;
mod dialogs;
mod limits;
mod lines;
mod load;
mod memory;
pub(crate) mod packages;
mod processes;
mod remote;
mod renewal;
mod replacing;
mod schema;
mod sign_in;
mod talk;
