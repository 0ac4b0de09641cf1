//! `ghtok mcp`: around a server of ours with a client that is these tests, and between real ones.

mod asking;
mod bytes;
mod client;
mod conversation;
mod dialogs;
mod limits;
mod lines;
mod load;
mod memory;
mod packages;
mod processes;
mod renewal;
mod replacing;
mod schema;
mod sign_in;
mod talk;
