//! `ghtok headers`: the request headers that carry a valid token, for programs that ask a command for
//! headers. Never prompts.

use std::time::Duration;

use crate::commands::Call;
use crate::error::Result;
use crate::token::MinTtl;

/// Prints an object of header names and values.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn run(min_ttl: Option<Duration>, usual: MinTtl, call: &Call<'_>) -> Result<()> {
    let min_ttl = min_ttl.map_or(usual, MinTtl::Explicit);
    let served = call.broker.access_token(min_ttl)?;
    let bearer = format!("Bearer {}", served.token.expose());
    let headers = serde_json::json!({ "Authorization": bearer });
    call.terminal.line(&headers.to_string())
}
