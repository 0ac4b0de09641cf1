//! A request, as it arrives.

use super::{
    GIT_PATH, MOST_BYTES, REJECT_PATH, REQUEST_HEADER, REQUEST_HOST, STATUS_PATH, TOKEN_PATH,
};
use crate::formats::percent_encoding::decode;
use crate::token::SecretBuffer;

/// No client needs more.
const MOST_HEADERS: usize = 64;

/// What a sandbox asks for.
#[derive(Debug)]
pub(crate) enum SandboxRequest {
    /// A token, of this host if it names one.
    Token { host: Option<String> },
    /// A credential for git, with git's lines.
    Git(SecretBuffer),
    /// To take note that the token of this fingerprint was answered 401.
    Reject { fingerprint: String },
    /// What it may have.
    Status,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is wrong with the request.
    pub(crate) why: &'static str,
}

/// Collects the bytes of one request.
#[derive(Debug, Default)]
pub(crate) struct RequestReader {
    bytes: SecretBuffer,
    /// The request without its body, and where its body ends.
    head: Option<(Head, usize)>,
}

/// The request line and the headers.
#[derive(Debug)]
struct Head {
    endpoint: Endpoint,
    body_begins: usize,
}

#[derive(Debug)]
enum Endpoint {
    Token { host: Option<String> },
    Git,
    Reject,
    Status,
}

impl RequestReader {
    /// Takes the next bytes. Returns the request once it is complete; bytes after it are ignored.
    ///
    /// # Errors
    /// As soon as it is clear that the request will not be answered.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Option<SandboxRequest>, Refusal> {
        // The end of the headers may have begun in the bytes before.
        let seen = self.bytes.as_bytes().len().saturating_sub(3);
        self.bytes.push(bytes);
        if self.head.is_none() {
            let unseen = &self.bytes.as_bytes()[seen..];
            let Some(end) = memchr::memmem::find(unseen, b"\r\n\r\n") else {
                return self.check_size().map(|()| None);
            };
            let body_begins = seen + end + 4;
            let (endpoint, length) = read_head(&self.bytes.as_bytes()[..body_begins])?;
            if length > MOST_BYTES || body_begins + length > MOST_BYTES {
                return Err(TOO_LARGE);
            }
            self.head = Some((
                Head {
                    endpoint,
                    body_begins,
                },
                body_begins + length,
            ));
        }
        match self
            .head
            .take_if(|(_, end)| self.bytes.as_bytes().len() >= *end)
        {
            Some((head, end)) => self.request(head, end).map(Some),
            None => self.check_size().map(|()| None),
        }
    }

    fn check_size(&self) -> Result<(), Refusal> {
        if self.bytes.as_bytes().len() > MOST_BYTES {
            return Err(TOO_LARGE);
        }
        Ok(())
    }

    fn request(&self, head: Head, end: usize) -> Result<SandboxRequest, Refusal> {
        let body = &self.bytes.as_bytes()[head.body_begins..end];
        Ok(match head.endpoint {
            Endpoint::Token { host } => SandboxRequest::Token { host },
            Endpoint::Status => SandboxRequest::Status,
            Endpoint::Reject => SandboxRequest::Reject {
                fingerprint: fingerprint(body)
                    .ok_or(bad("the body is not a SHA-256 in hexadecimal"))?,
            },
            Endpoint::Git => {
                let mut lines = SecretBuffer::with_capacity(body.len());
                lines.push(body);
                SandboxRequest::Git(lines)
            }
        })
    }
}

const TOO_LARGE: Refusal = Refusal {
    status: 413,
    why: "the request is larger than 64 KiB",
};

const fn bad(why: &'static str) -> Refusal {
    Refusal { status: 400, why }
}

/// What is asked for, and the length of the body.
fn read_head(bytes: &[u8]) -> Result<(Endpoint, usize), Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal {
                status: 431,
                why: "the request has too many headers",
            });
        }
        Ok(httparse::Status::Partial) | Err(_) => return Err(bad("the request is not HTTP")),
    }
    if request.version != Some(1) {
        return Err(Refusal {
            status: 505,
            why: "the request is not HTTP/1.1",
        });
    }
    let length = check_headers(request.headers)?;
    let (method, target) = (request.method.unwrap_or(""), request.path.unwrap_or(""));
    let endpoint = endpoint(method, target)?;
    let has_body = matches!(endpoint, Endpoint::Git | Endpoint::Reject);
    match length {
        None if has_body => Err(Refusal {
            status: 411,
            why: "the request has no Content-Length",
        }),
        Some(1..) if !has_body => Err(bad("the request has a body")),
        length => Ok((endpoint, length.unwrap_or(0))),
    }
}

/// The length of the body, if there is one.
fn check_headers(headers: &[httparse::Header<'_>]) -> Result<Option<usize>, Refusal> {
    let only = |name: &str| -> Result<Option<&[u8]>, Refusal> {
        let mut values = headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value);
        let first = values.next();
        match values.next() {
            Some(_) => Err(bad("the request has a header twice")),
            None => Ok(first),
        }
    };
    if only("Origin")?.is_some() {
        return Err(Refusal {
            status: 403,
            why: "the request has an Origin, so it comes from a web page",
        });
    }
    if only(REQUEST_HEADER.0)? != Some(REQUEST_HEADER.1.as_bytes()) {
        return Err(Refusal {
            status: 403,
            why: "the request does not have the header Ghtok-Request: 1",
        });
    }
    let host = only("Host")?.ok_or(bad("the request has no Host"))?;
    if !host.eq_ignore_ascii_case(REQUEST_HOST.as_bytes()) {
        return Err(Refusal {
            status: 403,
            why: "the request's Host is not localhost",
        });
    }
    if only("Transfer-Encoding")?.is_some() {
        return Err(Refusal {
            status: 501,
            why: "the request has a Transfer-Encoding",
        });
    }
    only("Content-Length")?.map(content_length).transpose()
}

fn content_length(value: &[u8]) -> Result<usize, Refusal> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(value).ok().filter(|_| is_number);
    let text = text.ok_or(bad("the Content-Length is not a number"))?;
    // One that does not fit in a number is too large.
    text.parse().map_err(|_| TOO_LARGE)
}

fn endpoint(method: &str, target: &str) -> Result<Endpoint, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (expected, endpoint) = match path {
        TOKEN_PATH => ("GET", Endpoint::Token { host: host(query)? }),
        STATUS_PATH => ("GET", Endpoint::Status),
        GIT_PATH => ("POST", Endpoint::Git),
        REJECT_PATH => ("POST", Endpoint::Reject),
        _ => {
            return Err(Refusal {
                status: 404,
                why: "there is nothing at the request's path",
            });
        }
    };
    if method != expected {
        return Err(Refusal {
            status: 405,
            why: "the request's method is another one at this path",
        });
    }
    Ok(endpoint)
}

/// The host in the query.
fn host(query: &str) -> Result<Option<String>, Refusal> {
    let mut hosts = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("host="));
    let Some(host) = hosts.next() else {
        return Ok(None);
    };
    if hosts.next().is_some() {
        return Err(bad("the request names two hosts"));
    }
    let host = decode(host.as_bytes()).and_then(|host| String::from_utf8(host.to_vec()).ok());
    host.map(Some).ok_or(bad("the request's host is not text"))
}

/// A SHA-256, in lower case.
fn fingerprint(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?.trim_ascii();
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
