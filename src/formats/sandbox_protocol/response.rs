//! An answer.

use super::Refusal;
use crate::error::Error;
use crate::token::SecretBuffer;

/// An answer to a request.
pub(crate) struct Response {
    status: u16,
    content_type: &'static str,
    body: SecretBuffer,
}

impl Response {
    /// JSON with its newline.
    pub(crate) fn json(body: SecretBuffer) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            body,
        }
    }

    /// Lines for git.
    pub(crate) fn git(body: SecretBuffer) -> Self {
        Self {
            status: 200,
            content_type: "text/plain",
            body,
        }
    }

    /// The answer to each report of a token.
    pub(crate) fn accepted() -> Self {
        Self {
            status: 202,
            content_type: "text/plain",
            body: SecretBuffer::default(),
        }
    }

    /// There is no token.
    pub(crate) fn error(error: &Error) -> Self {
        Self::failed(503, error)
    }

    /// The request is not one that the sandbox may make.
    pub(crate) fn failed(status: u16, error: &Error) -> Self {
        let mut body = SecretBuffer::default();
        body.push_str(&error.to_json());
        body.push(b"\n");
        Self {
            status,
            content_type: "application/json",
            body,
        }
    }

    /// As it is sent.
    pub(crate) fn to_bytes(&self) -> SecretBuffer {
        let body = self.body.as_bytes();
        let mut bytes = SecretBuffer::with_capacity(256 + body.len());
        bytes.push_str(&format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            body.len()
        ));
        bytes.push(body);
        bytes
    }
}

impl From<Refusal> for Response {
    fn from(Refusal { status, why }: Refusal) -> Self {
        let error = Error::Usage {
            message: format!("sandbox: {why}"),
            hint: "use the ghtok of the same version in the sandbox and on the host".into(),
        };
        Self::failed(status, &error)
    }
}

/// The reason phrase (RFC 9110 section 15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => "Service Unavailable",
    }
}
