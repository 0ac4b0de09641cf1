//! What a failure puts on the wire, as a script of steps: pure, so that the
//! connection only has to play it.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::answers::{SIGN_IN_PAGE, decoy, failing_status, rate_limited, wrong_type};
use super::{Cut, Failure};
use crate::authority::error_params;
use crate::http::{Answer, Format, form};

const NESTED: usize = 100_000;

/// One thing that a connection does.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// The same bytes so many times; `None`: until the peer has had enough.
    Repeat(Vec<u8>, Option<u64>),
    Drip(Vec<u8>, Duration),
    /// RST.
    Reset,
    /// FIN, without TLS's `close_notify`.
    Break,
    Hang,
    WaitAtGate,
}

/// The steps, and the status that the peer sees, if it sees one.
#[derive(Debug, PartialEq)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) status: Option<u16>,
}

/// What the failing answer is made of.
pub(crate) struct Scene<'a> {
    /// The true answer; `None` before processing.
    pub(crate) answer: Option<Answer>,
    pub(crate) format: Format,
    pub(crate) date: Option<&'a str>,
    /// The time that the server's `Date` tells.
    pub(crate) server_time: SystemTime,
}

pub(crate) fn script(failure: &Failure, scene: Scene) -> Script {
    let date = scene.date;
    let whole = |answer: &Answer| Script {
        steps: vec![Step::Send(answer.to_bytes(date))],
        status: Some(answer.status),
    };
    let unseen = |steps| Script {
        steps,
        status: None,
    };
    match failure {
        Failure::Status(status) => whole(&failing_status(*status)),
        Failure::Html => whole(&Answer::html(200, SIGN_IN_PAGE)),
        Failure::Empty => whole(&Answer::new(200, "", "")),
        Failure::WrongType(kind) => whole(&Answer::json(200, &wrong_type(*kind))),
        Failure::DeepJson => {
            let body = "[".repeat(NESTED) + &"]".repeat(NESTED);
            whole(&Answer::new(200, "application/json; charset=utf-8", body))
        }
        Failure::DuplicateKeys => whole(&rewritten(scene, |text, _| duplicate_members(text))),
        Failure::NotANumber => whole(&rewritten(scene, |_, value| without_numbers(value))),
        Failure::Bom => whole(&rewritten(scene, |text, _| format!("\u{feff}{text}"))),
        Failure::FormBody => whole(&form_encoded(scene)),
        Failure::Cut(cut) => cut_script(*cut, scene),
        Failure::Reset => unseen(vec![Step::Reset]),
        Failure::Hang => unseen(vec![Step::Hang]),
        Failure::Drip(pause) => {
            let answer = true_answer(scene);
            let bytes = answer.to_bytes(date);
            Script {
                steps: vec![Step::Drip(bytes, *pause)],
                status: Some(answer.status),
            }
        }
        Failure::InterimFirst => {
            let answer = true_answer(scene);
            let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
            bytes.extend(answer.to_bytes(date));
            Script {
                steps: vec![Step::Send(bytes)],
                status: Some(answer.status),
            }
        }
        Failure::HugeBody(size) => huge_body(*size, date),
        Failure::EndlessHeaders => {
            let head = Answer::new(200, "", "").open_head(date).into_bytes();
            let line = format!("X-Endless: {}\r\n", "x".repeat(1000)).into_bytes();
            Script {
                steps: vec![Step::Send(head), Step::Repeat(line, None)],
                status: Some(200),
            }
        }
        Failure::Redirect(status, location) => whole(
            &Answer::html(
                *status,
                "<html><body>You are being redirected.</body></html>",
            )
            .with("Location", location),
        ),
        Failure::RateLimited {
            status,
            retry_after,
            headers,
        } => whole(&rate_limited(
            *status,
            *retry_after,
            *headers,
            scene.server_time,
        )),
        Failure::OAuthError(code) => whole(&Answer::oauth(200, &error_params(code), scene.format)),
        Failure::Gate => {
            let answer = true_answer(scene);
            let send = Step::Send(answer.to_bytes(date));
            Script {
                steps: vec![Step::WaitAtGate, send],
                status: Some(answer.status),
            }
        }
    }
}

fn true_answer(scene: Scene) -> Answer {
    let format = scene.format;
    scene
        .answer
        .unwrap_or_else(|| Answer::oauth(503, &error_params("server_error"), format))
}

/// The true answer with a rewritten body, if its body is a JSON object.
fn rewritten(scene: Scene, rewrite: impl Fn(&str, &Value) -> String) -> Answer {
    let mut answer = true_answer(scene);
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) {
        answer.body = rewrite(&String::from_utf8_lossy(&answer.body), &value).into_bytes();
    }
    answer
}

fn duplicate_members(object: &str) -> String {
    let members = object.trim().trim_start_matches('{').trim_end_matches('}');
    format!("{{{members},{members}}}")
}

fn without_numbers(object: &Value) -> String {
    let members = object.as_object().into_iter().flatten();
    let members: Vec<String> = members
        .map(|(name, value)| match value {
            Value::Number(_) => format!("\"{name}\":NaN"),
            other => format!("\"{name}\":{other}"),
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn form_encoded(scene: Scene) -> Answer {
    let answer = true_answer(scene);
    let Ok(Value::Object(object)) = serde_json::from_slice(&answer.body) else {
        return answer;
    };
    let text = |value: Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let params: Vec<(String, String)> = object
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect();
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    Answer::new(answer.status, kind, form::encode(&params))
}

fn cut_script(cut: Cut, mut scene: Scene) -> Script {
    let date = scene.date;
    // Nothing tells the client whether the server acted: both stages look alike.
    let answer = scene.answer.take().unwrap_or_else(decoy);
    let bytes = answer.to_bytes(date);
    let body = answer.body.len();
    let keep = match cut {
        Cut::After(keep) => keep.min(bytes.len()),
        Cut::Half => bytes.len() / 2,
        Cut::HalfBody => bytes.len() - body + body / 2,
        Cut::AllButOne => bytes.len() - 1,
    };
    let status_seen = keep >= "HTTP/1.1 200".len();
    Script {
        steps: vec![Step::Send(bytes[..keep].to_vec()), Step::Break],
        status: status_seen.then_some(answer.status),
    }
}

fn huge_body(size: u64, date: Option<&str>) -> Script {
    const PIECE: u64 = 64 * 1024;
    let head = Answer::new(200, "", "")
        .with("Content-Type", "application/json; charset=utf-8")
        .with("Content-Length", (size + 2).to_string())
        .open_head(date);
    let piece = |length: u64| vec![b'x'; usize::try_from(length).expect("at most one piece")];
    let steps = vec![
        Step::Send((head + "\r\n\"").into_bytes()),
        Step::Repeat(piece(PIECE), Some(size / PIECE)),
        Step::Send(piece(size % PIECE)),
        Step::Send(b"\"".to_vec()),
    ];
    Script {
        steps,
        status: Some(200),
    }
}
