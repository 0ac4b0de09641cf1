//! One answer: built from parameters in the format that `Accept` asked for, or
//! from plain JSON, HTML or text.

use std::fmt::Write as _;

use serde_json::Value;

use super::form;
use crate::ledger::Rotation;

/// Parameters of an OAuth answer, in the order in which they are sent.
pub(crate) type Params = Vec<(&'static str, Value)>;

/// How an OAuth answer is written.
/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    Form,
    Json,
    Xml,
}

impl Format {
    /// Form-encoded unless the client asks for JSON or XML.
    pub(crate) fn asked_by(accept: Option<&str>) -> Self {
        match accept.unwrap_or("").to_ascii_lowercase() {
            accept if accept.contains("application/json") => Self::Json,
            accept if accept.contains("application/xml") => Self::Xml,
            _ => Self::Form,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// For the ledger: the OAuth `error` in the body.
    pub(crate) oauth_error: Option<String>,
    /// For the ledger: the refresh that this answer reports.
    pub(crate) rotated: Option<Rotation>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let answer = Self {
            status,
            body: body.into(),
            ..Self::default()
        };
        if answer.body.is_empty() {
            return answer;
        }
        answer.with("Content-Type", content_type)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(crate) fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn oauth(status: u16, params: &Params, format: Format) -> Self {
        let (kind, body) = match format {
            Format::Form => (
                "application/x-www-form-urlencoded",
                form::encode(&texts(params)),
            ),
            Format::Json => ("application/json", json_object(params)),
            Format::Xml => ("application/xml", xml(params)),
        };
        let error = params.iter().find(|(name, _)| *name == "error");
        let mut answer = Self::new(status, &format!("{kind}; charset=utf-8"), body)
            .with("Cache-Control", "max-age=0, private, must-revalidate");
        answer.oauth_error = error.map(|(_, value)| text(value));
        answer
    }

    /// Head and body as they go over the wire.
    pub(crate) fn to_bytes(&self, date: Option<&str>) -> Vec<u8> {
        let mut out = self.head(date).into_bytes();
        out.extend_from_slice(&self.body);
        out
    }

    /// The head, with the length of the whole body.
    pub(crate) fn head(&self, date: Option<&str>) -> String {
        let mut head = self.open_head(date);
        let bodiless = self.status < 200 || matches!(self.status, 204 | 304);
        if !bodiless {
            write!(head, "Content-Length: {}\r\n", self.body.len())
                .expect("writing to a String cannot fail");
        }
        head + "\r\n"
    }

    /// The head without a length and without its end.
    pub(crate) fn open_head(&self, date: Option<&str>) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let date = date.map(|date| ("Date", date));
        let own = [("Server", "github.com"), ("Connection", "close")];
        let given = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(date).chain(given) {
            write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
        }
        head
    }
}

fn texts(params: &Params) -> Vec<(String, String)> {
    params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), text(value)))
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn json_object(params: &Params) -> String {
    let fields: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn xml(params: &Params) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OAuth>\n");
    for (name, value) in texts(params) {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(out, "  <{name}>{value}</{name}>").expect("writing to a String cannot fail");
    }
    out + "</OAuth>\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}
