//! Text in, text out. Pure: nothing here reads, writes or asks.

pub mod drawing;
pub mod git_config;
pub mod git_credential;
pub mod json_rpc;
pub mod mcp_client;
pub mod moments;
pub mod plain_text;
pub mod shell;
