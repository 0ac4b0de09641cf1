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
        poll_wait: 6,
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
    let asked = sign_in.ask(call(1), None, &error(), client, at(0));
    assert_eq!(texts(&asked), ["SignIn(1)"]);
    let actions = sign_in.code(1, code(), client, at(0));
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
    let filled = r#""result":{"action":"accept","content":{"entered":true}}"#.to_owned();
    let failed = r#""error":{"code":-32601,"message":"no"}"#.to_owned();
    for (result, after, parts) in [
        (result("decline"), 400, vec!["CancelSignIn", "was declined"]),
        (result("decline"), 399, vec!["enter the code ABCD-1234"]),
        (result("cancel"), 400, vec!["the dialog was closed"]),
        (result("cancel"), 399, vec!["enter the code ABCD-1234"]),
        (result("later"), 4000, vec!["enter the code ABCD-1234"]),
        (failed, 4000, vec!["enter the code ABCD-1234"]),
        (result("accept"), 4000, vec!["enter the code ABCD-1234"]),
        (filled.clone(), 399, vec!["enter the code ABCD-1234"]),
        (filled, 400, vec![]),
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
        assert_eq!(told == ["SignIn(1)"], without, "{asking:?}");
        let told = texts(&sign_in(asking).ask(call(1), None, &error(), &client, at(0)));
        assert_eq!(told == ["SignIn(1)"], with_call, "{asking:?}");
        assert_eq!(told[0].contains("not signed in"), !with_call, "{told:?}");
    }
    // A no counts for a minute.
    let (mut sign_in, _) = answered(r#""result":{"action":"decline"}"#, 1000);
    for (milliseconds, asks) in [(60_999, false), (61_000, true)] {
        let told = texts(&sign_in.ask(call(2), None, &error(), &client, at(milliseconds)));
        assert_eq!(told == ["SignIn(2)"], asks, "{milliseconds}: {told:?}");
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
    let failed: End<'_> = &|sign_in, client| sign_in.failed(1, &error(), client);
    let cancelled: End<'_> = &|sign_in, _| {
        let id = with(r#"{"id":1,"method":"a"}"#, |message| message.id.clone());
        let id = id.expect("an id");
        sign_in
            .cancelled(&id, &Handshake::default(), at(0))
            .expect("it is held")
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
fn a_call_that_comes_back_waits_if_a_person_accepted() {
    let client = client("modern", r#"{"elicitation":{}}"#);
    let accepted = r#"{"action":"accept","content":{"entered":true}}"#;
    for (result, asked, held, part) in [
        (accepted, "login.600", true, None),
        (accepted, "login", true, None),
        (accepted, "login.601", false, Some("enter the code")),
        (
            r#"{"action":"accept"}"#,
            "login.0",
            false,
            Some("enter the code"),
        ),
        (
            r#"{"action":"decline"}"#,
            "login.0",
            false,
            Some("was declined"),
        ),
        (
            r#"{"action":"decline"}"#,
            "login.900",
            false,
            Some("enter the code"),
        ),
        (
            r#"{"action":"cancel"}"#,
            "login.0",
            false,
            Some("the code stays good"),
        ),
    ] {
        let (mut sign_in, _) = shown(&client);
        let line = format!(
            r#"{{"id":2,"method":"tools/call","params":{{"requestState":"ghtok.{asked}","inputResponses":{{"ghtok.login":{result}}}}}}}"#
        );
        let returned = with(&line, |message| ReturnedCall::of(message).expect("ours"));
        let line = Line::own(line.into_bytes());
        let actions = match sign_in.returned(&returned, line, &client, at(1000)) {
            Returned::Handled(actions) => actions,
            Returned::New(line) => sign_in.ask(line, None, &error(), &client, at(1000)),
        };
        assert_eq!(sign_in.holds_calls(), held, "{result} {asked}");
        let told = texts(&actions).join(" ");
        assert!(told.contains(part.unwrap_or_default()), "{result}: {told}");
    }
}

/// Calls 1 and 2 wait; then the client cancels one of them.
#[test]
fn a_dialog_whose_call_is_over_is_dead() {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    let accepted =
        r#"{"id":"ghtok:login:1","result":{"action":"accept","content":{"entered":true}}}"#;
    for (cancelled, is_accepted, tells_other, asks_again) in [
        (1, false, true, false),
        (2, false, false, true),
        (1, true, false, true),
    ] {
        let (mut sign_in, _) = shown(&client);
        assert!(
            sign_in
                .ask(call(2), None, &error(), &client, at(0))
                .is_empty()
        );
        if is_accepted {
            with(accepted, |message| {
                sign_in.dialog_answered(message, &client, at(1000))
            });
        }
        let line = format!(r#"{{"id":{cancelled},"method":"a"}}"#);
        let id = with(&line, |message| message.id.clone()).expect("an id");
        let actions = sign_in
            .cancelled(&id, &client, at(2000))
            .expect("it is held");
        let told = texts(&actions).join(" ");
        assert_eq!(
            told.contains("enter the code"),
            tells_other,
            "{cancelled}: {told}"
        );
        assert_eq!(sign_in.holds_calls(), !tells_other, "{cancelled}");
        assert_eq!(!sign_in.cannot_ask, asks_again, "{cancelled}");
    }
    // The last one: the next call is told the code.
    let (mut sign_in, _) = shown(&client);
    let told = texts(&sign_in.pass_time(&client, at(60_000)));
    assert!(
        told.iter()
            .any(|told| told.contains("notifications/cancelled"))
    );
    let told = texts(&sign_in.ask(call(2), None, &error(), &client, at(61_000)));
    assert!(told[0].contains("enter the code"), "{told:?}");
}

#[test]
fn a_call_after_the_code_was_told_waits_for_one_poll() {
    let client = client("2025-11-25", "{}");
    let (mut sign_in, told) = shown(&client);
    assert!(told[0].contains("enter the code"), "{told:?}");
    assert!(
        sign_in
            .ask(call(2), None, &error(), &client, at(0))
            .is_empty()
    );
    for (milliseconds, is_held) in [(6_999, true), (7_000, false)] {
        let told = texts(&sign_in.pass_time(&client, at(milliseconds)));
        assert_eq!(sign_in.holds_calls(), is_held, "{milliseconds}");
        assert_eq!(told.join(" ").contains("ABCD-1234"), !is_held, "{told:?}");
    }
    sign_in.ask(call(3), None, &error(), &client, at(8_000));
    sign_in.succeeded();
    assert_eq!(sign_in.take_held().0.len(), 1, "it is made");
}

#[test]
fn nobody_is_shown_an_expired_code() {
    let over = at(u64::try_from(EXPIRES).expect("small") * 1000);
    for capabilities in [r#"{"elicitation":{}}"#, "{}"] {
        let client = client("2025-06-18", capabilities);
        let (mut sign_in, _) = shown(&client);
        let told = texts(&sign_in.ask(call(2), None, &error(), &client, over));
        let last = &told[told.len() - 2..];
        assert_eq!(last, ["CancelSignIn", "SignIn(2)"], "{told:?}");
        // What another process has left behind, and the end of the first one.
        assert!(sign_in.code(2, code(), &client, over).is_empty());
        assert!(sign_in.failed(1, &error(), &client).is_empty());
        let mut newer = code();
        newer.expires_at += EXPIRES;
        let told = texts(&sign_in.code(2, newer, &client, over));
        assert!(told.last().expect("a code").contains("ABCD-1234"));
    }
}

fn failed(text: &str) -> TokenError {
    TokenError {
        text: text.into(),
        remedy: Remedy::SignIn,
    }
}

#[test]
fn why_a_sign_in_failed_is_told_with_the_next_code() {
    let forms = r#"{"elicitation":{}}"#;
    for (version, capabilities) in [
        ("2025-06-18", forms),
        ("2025-11-25", r#"{"elicitation":{"url":{}}}"#),
        ("2025-11-25", "{}"),
        ("modern", forms),
        ("modern", "{}"),
    ] {
        let client = client(version, capabilities);
        let (mut sign_in, _) = shown(&client);
        let mut flow = 1;
        for reason in ["approved by mallory", "denied", "expired"] {
            let waits = sign_in.holds_calls();
            let told = texts(&sign_in.failed(flow, &failed(reason), &client)).join(" ");
            assert_eq!(told.contains(reason), waits, "{version}: {told}");
            flow += 1;
            sign_in.ask(call(flow), None, &error(), &client, at(0));
            let told = texts(&sign_in.code(flow, code(), &client, at(0))[1..]).join(" ");
            assert!(told.contains(&format!("failed: {reason}")), "{told}");
            assert!(told.contains("ABCD-1234"), "{told}");
        }
        sign_in.succeeded();
        sign_in.take_held();
        sign_in.ask(call(9), None, &error(), &client, at(0));
        let told = texts(&sign_in.code(flow + 1, code(), &client, at(0))[1..]).join(" ");
        assert!(!told.contains("failed"), "{told}");
    }
}

#[test]
fn why_a_sign_in_failed_is_told_again_if_nobody_saw_the_dialog() {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    let (mut sign_in, _) = shown(&client);
    sign_in.failed(1, &failed("approved by mallory"), &client);
    sign_in.ask(call(2), None, &error(), &client, at(0));
    sign_in.code(2, code(), &client, at(0));
    let line = r#"{"id":"ghtok:login:2","result":{"action":"accept"}}"#;
    let actions = with(line, |message| {
        sign_in.dialog_answered(message, &client, at(1000))
    });
    let told = texts(&actions).join(" ");
    assert!(told.contains("by mallory") && told.contains("ABCD-1234"));
    // Who does not want to sign in need not hear of it any more.
    sign_in.ask(call(3), None, &error(), &client, at(2000));
    sign_in.denied(client.revision(), at(2000));
    sign_in.ask(call(4), None, &error(), &client, at(62_000));
    let told = texts(&sign_in.code(3, code(), &client, at(62_000))[1..]).join(" ");
    assert!(!told.contains("failed"), "{told}");
}

#[test]
fn a_failure_before_a_code_was_shown_is_not_told_with_it() {
    let client = client("2025-06-18", "{}");
    let mut sign_in = sign_in(Asking::WhileHolding);
    sign_in.ask(call(1), None, &error(), &client, at(0));
    let told = texts(&sign_in.failed(1, &failed("offline"), &client)).join(" ");
    assert!(told.contains("offline"), "{told}");
    sign_in.ask(call(2), None, &error(), &client, at(0));
    let told = texts(&sign_in.code(2, code(), &client, at(0))[1..]).join(" ");
    assert!(told.contains("ABCD-1234") && !told.contains("failed"));
}

/// Another process that ran the device flow has given it up, and this one has a code of its own.
#[test]
fn a_code_that_replaces_another_has_its_own_dialog() {
    let client = client("2025-06-18", r#"{"elicitation":{}}"#);
    let (mut sign_in, _) = shown(&client);
    let mut newer = code();
    newer.user_code = "WXYZ-5678".into();
    let told = texts(&sign_in.code(1, newer, &client, at(1000))[1..]);
    assert!(told[0].contains("notifications/cancelled"), "{told:?}");
    assert!(told[1].contains("elicitation/create") && told[1].contains("WXYZ-5678"));
    assert!(sign_in.holds_calls() && sign_in.is_dialog(&Id::text("ghtok:login:2")));
}

#[test]
fn a_rejected_call_is_made_again_only_if_it_may_be() {
    let rejected = r#"{"id":1,"result":{"isError":true,"content":[{"type":"text","text":"401"}]}}"#;
    for (version, may_repeat, part) in [
        ("2025-06-18", true, "elicitation/create"),
        ("2025-06-18", false, "elicitation/create"),
        ("modern", true, "input_required"),
        ("modern", false, "enter the code"),
    ] {
        let client = client(version, r#"{"elicitation":{}}"#);
        let mut sign_in = sign_in(Asking::WhileHolding);
        let reason = HeldReason::Rejected {
            response: Line::own(rejected.as_bytes().to_vec()),
            may_repeat,
        };
        sign_in.ask(call(1), Some(reason), &error(), &client, at(0));
        let told = texts(&sign_in.code(1, code(), &client, at(0))[1..]).join(" ");
        assert!(told.contains(part), "{version}: {told}");
        if version != "modern" {
            sign_in.succeeded();
            let (made, answered) = sign_in.take_held();
            assert_eq!(made.len(), usize::from(may_repeat));
            let told = texts(&answered).join(" ");
            assert_eq!(
                told.contains("401") && told.contains("again"),
                !may_repeat,
                "{told}"
            );
        }
    }
}
