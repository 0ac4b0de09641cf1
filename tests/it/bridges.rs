//! Bridges from stdio to remote MCP servers: what `ghtok mcp --url` stands, and beside it what others do.

mod desk;
mod events;
mod http;
mod load;
mod ours;
mod remote;
mod sessions;
mod table;
