//! JSON-RPC lines as MCP sends them (modelcontextprotocol.io, "Transports", stdio): what a line is, and
//! where its parts are, so that everything else is passed on byte for byte. Pure.

mod id;
mod members;
mod scanner;

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;

pub(crate) use self::id::Id;
pub use self::members::Members;
use self::scanner::{Scanner, text};

/// One message of a line.
#[derive(Debug)]
pub struct Message<'a> {
    /// The id, if there is one and it is not null.
    pub id: Option<Id>,
    /// The method of a request or a notification.
    pub method: Option<Cow<'a, str>>,
    /// Its parameters.
    pub params: Option<&'a [u8]>,
    /// A response's result.
    pub result: Option<&'a [u8]>,
    /// A response's error.
    pub error: Option<&'a [u8]>,
    /// Where the id stands in the line.
    id_at: Option<Range<usize>>,
    /// Where the parameters stand in the line.
    params_at: Option<Range<usize>>,
}

/// What a line is.
#[derive(Debug)]
pub enum Line<'a> {
    /// One message.
    One(Message<'a>),
    /// Several (revision 2025-03-26 only).
    Batch(Vec<Message<'a>>),
    /// Nothing that a peer should get.
    Noise,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It wants an answer.
    Request,
    /// It wants none.
    Notification,
    Response,
}

/// Reads a line, with or without its end.
pub fn read(line: &[u8]) -> Line<'_> {
    let mut scanner = Scanner::new(line);
    let mut all = Vec::new();
    let is_batch = line.trim_ascii_start().starts_with(b"[");
    let read = if is_batch {
        scanner.array(|scanner| {
            all.push(message(scanner, line)?);
            Some(())
        })
    } else {
        message(&mut scanner, line).map(|one| all.push(one))
    };
    if read.is_none() || !scanner.is_at_end() {
        return Line::Noise;
    }
    match all.pop() {
        None => Line::Noise,
        Some(one) if !is_batch => Line::One(one),
        Some(last) => {
            all.push(last);
            Line::Batch(all)
        }
    }
}

/// A line's several messages with other ids.
pub fn with_ids(line: &[u8], ids: &[(&Message<'_>, String)]) -> Vec<u8> {
    let mut places: Vec<_> = ids
        .iter()
        .filter_map(|(message, id)| Some((message.id_at.clone()?, id)))
        .collect();
    places.sort_by_key(|(at, _)| at.start);
    let mut bytes = Vec::with_capacity(line.len());
    let mut from = 0;
    for (at, id) in places {
        bytes.extend_from_slice(&line[from..at.start]);
        bytes.extend_from_slice(id.as_bytes());
        from = at.end;
    }
    bytes.extend_from_slice(&line[from..]);
    bytes
}

impl Message<'_> {
    /// What it is; `None` for an object that is no message.
    pub fn kind(&self) -> Option<Kind> {
        match (&self.method, &self.id) {
            (Some(_), Some(_)) => Some(Kind::Request),
            (Some(_), None) => Some(Kind::Notification),
            (None, Some(_)) if self.result.is_some() || self.error.is_some() => {
                Some(Kind::Response)
            }
            (None, _) => None,
        }
    }

    /// The line with another id in this message's place.
    pub fn with_id(&self, line: &[u8], id: &str) -> Vec<u8> {
        spliced(line, self.id_at.as_ref(), id)
    }

    /// The line with other parameters.
    pub fn with_params(&self, line: &[u8], params: &str) -> Vec<u8> {
        spliced(line, self.params_at.as_ref(), params)
    }

    /// The id as it stands in the line.
    pub fn raw_id<'l>(&self, line: &'l [u8]) -> &'l str {
        let at = self.id_at.clone().unwrap_or(0..0);
        std::str::from_utf8(&line[at]).unwrap_or("null")
    }

    /// The parameters as they stand in the line.
    pub(crate) fn raw_params(&self) -> Option<&str> {
        std::str::from_utf8(self.params?).ok()
    }

    /// The parameters, read as `T`.
    pub fn params_as<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(self.params?).ok()
    }

    /// The result, read as `T`.
    pub fn result_as<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(self.result?).ok()
    }
}

/// The message that begins here; of a name that stands twice the last counts, as in JavaScript.
fn message<'a>(scanner: &mut Scanner<'a>, line: &'a [u8]) -> Option<Message<'a>> {
    let (mut id, mut method) = (None, None);
    let (mut params, mut result, mut error) = (None, None, None);
    scanner.object(|name, value| match name {
        "id" => id = Some(value),
        "method" => method = Some(value),
        "params" => params = Some(value),
        "result" => result = Some(value),
        "error" => error = Some(value),
        _ => {}
    })?;
    let at = |value: &[u8]| {
        let start = value.as_ptr() as usize - line.as_ptr() as usize;
        start..start + value.len()
    };
    let method = method.filter(|method| *method != b"null");
    Some(Message {
        id: id.and_then(|id| Id::of(std::str::from_utf8(id).ok()?)),
        method: match method {
            Some(method) => Some(text(method)?),
            None => None,
        },
        id_at: id.map(at),
        params_at: params.map(at),
        params,
        result,
        error,
    })
}

fn spliced(line: &[u8], at: Option<&Range<usize>>, text: &str) -> Vec<u8> {
    let Some(at) = at else {
        return line.to_vec();
    };
    [&line[..at.start], text.as_bytes(), &line[at.end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Message<'_> {
        match read(line.as_bytes()) {
            Line::One(message) => message,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        for (line, kind) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                Some(Kind::Request),
            ),
            (
                r#"{"method":"notifications/initialized"}"#,
                Some(Kind::Notification),
            ),
            (r#"{"id":null,"method":"a"}"#, Some(Kind::Notification)),
            (
                r#"{"result":{},"jsonrpc":"2.0","id":"a"}"#,
                Some(Kind::Response),
            ),
            (
                r#"{"id":1,"error":{"code":-1,"message":""}}"#,
                Some(Kind::Response),
            ),
            (r#"{"id":1,"result":null}"#, Some(Kind::Response)),
            (r#"{"id":1}"#, None),
            ("{}", None),
        ] {
            assert_eq!(one(line).kind(), kind, "{line}");
        }
        for line in ["", "x", "[]", "[1]", "1", "{\"id\":", "\"id\"", "{} {}"] {
            assert!(matches!(read(line.as_bytes()), Line::Noise), "{line}");
        }
    }

    #[test]
    fn an_id_is_the_same_however_it_is_written() {
        for (left, right, same) in [
            ("1000", "1e3", true),
            ("1.0", "1", true),
            ("\"a\"", "\"\\u0061\"", true),
            ("1", "\"1\"", false),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("9223372036854775807", "9223372036854775806", false),
            ("-1", "1", false),
        ] {
            let id = |raw: &str| one(&format!("{{\"id\":{raw},\"method\":\"m\"}}")).id;
            assert_eq!(id(left) == id(right), same, "{left} {right}");
        }
    }

    #[test]
    fn an_id_is_replaced_and_nothing_else_is_touched() {
        let line = "  {\"method\" : \"a\\u0062\", \"x\":1.50e+2,\"x\":[ 1 ], \"id\" : 7 ,\"params\":{\"é\":\"\\ud83d\"}}\r\n";
        let message = one(line);
        assert_eq!(message.method.as_deref(), Some("ab"));
        assert_eq!(message.raw_id(line.as_bytes()), "7");
        let replaced = message.with_id(line.as_bytes(), "\"ghtok:1:0\"");
        assert_eq!(
            String::from_utf8(replaced).expect("text"),
            line.replace("\"id\" : 7", "\"id\" : \"ghtok:1:0\"")
        );
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        let message = one(r#"{"id":1,"method":"a","id":2,"method":"b"}"#);
        assert_eq!(message.id, one(r#"{"id":2,"method":"x"}"#).id);
        assert_eq!(message.method.as_deref(), Some("b"));
    }

    #[test]
    fn deep_nesting_is_no_matter() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let line =
            format!("{{\"id\":1,\"method\":\"m\",\"params\":{{\"a\":{deep}}},\"b\":{deep}}}");
        assert_eq!(one(&line).kind(), Some(Kind::Request));
    }

    #[test]
    fn a_batch_is_its_messages() {
        let line = br#"[{"id":1,"method":"a"},{"method":"b"}]"#;
        let Line::Batch(all) = read(line) else {
            panic!("no batch");
        };
        let kinds: Vec<_> = all.iter().map(Message::kind).collect();
        assert_eq!(kinds, [Some(Kind::Request), Some(Kind::Notification)]);
        let line = br#"[{"id":1,"method":"a"}, {"result":7,"id":"x"}]"#;
        let Line::Batch(all) = read(line) else {
            panic!("no batch");
        };
        assert_eq!(
            with_ids(line, &[(&all[1], "\"yy\"".into()), (&all[0], "9".into())]),
            br#"[{"id":9,"method":"a"}, {"result":7,"id":"yy"}]"#
        );
    }
}
