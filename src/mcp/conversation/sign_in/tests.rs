use super::super::{Remedy, Restarts, Timing};
use super::*;
use crate::formats::json_rpc::{self, Line as Parsed};
use crate::token::Timestamp;

const EXPIRES: i64 = 900;

fn at(milliseconds: u64) -> Now {
    let mono = Duration::from_millis(milliseconds);
    Now {
        mono,
        wall: Timestamp(0).after(mono),
    }
}

fn sign_in(asking: Asking) -> SignIn {
    SignIn::new(&Settings {
        app: "main".into(),
        login_command: "ghtok login".into(),
        asking,
        restarts: Restarts::Allowed,
        wait: Duration::from_secs(60),
        max_drain: Duration::from_secs(30),
        start_timeout: Duration::from_secs(60),
        timing: Timing::STANDARD,
    })
}

fn code() -> UserCode {
    UserCode {
        url: "https://github.com/login/device".into(),
        user_code: "ABCD-1234".into(),
        until: "03:00".into(),
        expires_at: EXPIRES,
    }
}

fn error() -> TokenError {
    TokenError {
        text: "not signed in".into(),
        remedy: Remedy::SignIn,
    }
}

fn with<T>(line: &str, use_it: impl FnOnce(&Message<'_>) -> T) -> T {
    let Parsed::One(message) = json_rpc::read(line.as_bytes()) else {
        panic!("{line}");
    };
    use_it(&message)
}

/// A client of this version with these capabilities; `modern` for revision 2026-07-28.
fn client(version: &str, elicitation: &str) -> Handshake {
    let mut handshake = Handshake::default();
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":"#;
    if version == "modern" {
        let line =
            format!(r#"{{"id":1,"method":"tools/list","params":{{{meta}{elicitation}}}}}}}"#);
        with(&line, |message| handshake.received("tools/list", message));
        return handshake;
    }
    let line =
        format!(r#"{{"id":0,"method":"initialize","params":{{"capabilities":{elicitation}}}}}"#);
    with(&line, |message| handshake.received("initialize", message));
    let line = format!(r#"{{"id":0,"result":{{"protocolVersion":"{version}"}}}}"#);
    with(&line, |message| handshake.answered(message));
    handshake.client_is_ready();
    handshake
}

fn call(id: u32) -> Line {
    let line = format!(
        r#"{{"id":{id},"method":"tools/call","params":{{"name":"a","_meta":{{"progressToken":"p"}}}}}}"#
    );
    Line::own(line.into_bytes())
}

fn texts(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::ToClient(line) => String::from_utf8_lossy(line).trim_end().to_owned(),
        other => format!("{other:?}"),
    };
    actions.iter().map(text).collect()
}

/// A call is held, and the code is here.
fn shown(client: &Handshake) -> (SignIn, Vec<String>) {
    let mut sign_in = sign_in(Asking::WhileHolding);
    let asked = sign_in.ask(call(1), &error(), client, at(0));
    assert_eq!(texts(&asked), ["SignIn"]);
    let actions = sign_in.code(&code(), client, at(0));
    (sign_in, texts(&actions[1..]))
}

#[test]
fn the_code_is_shown_in_the_way_that_the_client_can() {
    let forms = r#"{"elicitation":{}}"#;
    let links = r#"{"elicitation":{"url":{}}}"#;
    for (version, capabilities, part, is_held) in [
        (
            "2025-06-18",
            forms,
            r#""method":"elicitation/create""#,
            true,
        ),
        ("2025-11-25", links, r#""mode":"url""#, true),
        ("2025-06-18", links, r#""isError":true"#, false),
        ("2025-03-26", forms, r#""isError":true"#, false),
        ("2025-11-25", "{}", r#""isError":true"#, false),
        ("modern", forms, r#""resultType":"input_required""#, false),
        ("modern", "{}", r#""resultType":"complete""#, false),
    ] {
        let (sign_in, told) = shown(&client(version, capabilities));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(part), "{version} {capabilities}: {told:?}");
        assert!(told[0].contains("ABCD-1234"), "{told:?}");
        assert_eq!(sign_in.holds_calls(), is_held, "{version} {capabilities}");
    }
}

/// The dialog of a form client is answered after so long.
fn answered(result: &str, milliseconds: u64) -> (SignIn, Vec<String>) {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    let (mut sign_in, _) = shown(&client);
    assert!(sign_in.is_dialog(&Id::text("ghtok:login:1")));
    let line = format!(r#"{{"id":"ghtok:login:1",{result}}}"#);
    let actions = with(&line, |message| {
        sign_in.dialog_answered(message, &client, at(milliseconds))
    });
    (sign_in, texts(&actions))
}

#[test]
fn only_a_persons_answer_counts() {
    let result = |action: &str| format!(r#""result":{{"action":"{action}"}}"#);
    let failed = r#""error":{"code":-32601,"message":"no"}"#.to_owned();
    for (result, after, parts) in [
        (result("decline"), 400, vec!["CancelSignIn", "was declined"]),
        (result("decline"), 399, vec!["enter the code ABCD-1234"]),
        (result("cancel"), 400, vec!["the dialog was closed"]),
        (result("cancel"), 399, vec!["enter the code ABCD-1234"]),
        (result("later"), 4000, vec!["enter the code ABCD-1234"]),
        (failed, 4000, vec!["enter the code ABCD-1234"]),
        (result("accept"), 4000, vec![]),
    ] {
        let (sign_in, told) = answered(&result, after);
        assert_eq!(told.len(), parts.len(), "{result} {after}: {told:?}");
        for (told, part) in told.iter().zip(&parts) {
            assert!(told.contains(part), "{result} {after}: {told:?}");
        }
        assert_eq!(sign_in.holds_calls(), parts.is_empty(), "{result} {after}");
    }
}

#[test]
fn nobody_is_asked_who_must_not_be() {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    for (asking, with_call, without) in [
        (Asking::Never, false, false),
        (Asking::WhileHolding, true, false),
        (Asking::AtOnce, true, true),
    ] {
        let told = texts(&sign_in(asking).ask_without_call(at(0)));
        assert_eq!(told == ["SignIn"], without, "{asking:?}");
        let told = texts(&sign_in(asking).ask(call(1), &error(), &client, at(0)));
        assert_eq!(told == ["SignIn"], with_call, "{asking:?}");
        assert_eq!(told[0].contains("not signed in"), !with_call, "{told:?}");
    }
    // A no counts for a minute.
    let (mut sign_in, _) = answered(r#""result":{"action":"decline"}"#, 1000);
    for (milliseconds, asks) in [(60_999, false), (61_000, true)] {
        let told = texts(&sign_in.ask(call(2), &error(), &client, at(milliseconds)));
        assert_eq!(told == ["SignIn"], asks, "{milliseconds}: {told:?}");
    }
}

type End<'a> = &'a dyn Fn(&mut SignIn, &Handshake) -> Vec<Action>;

#[test]
fn the_end_of_a_sign_in_closes_its_dialog() {
    let forms = client("2025-06-18", r#"{"elicitation":{}}"#);
    let links = client("2025-11-25", r#"{"elicitation":{"url":{}}}"#);
    let complete = "notifications/elicitation/complete";
    let closed = "notifications/cancelled";
    let succeeded: End<'_> = &|sign_in, _| sign_in.succeeded();
    let elsewhere: End<'_> = &|sign_in, _| sign_in.no_longer_needed();
    let failed: End<'_> = &|sign_in, client| sign_in.failed(&error(), client);
    let cancelled: End<'_> = &|sign_in, _| {
        let id = with(r#"{"id":1,"method":"a"}"#, |message| message.id.clone());
        sign_in.cancelled(&id.expect("an id")).expect("it is held")
    };
    for (client, end, parts) in [
        (&forms, succeeded, vec![closed]),
        (&links, succeeded, vec![complete, closed]),
        (&links, elsewhere, vec!["CancelSignIn", complete, closed]),
        (&links, failed, vec![closed, "not signed in"]),
        (&links, cancelled, vec![closed]),
    ] {
        let (mut sign_in, _) = shown(client);
        let told = texts(&end(&mut sign_in, client));
        assert_eq!(told.len(), parts.len(), "{told:?}");
        for (told, part) in told.iter().zip(&parts) {
            assert!(told.contains(part), "{told}");
        }
        assert!(!sign_in.is_dialog(&Id::text("ghtok:login:1")));
    }
}

#[test]
fn held_calls_report_progress_until_their_time_is_over() {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    let (mut sign_in, _) = shown(&client);
    for (second, part) in [
        (9, None),
        (10, Some("notifications/progress")),
        (11, None),
        (20, Some("waiting for the sign-in")),
    ] {
        let told = texts(&sign_in.pass_time(&client, at(second * 1000)));
        assert_eq!(
            told.len(),
            usize::from(part.is_some()),
            "{second}: {told:?}"
        );
        assert!(
            told.iter()
                .all(|told| told.contains(part.unwrap_or_default()))
        );
    }
    assert_eq!(sign_in.next_timer(), Some(Duration::from_secs(30)));
    let told = texts(&sign_in.pass_time(&client, at(60_000)));
    assert!(told[1].contains("nobody signed in"), "{told:?}");
    assert!(!sign_in.holds_calls() && sign_in.next_timer().is_none());
}

#[test]
fn a_call_that_comes_back_waits_unless_the_person_said_no() {
    let client = client("modern", r#"{"elicitation":{}}"#);
    for (action, part) in [
        ("accept", None),
        ("decline", Some("was declined")),
        ("cancel", Some("the code stays good")),
    ] {
        let (mut sign_in, _) = shown(&client);
        let line = format!(
            r#"{{"id":2,"method":"tools/call","params":{{"requestState":"ghtok.login","inputResponses":{{"ghtok.login":{{"action":"{action}"}}}}}}}}"#
        );
        let returned = with(&line, |message| ReturnedCall::of(message).expect("ours"));
        let line = Line::own(line.into_bytes());
        let Returned::Handled(actions) = sign_in.returned(&returned, line, &client, at(1000))
        else {
            panic!("{action}");
        };
        assert_eq!(sign_in.holds_calls(), part.is_none(), "{action}");
        let told = texts(&actions).join(" ");
        assert!(told.contains(part.unwrap_or_default()), "{action}: {told}");
    }
}
