//! One request through the socket, and its answer: HTTP/1.1 (RFC 9112), one request per connection.
#![cfg_attr(not(unix), allow(dead_code, reason = "only Unix has these sockets"))]

use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::auth::ports::Clock;
use crate::formats::sandbox_protocol::{MOST_BYTES, REQUEST_HEADER, REQUEST_HOST};

/// The longest head of an answer, and its longest body.
const LONGEST_HEAD: usize = 16 * 1024;
const LONGEST_BODY: usize = MOST_BYTES;

const MOST_HEADERS: usize = 32;

/// The longest that one system call waits.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// One request.
pub(super) struct HostRequest<'a> {
    method: &'static str,
    target: &'a str,
    body: &'a [u8],
}

/// An answer.
pub(super) struct HostAnswer {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody listens at the socket, or this process may not connect.
    Unreachable(String),
    /// The queue of the socket is full.
    Busy,
    /// The connection ended before the answer did.
    CutOff,
    TimedOut,
    /// The connection broke: the system's reason.
    Broken(String),
    /// What came is no answer, in words that follow "the answer".
    Malformed(&'static str),
}

/// Where to ask, and until when.
pub(super) struct SocketExchange<'a> {
    pub(super) socket: &'a Path,
    pub(super) clock: &'a dyn Clock,
    /// By the monotonic clock.
    pub(super) deadline: Duration,
}

impl<'a> HostRequest<'a> {
    pub(super) fn get(target: &'a str) -> Self {
        Self {
            method: "GET",
            target,
            body: b"",
        }
    }

    pub(super) fn post(target: &'a str, body: &'a [u8]) -> Self {
        Self {
            method: "POST",
            target,
            body,
        }
    }

    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self {
            method,
            target,
            body,
        } = self;
        let (name, value) = REQUEST_HEADER;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {REQUEST_HOST}\r\n{name}: {value}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + body.len()));
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }
}

impl HostAnswer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer in these bytes; `None` if it is not whole yet.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head
            .parse(bytes)
            .map_err(|_| Failure::Malformed("is not HTTP"))?;
        let httparse::Status::Complete(start) = parsed else {
            if bytes.len() > LONGEST_HEAD {
                return Err(Failure::Malformed("has a head that is too long"));
            }
            return Ok(None);
        };
        let length = content_length(head.headers)?;
        let Some(body) = bytes.get(start..start + length) else {
            return Ok(None);
        };
        Ok(Some(Self {
            status: head.code.unwrap_or(0),
            body: Zeroizing::new(body.to_vec()),
        }))
    }
}

fn content_length(headers: &[httparse::Header<'_>]) -> Result<usize, Failure> {
    let values = |name: &'static str| {
        let named = move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
        headers.iter().filter(named).map(|header| header.value)
    };
    if values("Transfer-Encoding").next().is_some() {
        return Err(Failure::Malformed("has a transfer coding"));
    }
    let mut lengths = values("Content-Length");
    let (Some(length), None) = (lengths.next(), lengths.next()) else {
        return Err(Failure::Malformed("has no single length"));
    };
    let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let length = str::from_utf8(length).ok().filter(|_| is_number);
    match length.and_then(|text| text.parse().ok()) {
        Some(length) if length <= LONGEST_BODY => Ok(length),
        Some(_) => Err(Failure::Malformed("is too long")),
        None => Err(Failure::Malformed("has a length that is no number")),
    }
}

#[cfg(not(unix))]
impl SocketExchange<'_> {
    pub(super) fn ask(&self, request: &HostRequest<'_>) -> Result<HostAnswer, Failure> {
        let _ = (self.socket, self.clock, self.deadline, request.bytes());
        let _ = HostAnswer::parse;
        Err(Failure::Unreachable(
            "sandboxes are not available on this system".into(),
        ))
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;

    use rustix::io::Errno;
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

    use super::{
        Duration, Failure, HostAnswer, HostRequest, LONGEST_BODY, LONGEST_HEAD, LONGEST_WAIT,
        SocketExchange, Zeroizing,
    };
    use crate::error::system_reason;

    impl SocketExchange<'_> {
        pub(crate) fn ask(&self, request: &HostRequest<'_>) -> Result<HostAnswer, Failure> {
            let mut stream = self.connect()?;
            // A host that turns requests away may answer without having read this one.
            let sent = self.send(&mut stream, &request.bytes());
            match self.receive(&mut stream) {
                Err(Failure::CutOff) => Err(sent.err().unwrap_or(Failure::CutOff)),
                answered => answered,
            }
        }

        /// connect(2) waits for room in the queue for as long as the socket may wait to send.
        fn connect(&self) -> Result<UnixStream, Failure> {
            let unreachable = |error: Errno| Failure::Unreachable(system_reason(&error.into()));
            let address = SocketAddrUnix::new(self.socket).map_err(unreachable)?;
            let socket =
                socket(AddressFamily::UNIX, SocketType::STREAM, None).map_err(unreachable)?;
            rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).map_err(unreachable)?;
            let left = self.left()?;
            set_socket_timeout(&socket, Timeout::Send, Some(left)).map_err(unreachable)?;
            match connect(&socket, &address) {
                Ok(()) => Ok(UnixStream::from(socket)),
                Err(Errno::AGAIN | Errno::INTR) => Err(Failure::Busy),
                Err(error) => Err(unreachable(error)),
            }
        }

        fn send(&self, stream: &mut UnixStream, bytes: &[u8]) -> Result<(), Failure> {
            let mut sent = 0;
            while sent < bytes.len() {
                let left = self.left()?;
                let written = stream
                    .set_write_timeout(Some(left))
                    .and_then(|()| stream.write(&bytes[sent..]));
                sent += progress(written)?;
            }
            Ok(())
        }

        fn receive(&self, stream: &mut UnixStream) -> Result<HostAnswer, Failure> {
            // Room for all of it: a buffer that grows leaves copies behind.
            let mut bytes = Zeroizing::new(vec![0; LONGEST_HEAD + LONGEST_BODY + 1]);
            let mut filled = 0;
            loop {
                let left = self.left()?;
                let read = stream
                    .set_read_timeout(Some(left))
                    .and_then(|()| stream.read(&mut bytes[filled..]));
                if matches!(read, Ok(0)) {
                    return Err(Failure::CutOff);
                }
                filled += progress(read)?;
                if let Some(answer) = HostAnswer::parse(&bytes[..filled])? {
                    return Ok(answer);
                }
            }
        }

        /// How long one system call may wait: at least a millisecond, since no time at all means no limit to a
        /// socket, and only a part of a long time, since it does not go by our clock.
        fn left(&self) -> Result<Duration, Failure> {
            let left = self.deadline.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return Err(Failure::TimedOut);
            }
            Ok(left.clamp(Duration::from_millis(1), LONGEST_WAIT))
        }
    }

    /// How many bytes were moved. An interruption or a time-out moved none; the deadline tells the difference.
    fn progress(moved: std::io::Result<usize>) -> Result<usize, Failure> {
        moved.or_else(|error| match error.kind() {
            ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(0),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => Err(Failure::CutOff),
            _ => Err(Failure::Broken(system_reason(&error))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(u16, Vec<u8>)>, Failure> {
        let answer = HostAnswer::parse(text.as_bytes())?;
        Ok(answer.map(|answer| (answer.status, answer.body.to_vec())))
    }

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(parse(whole), Ok(Some((200, b"abc".to_vec()))));
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Ok(None), "{end}");
        }
        let more = format!("{whole}HTTP/1.1 200 OK\r\n");
        assert_eq!(parse(&more), Ok(Some((200, b"abc".to_vec()))));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bad in [
            "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        ] {
            assert!(matches!(parse(bad), Err(Failure::Malformed(_))), "{bad}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(LONGEST_HEAD));
        assert!(matches!(parse(&endless), Err(Failure::Malformed(_))));
    }

    #[test]
    fn a_request_says_what_the_host_asks_for() {
        let request = HostRequest::post("/v1/reject", b"abc").bytes();
        let text = String::from_utf8(request.to_vec()).expect("text");
        assert_eq!(
            text,
            "POST /v1/reject HTTP/1.1\r\nHost: localhost\r\nGhtok-Request: 1\r\nContent-Length: 3\r\n\r\nabc"
        );
    }
}
