//! `ghtok login` that does not end in a sign-in: nothing is saved, and it says why.

use fake_github::{App, CLIENT_ID, DeviceFlow, Endpoint, FakeGitHub};
use rustix::process::{Pid, Signal, kill_process};

use super::{configured, error_code, json};
use crate::support::canned::Canned;
use crate::support::deadline::{LIMIT, ends_by_signal, run, run_command};
use crate::support::sandbox::{Program, Run, Sandbox};
use crate::support::signing_in::{decide, hurried_fake};

fn start() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

/// A login at which the person does this.
fn login(arguments: &[&str], deed: fn(&FakeGitHub, &str)) -> (Run, Sandbox) {
    let (fake, sandbox) = start();
    let command = sandbox.command(Program::Hurried, arguments);
    let run = decide(&fake, command, |code| deed(&fake, code));
    assert!(!sandbox.record_file().exists());
    (run, sandbox)
}

#[test]
fn a_denial_and_an_expiry_are_failures_that_name_the_next_command() {
    for (deed, code, text) in [
        (
            FakeGitHub::deny as fn(&FakeGitHub, &str),
            "access_denied",
            "denied on the page",
        ),
        (
            FakeGitHub::expire,
            "expired_token",
            "expired before it was approved",
        ),
    ] {
        let (told, _) = login(&["login"], deed);
        assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{told:?}");
        assert!(told.stderr.contains(text), "{told:?}");
        assert!(
            told.stderr.contains("hint: sign in with:\n  ghtok login"),
            "{told:?}"
        );

        let (told, _) = login(&["login", "--json"], deed);
        assert_eq!(json(&told.stdout)["event"], "code");
        assert_eq!(error_code(&told), code);
    }
}

#[test]
fn an_app_without_the_device_flow_is_a_failure_with_a_cure() {
    let app = App::new(CLIENT_ID).device_flow(DeviceFlow::Disabled);
    let fake = hurried_fake().app(app).start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let told = run(&sandbox, &["login"]).expect_code(1);
    assert!(
        told.stderr.contains("tick \"Enable Device Flow\""),
        "{told:?}"
    );
    assert_eq!(fake.count(Endpoint::Poll), 0);
}

#[test]
fn another_account_than_the_configured_one_is_refused_and_nothing_is_saved() {
    let (fake, sandbox) = start();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\n\
         host = \"{}\"\naccount = \"hubot\"\n",
        fake.host()
    ));
    let command = configured(&sandbox, Program::Hurried, &["login"]);
    let told = decide(&fake, command, |code| fake.approve(code)).expect_code(1);
    assert!(
        told.stderr.contains("signed in as octocat, but"),
        "{told:?}"
    );
    assert!(told.stderr.contains("nothing was saved"), "{told:?}");
    let left = run_command(&mut configured(&sandbox, Program::Real, &["get"]));
    assert_eq!(left.code, Some(4), "{left:?}");
}

#[test]
fn the_configured_account_is_compared_without_regard_to_case() {
    let (fake, sandbox) = start();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\n\
         host = \"{}\"\naccount = \"OctoCat\"\n",
        fake.host()
    ));
    let command = configured(&sandbox, Program::Hurried, &["login"]);
    decide(&fake, command, |code| fake.approve(code)).expect_code(0);
    let left = run_command(&mut configured(&sandbox, Program::Real, &["get"]));
    assert!(fake.is_alive(left.token()));
}

#[test]
fn offline_no_code_is_shown() {
    let (fake, sandbox) = start();
    fake.go_offline().expect("offline");
    let told = run(&sandbox, &["login", "--json"]).expect_code(5);
    assert_eq!(told.stdout, "");
    assert_eq!(error_code(&told), "temporary");
}

#[test]
fn a_signal_while_polling_ends_it_with_a_word_and_leaves_nothing() {
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        let (fake, sandbox) = start();
        let child = sandbox.spawn(Program::Hurried, ["login"]);
        fake.wait_for_code(LIMIT).expect("a code");
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        let (ended_by, told) = ends_by_signal(child, LIMIT);
        assert_eq!(ended_by, Some(number), "{told:?}");
        assert!(
            told.stderr
                .ends_with("\nghtok: interrupted; nothing was changed\n"),
            "{told:?}"
        );
        assert!(!sandbox.record_file().exists());
    }
}

/// Runs a login at a server whose device authorization has these fields; then it is denied.
fn at_a_hostile_server(fields: &'static str, arguments: &[&str]) -> (Run, String) {
    let server = Canned::start(move |asked| match asked.path.as_str() {
        "/login/device/code" => (
            200,
            format!("{{\"device_code\":\"d\",\"expires_in\":900,\"interval\":5,{fields}}}"),
        ),
        _ => (200, r#"{"error":"access_denied"}"#.into()),
    });
    let (_fake, sandbox) = start();
    let mut command = sandbox.command(Program::Hurried, arguments);
    (
        run_command(command.env("GHTOK_HOST", server.host())),
        server.host(),
    )
}

#[test]
fn a_server_cannot_send_a_person_elsewhere_or_play_with_the_terminal() {
    const PERSON: &[&str] = &["login"];
    const PROGRAM: &[&str] = &["login", "--json"];
    for (uri, arguments) in [
        (
            r#""verification_uri":"https://evil.example/login/device","user_code":"AB-12""#,
            PERSON,
        ),
        (
            r#""verification_uri":"https://evil.example/login/device","user_code":"AB-12""#,
            PROGRAM,
        ),
        (
            r#""verification_uri":"javascript:alert(1)","user_code":"AB-12""#,
            PROGRAM,
        ),
        (
            r#""verification_uri":"http://127.0.0.1/\u001b]0;x\u0007","user_code":"AB-12""#,
            PERSON,
        ),
    ] {
        let (told, host) = at_a_hostile_server(uri, arguments);
        let shown = format!("{}{}", told.stdout, told.stderr);
        assert_eq!(told.code, Some(1), "{shown}");
        assert!(
            shown.contains(&format!("http://{host}/login/device")),
            "{shown}"
        );
        assert!(!shown.contains("evil") && !shown.contains("javascript"));
        assert_tame(&shown);
    }
}

#[test]
fn a_user_code_that_nobody_could_type_is_not_shown() {
    for code in [
        r#""user_code":"AB\u001b[31m-12""#,
        r#""user_code":"AB\u202e12""#,
        r#""user_code":"open https://evil.example""#,
        r#""user_code":"""#,
    ] {
        let (told, _) = at_a_hostile_server(code, &["login"]);
        assert_eq!((told.code, told.stdout.as_str()), (Some(5), ""), "{told:?}");
        assert!(!told.stderr.contains("evil"), "{told:?}");
        assert_tame(&told.stderr);
    }
}

#[track_caller]
fn assert_tame(shown: &str) {
    let wild = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!shown.contains(wild), "{shown:?}");
}
