//! Text in, text out. Pure: nothing here reads, writes or asks.

pub mod drawing;
pub(crate) mod durations;
pub(crate) mod git_config;
pub mod git_credential;
pub mod json_rpc;
pub mod mcp_client;
pub mod percent_encoding;
pub mod plain_text;
pub(crate) mod shell;
pub mod timestamps;
