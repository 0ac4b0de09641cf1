//! What an HTTP answer means for the message that was sent. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::formats::json_rpc;

/// What follows from the status and the content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// One message, as JSON.
    Json,
    /// Messages, as server-sent events.
    Events,
    /// Nothing: the message was accepted.
    Accepted,
    /// An error, which the body explains.
    Error,
}

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ErrorAnswer {
    /// The body is the answer, as a JSON-RPC error.
    Message,
    /// The token is refused; nothing was done.
    Unauthorized,
    /// The server does not know the session; nothing was done.
    SessionLost,
    /// It may be the session, or the request: the server has no own status for that.
    Doubtful,
    /// Nothing was done, for this reason.
    NotDone(String),
    /// It may have been done: something on the way has answered.
    Unknown(String),
    /// Nothing was done, and the server asks to come back after this many seconds.
    Later(u64, String),
}

/// What is known of a request that was answered with an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorFacts<'a> {
    pub(super) host: &'a str,
    pub(super) app: &'a str,
    pub(super) status: u16,
    pub(super) has_session: bool,
    pub(super) is_modern: bool,
    pub(super) is_opening: bool,
    pub(super) www_authenticate: Option<&'a str>,
    pub(super) location: Option<&'a str>,
    pub(super) retry_after: Option<&'a str>,
    /// The beginning of the body.
    pub(super) body: &'a [u8],
}

/// Codes of revision 2026-07-28 about the request itself, not about a session.
const MODERN_CODES: [i64; 3] = [-32020, -32021, -32022];

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: RpcError<'a>,
}

#[derive(Deserialize)]
struct RpcError<'a> {
    code: i64,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// What follows from the head of an answer.
pub(super) fn head(status: u16, content_type: Option<&str>) -> AnswerKind {
    let kind = content_type.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match status {
        202 | 204 => AnswerKind::Accepted,
        200..=299 if kind.eq_ignore_ascii_case("text/event-stream") => AnswerKind::Events,
        200..=299 if kind.eq_ignore_ascii_case("application/json") => AnswerKind::Json,
        _ => AnswerKind::Error,
    }
}

/// The JSON-RPC code of a body.
pub(super) fn error_code(body: &[u8]) -> Option<i64> {
    let body: ErrorBody<'_> = serde_json::from_slice(body).ok()?;
    Some(body.error.code)
}

/// What an error means.
pub(super) fn judge(facts: &ErrorFacts<'_>) -> ErrorAnswer {
    let ErrorFacts {
        host,
        app,
        status,
        body,
        ..
    } = *facts;
    let code = error_code(body);
    let message = code.is_some();
    match status {
        401 => ErrorAnswer::Unauthorized,
        404 | 410 if facts.has_session && !facts.is_modern => ErrorAnswer::SessionLost,
        400 if facts.has_session
            && !facts.is_modern
            && code.is_none_or(|code| !MODERN_CODES.contains(&code)) =>
        {
            ErrorAnswer::Doubtful
        }
        403 => ErrorAnswer::NotDone(forbidden(facts)),
        429 | 503 => match facts.retry_after.and_then(|text| text.trim().parse().ok()) {
            Some(seconds) => ErrorAnswer::Later(seconds, failed(facts)),
            None if message => ErrorAnswer::Message,
            None => ErrorAnswer::NotDone(failed(facts)),
        },
        300..=399 => ErrorAnswer::NotDone(format!(
            "{host} redirects to {}, which ghtok does not follow: the token is sent to no other address",
            facts
                .location
                .map_or_else(|| "another address".into(), shown)
        )),
        _ if message => ErrorAnswer::Message,
        400 if mentions_token(body) => ErrorAnswer::NotDone(format!(
            "{host} does not take the token of the App \"{app}\" (HTTP 400{})",
            said(body)
        )),
        400 | 404 | 405 if facts.is_opening => ErrorAnswer::NotDone(format!(
            "{}; it may be a server of the old HTTP+SSE transport, which is not supported, or another address",
            failed(facts)
        )),
        400..=499 => ErrorAnswer::NotDone(failed(facts)),
        500..=599 => ErrorAnswer::Unknown(failed(facts)),
        _ => ErrorAnswer::Unknown(format!(
            "{host} answered HTTP {status} with neither JSON nor server-sent events"
        )),
    }
}

fn failed(facts: &ErrorFacts<'_>) -> String {
    format!(
        "HTTP {} from {}{}",
        facts.status,
        facts.host,
        said(facts.body)
    )
}

/// Insufficient permissions, or a policy of an organisation.
fn forbidden(facts: &ErrorFacts<'_>) -> String {
    let why = facts
        .www_authenticate
        .map(|text| format!(" ({})", shown(text)));
    format!(
        "HTTP 403 from {}{}{}: the permissions of the App \"{}\", or an approval by the organization, may be missing",
        facts.host,
        said(facts.body),
        why.unwrap_or_default(),
        facts.app
    )
}

fn mentions_token(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("authorization") || text.contains("token")
}

/// One line of a body that is text for people.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if let Some(message) = serde_json::from_slice::<ErrorBody<'_>>(body)
        .ok()
        .and_then(|body| serde_json::from_str::<String>(body.error.message?.get()).ok())
    {
        return format!(": {}", shown(&message));
    }
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with(['<', '{', '[']) {
        return String::new();
    }
    format!(": {}", shown(trimmed))
}

fn shown(text: &str) -> String {
    crate::github::shown_text(text)
}

/// A JSON body as one line with this id; `None` if it is no JSON-RPC.
pub(super) fn line_of(body: &[u8], raw_id: Option<&str>) -> Option<Vec<u8>> {
    let body = body
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(body)
        .trim_ascii();
    let mut line = if body.contains(&b'\n') || body.contains(&b'\r') {
        let value: Box<RawValue> = serde_json::from_slice(body).ok()?;
        one_line(value.get()).into_bytes()
    } else {
        body.to_vec()
    };
    match json_rpc::read(&line) {
        json_rpc::Line::Noise => return None,
        // An error about a request whose id the server did not read.
        json_rpc::Line::One(message) if message.id.is_none() && message.error.is_some() => {
            let error = std::str::from_utf8(message.error?).ok()?;
            line = format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, raw_id?).into_bytes();
        }
        json_rpc::Line::One(_) | json_rpc::Line::Batch(_) => {}
    }
    line.push(b'\n');
    Some(line)
}

/// JSON without its line ends: within its texts there are none (RFC 8259, section 7).
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: u16, body: &str) -> ErrorFacts<'_> {
        ErrorFacts {
            host: "mcp.example",
            app: "work",
            status,
            has_session: false,
            is_modern: false,
            is_opening: false,
            www_authenticate: None,
            location: None,
            retry_after: None,
            body: body.as_bytes(),
        }
    }

    #[test]
    fn the_head_says_how_the_answer_is_read() {
        for (status, kind, expected) in [
            (
                200,
                Some("application/json; charset=utf-8"),
                AnswerKind::Json,
            ),
            (200, Some("Text/Event-Stream"), AnswerKind::Events),
            (202, None, AnswerKind::Accepted),
            (204, None, AnswerKind::Accepted),
            (200, Some("text/html"), AnswerKind::Error),
            (200, None, AnswerKind::Error),
            (302, Some("application/json"), AnswerKind::Error),
            (502, Some("text/html"), AnswerKind::Error),
        ] {
            assert_eq!(head(status, kind), expected, "{status} {kind:?}");
        }
    }

    #[test]
    fn a_session_is_lost_only_where_there_was_one() {
        let rpc = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No valid session ID"}}"#;
        let mismatch = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"header"}}"#;
        for (status, body, has_session, is_modern, expected) in [
            (404, "", true, false, ErrorAnswer::SessionLost),
            (410, "gone", true, false, ErrorAnswer::SessionLost),
            (404, rpc, true, false, ErrorAnswer::SessionLost),
            (404, rpc, false, false, ErrorAnswer::Message),
            (404, rpc, true, true, ErrorAnswer::Message),
            (400, rpc, true, false, ErrorAnswer::Doubtful),
            (400, mismatch, true, false, ErrorAnswer::Message),
            (400, rpc, false, true, ErrorAnswer::Message),
            (401, rpc, true, false, ErrorAnswer::Unauthorized),
        ] {
            let facts = ErrorFacts {
                has_session,
                is_modern,
                ..facts(status, body)
            };
            assert_eq!(judge(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn what_a_gateway_says_leaves_open_what_was_done() {
        assert!(
            matches!(judge(&facts(502, "<html>")), ErrorAnswer::Unknown(text) if text == "HTTP 502 from mcp.example")
        );
        assert!(matches!(
            judge(&facts(200, "<html>")),
            ErrorAnswer::Unknown(_)
        ));
        assert!(
            matches!(judge(&facts(413, "too\nlarge")), ErrorAnswer::NotDone(text) if text.ends_with(": too large"))
        );
        let later = ErrorFacts {
            retry_after: Some("7"),
            ..facts(503, "")
        };
        assert!(matches!(judge(&later), ErrorAnswer::Later(7, _)));
        let elsewhere = ErrorFacts {
            location: Some("https://evil.example/\u{1b}[2J"),
            ..facts(307, "")
        };
        let ErrorAnswer::NotDone(text) = judge(&elsewhere) else {
            panic!("it is not followed");
        };
        assert!(
            text.contains("https://evil.example/") && !text.contains('\u{1b}'),
            "{text}"
        );
        let opening = ErrorFacts {
            is_opening: true,
            ..facts(405, "")
        };
        assert!(matches!(judge(&opening), ErrorAnswer::NotDone(text) if text.contains("HTTP+SSE")));
    }

    #[test]
    fn a_body_becomes_one_line() {
        for (body, id, line) in [
            (
                "{\"id\":1,\n \"result\":{}}\r\n",
                None,
                Some("{\"id\":1,  \"result\":{}}\n"),
            ),
            (
                "\u{feff}{\"id\":1,\"result\":{}}",
                None,
                Some("{\"id\":1,\"result\":{}}\n"),
            ),
            (
                r#"{"id":null,"error":{"code":1}}"#,
                Some("7"),
                Some("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1}}\n"),
            ),
            (r#"{"error":{"code":1}}"#, None, None),
            ("<html>", None, None),
            ("", None, None),
        ] {
            let found = line_of(body.as_bytes(), id);
            assert_eq!(found.as_deref(), line.map(str::as_bytes), "{body}");
        }
    }
}
