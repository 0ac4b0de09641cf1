//! Reading one request: head, then a body by `Content-Length` or in chunks,
//! each within a limit.

use std::io::{self, Read, Write};

use super::form;

/// RFC 9110 names no limit; this is several times what any client sends.
const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;
/// A push carries a pack in its body.
const GIT_BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A request as it came, before anyone judged it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// The peer sent nothing, or went away half-way.
    Gone,
    /// The peer sent what is not HTTP, or too much of it.
    Malformed(u16, &'static str),
}

impl From<io::Error> for Unreadable {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Incoming {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or("");
        let (kind, _) = value.split_once(';').unwrap_or((value, ""));
        kind.trim().to_ascii_lowercase()
    }

    /// Parameters of the query string, then of a form or JSON body. GitHub takes
    /// all three (octokit sends JSON, its documentation shows query strings).
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let mut params = form::decode(&self.query);
        match self.media_type().as_str() {
            "application/json" => params.extend(json_params(&self.body)),
            "application/x-www-form-urlencoded" => {
                params.extend(form::decode(&String::from_utf8_lossy(&self.body)));
            }
            _ => {}
        }
        params
    }
}

fn json_params(body: &[u8]) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    object
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect()
}

pub(crate) fn read_request(wire: &mut (impl Read + Write)) -> Result<Incoming, Unreadable> {
    let mut buffer = Buffered {
        wire,
        held: Vec::new(),
    };
    let head = buffer.take_head()?;
    let mut request = parse_head(&head)?;
    let asks_to_continue = request
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    if asks_to_continue {
        buffer.wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        buffer.wire.flush()?;
    }
    let limit = if request.path.contains(".git/") {
        GIT_BODY_LIMIT
    } else {
        BODY_LIMIT
    };
    request.body = match request.header("transfer-encoding") {
        Some(value) if value.eq_ignore_ascii_case("chunked") => buffer.take_chunks(limit)?,
        Some(_) => return Err(Unreadable::Malformed(501, "unknown transfer encoding")),
        None => match request.header("content-length").map(str::parse) {
            None => Vec::new(),
            Some(Ok(length)) if length <= limit => buffer.take(length)?,
            Some(Ok(_)) => return Err(Unreadable::Malformed(413, "body too large")),
            Some(Err(_)) => return Err(Unreadable::Malformed(400, "bad Content-Length")),
        },
    };
    Ok(request)
}

fn parse_head(head: &[u8]) -> Result<Incoming, Unreadable> {
    let text = str::from_utf8(head).map_err(|_| Unreadable::Malformed(400, "head is not UTF-8"))?;
    let mut lines = text.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or("").split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words[..] else {
        return Err(Unreadable::Malformed(400, "bad request line"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or(Unreadable::Malformed(400, "bad header line"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Incoming {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
    })
}

/// What was read from the wire and not yet used.
struct Buffered<'a, W> {
    wire: &'a mut W,
    held: Vec<u8>,
}

impl<W: Read> Buffered<'_, W> {
    fn take_head(&mut self) -> Result<Vec<u8>, Unreadable> {
        let head = self.take_until(b"\r\n\r\n", HEAD_LIMIT)?;
        head.ok_or(Unreadable::Malformed(431, "request head too large"))
    }

    /// RFC 9112 section 7.1; chunk extensions and trailers are dropped.
    fn take_chunks(&mut self, limit: usize) -> Result<Vec<u8>, Unreadable> {
        let bad = Unreadable::Malformed(400, "bad chunk");
        let mut body = Vec::new();
        loop {
            let Some(line) = self.take_until(b"\r\n", 1024)? else {
                return Err(bad);
            };
            let line = String::from_utf8_lossy(&line);
            let size = line.split(';').next().unwrap_or("").trim();
            let Ok(size) = usize::from_str_radix(size, 16) else {
                return Err(bad);
            };
            if size > limit - body.len() {
                return Err(Unreadable::Malformed(413, "body too large"));
            }
            if size == 0 {
                while self
                    .take_until(b"\r\n", 1024)?
                    .is_some_and(|line| !line.is_empty())
                {}
                return Ok(body);
            }
            body.extend(self.take(size)?);
            self.take(2)?;
        }
    }

    /// The bytes before `end`, which is dropped; `None` when it is not within `limit`.
    fn take_until(&mut self, end: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
        loop {
            let found = self
                .held
                .windows(end.len())
                .position(|window| window == end);
            match found {
                Some(at) if at <= limit => {
                    let rest = self.held.split_off(at + end.len());
                    let mut taken = std::mem::replace(&mut self.held, rest);
                    taken.truncate(at);
                    return Ok(Some(taken));
                }
                Some(_) => return Ok(None),
                None if self.held.len() > limit => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.held.len() < length {
            self.fill()?;
        }
        let rest = self.held.split_off(length);
        Ok(std::mem::replace(&mut self.held, rest))
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.wire.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.held.extend_from_slice(&chunk[..n]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &str) -> Result<Incoming, Unreadable> {
        read_request(&mut Cursor::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_chunked_body_is_put_together() {
        let request = read(
            "POST /a?b=c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n",
        )
        .expect("a good request");
        assert_eq!(request.body, b"Wikipedia");
        assert_eq!(
            (request.path.as_str(), request.query.as_str()),
            ("/a", "b=c")
        );
    }

    #[test]
    fn limits_are_kept() {
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_LIMIT));
        assert!(matches!(read(&long), Err(Unreadable::Malformed(431, _))));
        let big = "POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n";
        assert!(matches!(read(big), Err(Unreadable::Malformed(413, _))));
        let chunk = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
        assert!(matches!(read(chunk), Err(Unreadable::Malformed(413, _))));
    }

    #[test]
    fn what_is_not_http_is_named() {
        assert!(matches!(
            read("\x16\x03\x01\r\n\r\n"),
            Err(Unreadable::Malformed(400, _))
        ));
        assert_eq!(read("").unwrap_err(), Unreadable::Gone);
        assert_eq!(read("GET / HTTP/1.1\r\nHo").unwrap_err(), Unreadable::Gone);
    }

    #[test]
    fn json_and_form_bodies_give_the_same_parameters() {
        let form = "POST /?q=1 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 7\r\n\r\na=x&b=2";
        let json = "POST /?q=1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"a\":\"x\",\"b\":2}";
        let params = read(form).expect("a form").params();
        assert_eq!(params, read(json).expect("JSON").params());
        assert_eq!(params.len(), 3);
    }
}
