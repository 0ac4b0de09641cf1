//! The protocol of a sandbox's socket: HTTP/1.1 (RFC 9112) on a Unix stream socket, one request for each
//! connection. Pure.
//!
//! Each request has the headers `Host: localhost` and `Ghtok-Request: 1`, and no `Origin`; a body has a
//! `Content-Length`. Request line, headers and body together have at most [`MOST_BYTES`] and arrive within
//! [`ARRIVES_WITHIN`]. An answer may take as long as any caller waits for a token (45 s); the connection is closed
//! after it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/token?host=HOST` | 200 and the JSON of `get --format json`, with its newline. HOST is percent-encoded; without it, the sandbox's own host is meant. Other parameters are ignored, `min_ttl` too |
//! | `POST /v1/git`, the lines that git gives its helper for `get` as the body | 200 and the lines for git; none if git is to ask its next helper |
//! | `POST /v1/reject`, the hexadecimal SHA-256 of a token that was answered 401 as the body | always 202, without a body |
//! | `GET /v1/status` | 200 and [`SandboxStatus`] as JSON, with a newline |
//!
//! Any other status is an error. Its body is the JSON of an error as with `--json`, with a newline:
//! `{"schema_version":1,"error":{"code":…,"message":…,"hint":…,"exit_code":…}}`. The exit code is that of a `get`
//! on the host. The status is 4xx for a request that the sandbox may not make, and 503 if there is no token.

#[cfg(unix)]
mod request;
#[cfg(unix)]
mod response;

use serde::{Deserialize, Serialize};

#[cfg(unix)]
pub(crate) use self::request::{Refusal, RequestReader, SandboxRequest};
#[cfg(unix)]
pub(crate) use self::response::Response;

/// The header that each request has, and its value: no browser sends it unasked.
pub(crate) const REQUEST_HEADER: (&str, &str) = ("Ghtok-Request", "1");

/// The value of `Host`: a page in a browser that reached the socket through a TCP port would have its own.
pub(crate) const REQUEST_HOST: &str = "localhost";

pub(crate) const TOKEN_PATH: &str = "/v1/token";
pub(crate) const GIT_PATH: &str = "/v1/git";
pub(crate) const REJECT_PATH: &str = "/v1/reject";
pub(crate) const STATUS_PATH: &str = "/v1/status";

/// The most bytes of a request. An answer is shorter too.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// How long a request may take to arrive, and its answer to be read.
#[cfg(unix)]
pub(crate) const ARRIVES_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// What a sandbox may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SandboxStatus {
    pub(crate) schema_version: u32,
    /// The App's name in messages.
    pub(crate) app: String,
    pub(crate) host: String,
    /// The sandbox's name.
    pub(crate) name: String,
    /// `OWNER/NAME` of each repository; empty with `full_token`.
    pub(crate) repositories: Vec<String>,
    /// `NAME=LEVEL` of each permission, or `read-only`; empty if it has all of the App's.
    pub(crate) permissions: Vec<String>,
    /// Whether it gets the user access token itself.
    pub(crate) full_token: bool,
    /// When it ends (RFC 3339); `None` if with its process only.
    pub(crate) ends_at: Option<String>,
}
