//! What happens to a remote server and to the way to it, an entry for each: what is done, and what a client
//! that stays must see.

use std::time::Duration;

use serde_json::{Value, json};

use super::desk::{Bridge, Desk, check, good};
use super::remote::{Exchange, HTML, PATIENCE, Remote, State, question};

/// One event of the table.
pub struct Occurrence {
    pub name: &'static str,
    pub try_it: fn(&mut Desk) -> Outcome,
}

pub type Outcome = Result<(), String>;

const fn of(name: &'static str, try_it: fn(&mut Desk) -> Outcome) -> Occurrence {
    Occurrence { name, try_it }
}

pub const EVENTS: &[Occurrence] = &[
    of(
        "the server is started again, and answers 404 for the session",
        |desk| restarts(desk, 404),
    ),
    of("the same with 400", |desk| restarts(desk, 400)),
    of("the same with 410", |desk| restarts(desk, 410)),
    of(
        "the log level is set again in the new session",
        level_is_set_again,
    ),
    of(
        "the server cannot be reached during a call",
        offline_during_a_call,
    ),
    of(
        "the server cannot be reached when the client starts",
        offline_at_the_start,
    ),
    of("a proxy answers 502 with an HTML page", |desk| {
        strange_answer(desk, 502)
    }),
    of("a proxy answers 200 with an HTML page", |desk| {
        strange_answer(desk, 200)
    }),
    of("an answer of JSON is cut in the middle", answer_cut),
    of("202 for a call", accepted_call),
    of("another process replaces the token", token_replaced),
    of(
        "the token is replaced while a call is on its way",
        token_replaced_on_the_way,
    ),
    of("the token is revoked", token_revoked),
    of(
        "a call's stream is cut before an event ID: the call is not repeated",
        cut_before_event,
    ),
    of(
        "a call's stream is cut after an event ID: it is resumed",
        cut_after_event,
    ),
    of(
        "a stream is cut that cannot be resumed: the call is answered",
        cut_for_good,
    ),
    of("GET is answered 405: it is not asked again", |desk| {
        get_refused(desk, 405, 1)
    }),
    of("GET is answered 409: it is not asked again", |desk| {
        get_refused(desk, 409, 1)
    }),
    of(
        "GET is answered 429: it is not asked all the time",
        |desk| get_refused(desk, 429, 3),
    ),
    of(
        "the GET stream is cut: opened again, no message lost",
        get_stream_cut,
    ),
    of(
        "a call is redirected to another host: no token arrives there",
        |desk| redirected(desk, "tools/call"),
    ),
    of(
        "the GET stream is redirected to another host: the same",
        |desk| redirected(desk, "GET"),
    ),
    of(
        "a line break in the agreed revision: no header is injected",
        injected,
    ),
    of(
        "BOM, CR, CRLF, comments, and UTF-8 split between two packets",
        strange_stream,
    ),
    of("an event of almost 64 MiB", large_event),
    of(
        "an event of more than 64 MiB: the call is answered",
        too_large_event,
    ),
    of("a question by the call's stream", question_by_the_call),
    of("a question by the GET stream", question_by_get),
    of("progress", progress),
    of("a client cancels: the server is told", cancelled),
    of("the client ends: the session is deleted", ended),
];

fn restarts(desk: &mut Desk, gone: u16) -> Outcome {
    desk.remote.state().gone = Some(gone);
    desk.open()?;
    desk.call("write")?;
    desk.remote.restart();
    desk.call("write")?;
    desk.call("write")?;
    desk.expect_deeds("write", 3)
}

fn level_is_set_again(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.get("logging/setLevel", &json!({"level": "error"}))?;
    desk.remote.restart();
    desk.call("write")?;
    let level = desk.remote.state().level.clone();
    check(level.as_deref() == Some("error"), || {
        format!("the level is {level:?}")
    })
}

fn offline_during_a_call(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.http.go_offline();
    desk.fails("write")?;
    desk.remote.http.go_online();
    desk.call("write")?;
    desk.expect_deeds("write", 1)
}

fn offline_at_the_start(desk: &mut Desk) -> Outcome {
    desk.remote.http.go_offline();
    desk.start(&[]);
    let answer = desk.initialize()?;
    desk.remote.http.go_online();
    if answer.get("error").is_some() {
        desk.shake_hands()?;
    } else {
        // The bridge has answered by itself.
        desk.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }
    desk.call("write").map(|_| ())
}

fn strange_answer(desk: &mut Desk, status: u16) -> Outcome {
    desk.open()?;
    let page = b"<html>\n<h1>Bad Gateway</h1>\n</html>";
    desk.remote.plan("tools/call", move |exchange| {
        exchange.wire.answer(status, HTML, page)
    });
    desk.fails("write")?;
    desk.call("write")?;
    desk.expect_deeds("write", 1)
}

fn answer_cut(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.act();
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
        exchange.wire.raw(head.as_bytes())?;
        exchange.wire.raw(b"{\"jsonrpc\": \"2.0\", ")?;
        exchange.wire.cut()
    });
    desk.fails("write")?;
    desk.expect_deeds("write", 1)?;
    desk.call("write").map(|_| ())
}

fn accepted_call(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote
        .plan("tools/call", |exchange| exchange.wire.answer(202, "", b""));
    desk.fails("write")?;
    desk.call("write").map(|_| ())
}

fn token_replaced(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.call("write")?;
    desk.sandbox.run(["refresh", "--force"]).expect_code(0);
    desk.call("write")?;
    desk.expect_deeds("write", 2)
}

fn token_replaced_on_the_way(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.wait_for_a_dead_bearer();
        exchange.unauthorized()
    });
    let id = desk.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    desk.remote
        .wait("the call", |state| state.of("tools/call").count() == 1)?;
    desk.sandbox.run(["refresh", "--force"]).expect_code(0);
    good(&desk.answer_to(id)?)?;
    desk.expect_deeds("write", 1)
}

fn token_revoked(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.fake.revoke(&desk.pair.access_token);
    desk.call("write")?;
    desk.expect_deeds("write", 1)
}

fn cut_before_event(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.act();
        exchange.wire.begin("")?;
        exchange.wire.piece(b": working\n\n")?;
        exchange.wire.cut()
    });
    desk.fails("write")?;
    desk.expect_deeds("write", 1)?;
    desk.call("write").map(|_| ())
}

fn cut_after_event(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.cut_after_event("e-1", true)
    });
    desk.call("write")?;
    desk.expect_deeds("write", 1)
}

fn cut_for_good(desk: &mut Desk) -> Outcome {
    desk.remote.state().get = Some(405);
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.cut_after_event("e-1", false)
    });
    desk.fails("write")?;
    desk.expect_deeds("write", 1)?;
    desk.call("write").map(|_| ())
}

fn get_refused(desk: &mut Desk, status: u16, most: usize) -> Outcome {
    desk.remote.state().get = Some(status);
    desk.open()?;
    for _ in 0..3 {
        desk.call("write")?;
        std::thread::sleep(Duration::from_millis(700));
    }
    let asked = desk.remote.state().count("GET");
    check(asked <= most, || format!("asked {asked} times"))
}

fn get_stream_cut(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.wait("a GET stream", State::has_stream)?;
    let logged = |id: &str| {
        let params = json!({"level": "error", "data": id});
        let told = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
        format!("id: {id}\ndata: {told}\n\n")
    };
    desk.remote.say(&logged("g-1"));
    told(desk, "g-1")?;
    desk.remote.cut_streams("g-1", &logged("g-2"));
    told(desk, "g-2")?;
    desk.call("write").map(|_| ())
}

/// Waits for the log message with this text.
fn told(desk: &mut Desk, data: &str) -> Outcome {
    loop {
        let message = desk.receive(PATIENCE)?;
        if message["params"]["data"] == data {
            return Ok(());
        }
    }
}

fn redirected(desk: &mut Desk, kind: &str) -> Outcome {
    let other = Remote::start(&desk.fake);
    let target = other.url();
    let redirect = move |exchange: &mut Exchange<'_>| {
        exchange
            .wire
            .answer(307, &format!("Location: {target}\r\n"), b"")
    };
    if kind == "GET" {
        desk.remote.plan(kind, redirect);
        desk.open()?;
        desk.remote.wait("GET", |state| state.count("GET") > 0)?;
    } else {
        desk.open()?;
        desk.remote.plan(kind, redirect);
        let answer = desk.fails("write")?;
        let is_named = answer.contains(&other.http.host());
        check(is_named || desk.bridge != Bridge::Ghtok, || {
            format!("the target is not named: {answer}")
        })?;
    }
    desk.call("write")?;
    let mut arrived = other.state().seen.clone();
    if desk.bridge != Bridge::Ghtok {
        // The others may go there without the token.
        arrived.retain(|seen| seen.bearer().is_some());
    }
    check(arrived.is_empty(), || {
        format!("{} requests arrived there", arrived.len())
    })
}

fn injected(desk: &mut Desk) -> Outcome {
    desk.remote.state().version = Some("2025-06-18\r\nX-Evil: 1".into());
    desk.start(&[]);
    // Whatever it is answered, it is answered.
    desk.initialize()?;
    desk.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    desk.try_call("write")?;
    let state = desk.remote.state();
    let evil = state
        .seen
        .iter()
        .any(|seen| seen.request.header("X-Evil").is_some());
    check(!evil, || "a header was injected".into())
}

fn strange_stream(desk: &mut Desk) -> Outcome {
    desk.open()?;
    let text = "grüße, \u{1f980}";
    desk.remote.plan("tools/call", move |exchange| {
        let event = exchange.event(&json!({"content": [{"type": "text", "text": text}]}));
        let data = event.trim_end();
        let whole =
            format!("\u{feff}: a comment\r\rid: 1\r\nevent: message\r\n: another\n{data}\r\n\r\n");
        let at = whole.find('\u{1f980}').expect("it is there") + 2;
        let (one, two) = whole.as_bytes().split_at(at);
        exchange.wire.begin("")?;
        exchange.wire.piece(one)?;
        std::thread::sleep(Duration::from_millis(50));
        exchange.wire.piece(two)?;
        exchange.wire.end()
    });
    let told = desk.call("write")?;
    check(told == text, || format!("{told:?}"))
}

/// A call is answered with an event of this many bytes or a few more.
fn event_of(desk: &mut Desk, size: usize) -> Result<Value, String> {
    desk.open()?;
    desk.remote.plan("tools/call", move |exchange| {
        let text = "x".repeat(size);
        let event = exchange.event(&json!({"content": [{"type": "text", "text": text}]}));
        exchange.wire.begin("")?;
        exchange.wire.piece(event.as_bytes())?;
        exchange.wire.end()
    });
    let id = desk.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    // It is a long way in a debug build on a busy machine.
    desk.answer_within(id, 4 * PATIENCE)
}

const MIB: usize = 1024 * 1024;

fn large_event(desk: &mut Desk) -> Outcome {
    let answer = event_of(desk, 64 * MIB - 1024)?;
    let length = good(&answer)?.len();
    check(length == 64 * MIB - 1024, || {
        format!("{length} bytes arrived")
    })
}

fn too_large_event(desk: &mut Desk) -> Outcome {
    let answer = event_of(desk, 65 * MIB)?;
    // Who has no limit passes it on.
    let is_refused = good(&answer).is_err();
    check(is_refused || desk.bridge != Bridge::Ghtok, || {
        "passed on".into()
    })?;
    desk.call("write").map(|_| ())
}

fn question_by_the_call(desk: &mut Desk) -> Outcome {
    desk.open()?;
    let answered = desk.call("ask")?;
    check(answered == "accept", || {
        format!("the server was told {answered:?}")
    })
}

fn question_by_get(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.wait("a GET stream", State::has_stream)?;
    desk.remote.say(&question("by-get"));
    loop {
        let message = desk.receive(PATIENCE)?;
        if message["method"] == "elicitation/create" {
            desk.accept(&message);
            break;
        }
    }
    desk.remote.wait("the answer", |state| {
        let answer = state.answers.get("by-get");
        answer.is_some_and(|answer| answer["result"]["action"] == "accept")
    })
}

fn progress(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        let token = exchange.message["params"]["_meta"]["progressToken"].clone();
        let params = json!({"progressToken": token, "progress": 1});
        let told = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
        exchange.wire.begin("")?;
        exchange
            .wire
            .piece(format!("data: {told}\n\n").as_bytes())?;
        let result = exchange.act();
        let event = exchange.event(&result);
        exchange.wire.piece(event.as_bytes())?;
        exchange.wire.end()
    });
    let meta = json!({"progressToken": "p-1"});
    let id = desk.ask(
        "tools/call",
        &json!({"name": "write", "arguments": {}, "_meta": meta}),
    );
    let mut heard = false;
    loop {
        let message = desk.receive(PATIENCE)?;
        heard |= message["params"]["progressToken"] == "p-1";
        if message["id"] == json!(id) {
            return check(heard, || "no progress was told".into());
        }
    }
}

fn cancelled(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.remote.plan("tools/call", |exchange| {
        exchange.wire.begin("")?;
        exchange.wire.wait_for_the_end()
    });
    let id = desk.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    desk.remote
        .wait("the call", |state| state.of("tools/call").count() == 1)?;
    let params = json!({"requestId": id, "reason": "enough"});
    desk.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
    let told = |state: &State| state.of("notifications/cancelled").count() == 1;
    desk.remote.wait("notifications/cancelled", told)?;
    desk.call("write").map(|_| ())
}

fn ended(desk: &mut Desk) -> Outcome {
    desk.open()?;
    desk.call("write")?;
    desk.close()?;
    let state = desk.remote.state();
    let deleted = state
        .seen
        .iter()
        .find(|seen| seen.request.method == "DELETE");
    let deleted = deleted.ok_or("no DELETE")?;
    let session = deleted.request.header("Mcp-Session-Id");
    check(deleted.is_live && session == Some("session-1"), || {
        format!(
            "of session {session:?}, with a live token: {}",
            deleted.is_live
        )
    })
}
