//! `ghtok headers`: the request headers that carry a valid token, for programs that ask a command for
//! headers. Never prompts.

use std::time::Duration;

use crate::commands::Call;
use crate::error::Result;
use crate::token::{AccessToken, MinTtl, SecretBuffer};

/// Prints an object of header names and values.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn run(min_ttl: Option<Duration>, usual: MinTtl, call: &Call<'_>) -> Result<()> {
    let min_ttl = min_ttl.map_or(usual, MinTtl::Explicit);
    let served = call.broker.access_token(min_ttl)?;
    call.terminal.data(render(&served.token).as_bytes())
}

fn render(token: &AccessToken) -> SecretBuffer {
    let token = token.expose();
    let mut bearer = SecretBuffer::with_capacity(token.len() + 16);
    bearer.push_str("Bearer ");
    bearer.push_str(token);
    let mut line = SecretBuffer::with_capacity(token.len() + 64);
    line.push_str("{\"Authorization\":");
    let bearer = std::str::from_utf8(bearer.as_bytes()).expect("two texts");
    serde_json::to_writer(&mut line, bearer).expect("a text becomes JSON");
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::{AccessToken, render};

    #[test]
    fn it_is_one_line_of_json() {
        for (token, line) in [
            ("ghu_x", "{\"Authorization\":\"Bearer ghu_x\"}\n"),
            ("a\"b\\", "{\"Authorization\":\"Bearer a\\\"b\\\\\"}\n"),
        ] {
            assert_eq!(render(&AccessToken::new(token)).as_bytes(), line.as_bytes());
        }
    }
}
