//! The sign-in by each of the dialogs that clients have.

use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use serde_json::json;

use super::client::{Client, soon, text_of};
use crate::support::sandbox::{Program, Sandbox};
use crate::support::signing_in::prompt_fake;

/// An answer that comes sooner (after 0.4 s) is no person's.
const AS_A_PERSON: Duration = Duration::from_millis(600);

/// P5: nothing is asked before a tool is called, and then only once for two clients.
#[test]
fn p5_two_clients_sign_in_with_one_code_by_their_own_dialogs() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let start = || Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let (mut pages, mut forms) = (start(), start());
    pages.open(
        "2025-11-25",
        &json!({"elicitation": {"url": {}, "form": {}}}),
    );
    forms.open("2025-06-18", &json!({"elicitation": {}}));
    for client in [&mut pages, &mut forms] {
        let tools = client.get("tools/list", &json!({}));
        assert!(tools["result"]["tools"].is_array(), "{tools}");
    }
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
    let call = json!({"name": "write", "arguments": {}});
    let first = pages.ask("tools/call", &call);
    let page = pages.receive();
    assert_eq!(page["method"], "elicitation/create", "{page}");
    assert_eq!(page["params"]["mode"], "url");
    let second = forms.ask("tools/call", &call);
    let form = forms.receive();
    assert!(form["params"]["requestedSchema"].is_object(), "{form}");
    let code = fake.pending_codes().pop().expect("a code");
    for dialog in [&page, &form] {
        assert!(
            dialog["params"]["message"]
                .as_str()
                .expect("a text")
                .contains(&code)
        );
    }
    std::thread::sleep(AS_A_PERSON);
    pages.send(&json!({"jsonrpc": "2.0", "id": page["id"], "result": {"action": "accept"}}));
    fake.approve(&code);
    for (client, id) in [(&pages, first), (&forms, second)] {
        let answer = client.answer_to(id);
        assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
    }
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

#[test]
fn a_client_without_dialogs_reads_the_code_in_the_tools_result() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2024-11-05", &json!({}));
    let result = client.call("write", &json!({}));
    assert_eq!(result["isError"], true);
    let code = fake.pending_codes().pop().expect("a code");
    assert!(
        result["content"][0]["text"]
            .as_str()
            .expect("a text")
            .contains(&code)
    );
    fake.approve(&code);
    soon("the approval is noticed", || client.text("write") == "ok");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

/// P5: `--no-prompt` forbids it, and a no is a no for a minute.
#[test]
fn p5_who_may_not_be_asked_is_told_the_command() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &["--no-prompt"], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let result = client.call("write", &json!({}));
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains("ghtok login"), "{text}");
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);

    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let dialog = client.receive();
    std::thread::sleep(AS_A_PERSON);
    client.send(&json!({"jsonrpc": "2.0", "id": dialog["id"], "result": {"action": "decline"}}));
    let answer = client.answer_to(id);
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .expect("a text")
            .contains("declined")
    );
    assert_eq!(client.call("write", &json!({}))["isError"], true);
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
    assert!(client.deeds().is_empty(), "nothing reached the server");
}

/// P5: a dialog that was closed without a no leaves the code good; the next call shows it again.
#[test]
fn p5_a_closed_dialog_is_shown_again_with_the_same_code() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let call = json!({"name": "write", "arguments": {}});
    let shown = |dialog: &serde_json::Value, code: &str| {
        let message = dialog["params"]["message"].as_str();
        assert!(message.expect("a text").contains(code), "{dialog}");
    };
    let id = client.ask("tools/call", &call);
    let dialog = client.receive();
    let code = fake.pending_codes().pop().expect("a code");
    shown(&dialog, &code);
    // Sooner it would be no person's doing.
    std::thread::sleep(AS_A_PERSON);
    client.send(&json!({"jsonrpc": "2.0", "id": dialog["id"], "result": {"action": "cancel"}}));
    let answer = client.answer_to(id);
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let id = client.ask("tools/call", &call);
    let again = client.receive();
    assert_ne!(again["id"], dialog["id"]);
    shown(&again, &code);
    fake.approve(&code);
    assert_eq!(client.answer_to(id)["result"]["content"][0]["text"], "ok");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
    assert_eq!(client.deeds().len(), 1, "the first call was not made");
}

/// The stateless revision: the dialog is the answer, and the call comes back.
#[test]
fn p5_a_modern_client_is_asked_by_the_answer() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
    });
    let mut params = json!({"name": "write", "arguments": {"n": 1.50}, "_meta": meta});
    let asked = client.get("tools/call", &params)["result"].take();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let request = &asked["inputRequests"]["ghtok.login"];
    assert_eq!(request["params"]["mode"], "url");
    let code = fake.pending_codes().pop().expect("a code");
    std::thread::sleep(AS_A_PERSON);
    params["inputResponses"] = json!({"ghtok.login": {"action": "accept"}});
    params["requestState"] = asked["requestState"].clone();
    let id = client.ask("tools/call", &params);
    fake.approve(&code);
    let answer = client.answer_to(id);
    assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
    assert_eq!(client.deeds(), ["write 1.5"]);
}

/// P5: a code that ran out is told, and the next call has a new one.
#[test]
fn p5_a_code_that_expires_ends_the_wait_and_the_next_call_asks_anew() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let call = json!({"name": "write", "arguments": {}});
    let id = client.ask("tools/call", &call);
    let dialog = client.receive();
    std::thread::sleep(AS_A_PERSON);
    let accepted = json!({"action": "accept", "content": {"entered": true}});
    client.answer(&dialog, &accepted);
    let code = fake.pending_codes().pop().expect("a code");
    fake.expire(&code);
    let answer = client.answer_to(id);
    let text = answer["result"]["content"][0]["text"].as_str();
    assert!(text.expect("a text").contains("expired"), "{answer}");
    client.ask("tools/call", &call);
    let dialog = client.receive();
    let newer = fake.pending_codes().pop().expect("a new code");
    assert!(
        newer != code
            && dialog["params"]["message"]
                .as_str()
                .expect("a text")
                .contains(&newer)
    );
    assert_eq!(fake.count(Endpoint::DeviceCode), 2);
}

/// Who cancels the held call may still approve: the next call goes through, and no answer comes twice.
#[test]
fn an_approval_after_the_client_gave_up_counts() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({"elicitation": {"url": {}}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    assert_eq!(client.receive()["method"], "elicitation/create");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    let closed = client.receive();
    assert_eq!(closed["method"], "notifications/cancelled", "{closed}");
    fake.approve(&fake.pending_codes().pop().expect("a code"));
    soon("the sign-in is told", || sandbox.outcome().is_some());
    assert_eq!(client.text("write"), "ok");
    assert_eq!(client.deeds().len(), 1, "the cancelled call was not made");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

/// P5: a browser is opened by who says so, once for one code, and by nobody else.
#[test]
fn p5_the_page_is_opened_where_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    for (flags, opened) in [(vec![], 0), (vec!["--open"], 1)] {
        let fake = prompt_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let browser = sandbox.home().join("browser");
        let notes = sandbox.home().join("notes");
        let script = format!("#!/bin/sh\necho \"$1\" >> {}\n", notes.display());
        std::fs::write(&browser, script).expect("a browser");
        let may_run = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&browser, may_run).expect("its mode");
        let mut clients = [(); 2].map(|()| {
            let mut command = Client::command(&fake, &sandbox, Program::Real, &flags, &[]);
            command.env("BROWSER", &browser).env("DISPLAY", ":9");
            Client::of(command)
        });
        for client in &mut clients {
            client.open("2025-06-18", &json!({"elicitation": {}}));
            assert!(!notes.exists(), "nobody has called a tool");
        }
        for client in &mut clients {
            client.begin("write", &json!({}));
            assert_eq!(client.receive()["method"], "elicitation/create");
        }
        let pages = || std::fs::read_to_string(&notes).unwrap_or_default();
        if opened > 0 {
            soon("the page is opened", || pages().ends_with('\n'));
        }
        let pages = pages();
        assert_eq!(pages.lines().count(), opened, "{pages}");
        assert!(
            pages.lines().all(|page| page.starts_with(fake.base_url())),
            "{pages}"
        );
    }
}

/// A sign-in that has ended is not replaced by whoever approves the code.
#[test]
fn p5_another_account_that_approves_the_code_is_refused_and_revoked() {
    let fake = prompt_fake()
        .user("octocat", 583_231)
        .user("mallory", 666)
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, Duration::ZERO);
    let before = sandbox.record();
    fake.revoke_authorization(fake_github::CLIENT_ID);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let dialog = client.receive();
    assert_eq!(dialog["method"], "elicitation/create", "{dialog}");
    let code = fake.pending_codes().pop().expect("a code");
    fake.approve_as(&code, "mallory");
    let answer = client.answer_to(id);
    let text = answer["result"]["content"][0]["text"]
        .as_str()
        .expect("a text");
    for part in [
        "approved by mallory, but octocat is signed in; nothing was changed",
        "the new tokens were revoked at GitHub",
        "ghtok login",
        "--switch-account",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(client.deeds().is_empty(), "nothing reached the server");
    assert_eq!(sandbox.record().tokens, before.tokens);
    assert_eq!(fake.count(Endpoint::Revoke), 1);
}

/// Some clients accept forms by themselves, and leave them empty.
#[test]
fn p5_a_client_that_accepts_an_empty_form_is_told_the_code() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let dialog = client.receive();
    std::thread::sleep(AS_A_PERSON);
    client.answer(&dialog, &json!({"action": "accept", "content": {}}));
    let code = fake.pending_codes().pop().expect("a code");
    let answer = client.answer_to(id);
    assert!(text_of(&answer).contains(&code), "{answer}");
    // The next call waits for the poll that finds the approval, and is made.
    fake.approve(&code);
    assert_eq!(client.text("write"), "ok");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

/// How a person, or time, ends a device flow without a sign-in.
type Failure = (fn(&FakeGitHub, &str), &'static str);

/// Whoever approves the next code learns why the last one was not enough, whether or not a call was held
/// for that.
#[test]
fn why_a_sign_in_failed_is_told_with_the_next_code() {
    let failures: [Failure; 3] = [
        (
            |fake, code| fake.approve_as(code, "mallory"),
            "approved by mallory",
        ),
        (|fake, code| fake.deny(code), "was denied"),
        (|fake, code| fake.expire(code), "expired"),
    ];
    std::thread::scope(|scope| {
        for failure in &failures {
            for has_dialogs in [false, true] {
                scope.spawn(move || tells_why_it_failed(failure, has_dialogs));
            }
        }
    });
}

fn tells_why_it_failed((fail, reason): &Failure, has_dialogs: bool) {
    let fake = prompt_fake()
        .user("octocat", 583_231)
        .user("mallory", 666)
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, Duration::ZERO);
    fake.revoke_authorization(fake_github::CLIENT_ID);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let dialogs = if has_dialogs {
        json!({"elicitation": {}})
    } else {
        json!({})
    };
    client.open("2025-06-18", &dialogs);
    let call = json!({"name": "write", "arguments": {}});
    let id = client.ask("tools/call", &call);
    let shown = client.receive().to_string();
    let code = fake.pending_codes().pop().expect("a code");
    assert!(shown.contains(&code), "{shown}");
    fail(&fake, &code);
    if has_dialogs {
        let told = client.answer_to(id).to_string();
        assert!(told.contains(reason), "{told}");
    }
    soon("the next code is told with the reason", || {
        client.ask("tools/call", &call);
        let told = client.receive().to_string();
        let parts = ["The last sign-in failed: ", reason];
        let newer = fake.pending_codes().pop();
        newer.is_some_and(|newer| newer != code && told.contains(&newer))
            && parts.iter().all(|part| told.contains(part))
    });
}

/// The call that finds out that the sign-in was revoked is the one in which a person is asked.
#[test]
fn p7_a_revoked_sign_in_is_asked_about_in_the_call_that_met_it() {
    for (tool, made_again) in [("look", true), ("write", false)] {
        let fake = prompt_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let dialogs = json!({"elicitation": {}});
        let mut client = Client::signed_in(&fake, &sandbox, &[], &dialogs);
        client.get("tools/list", &json!({}));
        assert_eq!(client.text("write"), "ok");
        fake.revoke_authorization(fake_github::CLIENT_ID);
        let id = client.begin(tool, &json!({}));
        let dialog = client.receive();
        assert_eq!(dialog["method"], "elicitation/create", "{dialog}");
        fake.approve(&fake.pending_codes().pop().expect("a code"));
        let answer = client.answer_to(id);
        let is_ok = text_of(&answer) == "ok";
        assert_eq!(is_ok, made_again, "{answer}");
        let advised = answer.to_string().contains("Call the tool again");
        assert_eq!(advised, !made_again, "{answer}");
    }
}
