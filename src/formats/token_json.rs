//! A token as a JSON object: what `get --format json` prints (docs/exit-codes.md), and what a sandbox is
//! answered.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::formats::timestamps::rfc3339;
use crate::host::Host;
use crate::token::{AccessToken, SecretBuffer, Timestamp};

/// A token, and what is told with it.
pub(crate) struct TokenJson<'a> {
    /// The App's name, or its client ID if it has none.
    pub(crate) app: &'a str,
    pub(crate) host: &'a Host,
    /// The account, if it is known.
    pub(crate) login: Option<&'a str>,
    pub(crate) token: &'a AccessToken,
    /// `None` for a token that never expires.
    pub(crate) expires_at: Option<Timestamp>,
}

/// The same, as it is read back. Other members are ignored.
#[derive(Deserialize)]
pub(crate) struct ParsedToken {
    pub(crate) app: String,
    pub(crate) host: String,
    pub(crate) login: Option<String>,
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires_at_unix: Option<i64>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    app: &'a str,
    host: String,
    login: Option<&'a str>,
    token: &'a str,
    token_type: &'static str,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
}

impl TokenJson<'_> {
    /// One line.
    pub(crate) fn to_line(&self) -> SecretBuffer {
        let document = Document {
            schema_version: 1,
            app: self.app,
            host: self.host.to_string(),
            login: self.login,
            token: self.token.expose(),
            token_type: "bearer",
            expires_at: self.expires_at.map(rfc3339),
            expires_at_unix: self.expires_at.map(|at| at.0),
        };
        let mut text = SecretBuffer::with_capacity(512);
        serde_json::to_writer(&mut text, &document).expect("a plain struct becomes JSON");
        text.push(b"\n");
        text
    }
}

impl ParsedToken {
    /// Reads such an object; `None` if it is none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_and_read_back() {
        let host = Host::parse("github.com").expect("a host");
        let token = AccessToken::new("ghu_x");
        let line = TokenJson {
            app: "work",
            host: &host,
            login: Some("octocat"),
            token: &token,
            expires_at: Some(Timestamp(1_795_381_200)),
        }
        .to_line();
        assert_eq!(
            std::str::from_utf8(line.as_bytes()).expect("text"),
            "{\"schema_version\":1,\"app\":\"work\",\"host\":\"github.com\",\"login\":\"octocat\",\"token\":\"ghu_x\",\"token_type\":\"bearer\",\"expires_at\":\"2026-11-22T21:00:00Z\",\"expires_at_unix\":1795381200}\n"
        );
        let parsed = ParsedToken::parse(line.as_bytes()).expect("an object");
        assert_eq!(parsed.token.as_str(), "ghu_x");
        assert_eq!(
            (parsed.app.as_str(), parsed.host.as_str()),
            ("work", "github.com")
        );
        assert_eq!(parsed.expires_at_unix, Some(1_795_381_200));
        assert!(ParsedToken::parse(b"{\"token\":1}").is_none());
    }
}
