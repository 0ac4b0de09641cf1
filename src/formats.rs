//! Text in, text out. Pure: nothing here reads, writes or asks.

pub(crate) mod app_form;
pub(crate) mod drawing;
pub(crate) mod durations;
pub(crate) mod git_config;
pub(crate) mod git_credential;
pub(crate) mod git_remote;
pub(crate) mod json_rpc;
pub(crate) mod markdown;
pub(crate) mod mcp_client;
pub(crate) mod percent_encoding;
pub(crate) mod plain_text;
pub(crate) mod sandbox_protocol;
pub(crate) mod shell;
pub(crate) mod sse;
pub(crate) mod timestamps;
pub(crate) mod token_json;
