//! What is pasted in place of a GitHub App's client ID: a token, a client secret, an App ID, an OAuth
//! App's client ID.

use fake_github::{App, FakeGitHub, Tokens};

use super::{configured, json, start};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Sandbox};
use crate::support::signing_in::{decide, hurried_fake};

const PASTED: [(&str, &str); 7] = [
    ("ghp_0123456789abcdefghijklmnopqrstuvwxyz", "token"),
    ("ghu_0123456789abcdefghijklmnopqrstuvwxyz", "token"),
    ("ghr_01234567", "token"),
    ("github_pat_0123456789abcdefghij", "token"),
    ("0123456789abcdef0123456789abcdef01234567", "client secret"),
    (
        "eyJ0123456789abcdef0123456789.eyJ0123456789abcdef0123456789abcdef012345",
        "too long",
    ),
    ("123456", "number"),
];

#[test]
fn p6_a_token_or_number_in_place_of_a_client_id_is_refused_before_anything_is_sent_and_not_shown() {
    for (pasted, why) in PASTED {
        let (fake, sandbox) = start();
        let flag = configured(&sandbox, Program::Real, &["login", "--client-id", pasted]);
        let mut variable = configured(&sandbox, Program::Real, &["login"]);
        variable.env("GHTOK_CLIENT_ID", pasted);
        for mut login in [flag, variable] {
            login.env("GHTOK_HOST", fake.host());
            refused(login, why);
        }
        sandbox.configure(&format!(
            "[[app]]\nname = \"main\"\nclient_id = \"{pasted}\"\nhost = \"{}\"\n",
            fake.host()
        ));
        for arguments in [&["login"][..], &["get"], &["status"]] {
            refused(configured(&sandbox, Program::Real, arguments), why);
        }
        assert_eq!(fake.connections(), 0);
        assert!(!sandbox.state_dir().exists());
    }
}

#[track_caller]
fn refused(mut command: std::process::Command, why: &str) {
    let told = run_command(&mut command).expect_code(2);
    assert!(told.stderr.contains(why), "{told:?}");
    let is_secret = why != "number";
    let shown = format!("{}{}", told.stdout, told.stderr);
    assert!(!(is_secret && shown.contains("01234567")), "{told:?}");
}

#[test]
fn an_oauth_apps_client_id_is_explained_before_anything_is_sent() {
    const OAUTH_APP: &str = "Ov23liTESTCLIENT0001";
    let app = App::new(OAUTH_APP).tokens(Tokens::Permanent);
    for arguments in [&["login"][..], &["login", "--json"]] {
        let fake = hurried_fake().app(app.clone()).start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let mut login = sandbox.command(Program::Hurried, arguments);
        login.env("GHTOK_CLIENT_ID", OAUTH_APP);
        let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
        let first = told.stderr.lines().next().expect("a line");
        assert!(
            first.starts_with("ghtok: Ov23liTESTCLIENT0001 is the client ID of an OAuth App"),
            "{told:?}"
        );
        let page = format!("{}/settings/apps", fake.base_url());
        let what_to_copy = told.stderr.lines().nth(1).expect("a line");
        assert!(what_to_copy.contains("copy the \"Client ID\""), "{told:?}");
        assert!(what_to_copy.contains(&page), "{told:?}");
        if arguments.len() > 1 {
            let events = told.stdout.lines().map(|line| json(&format!("{line}\n")));
            assert_eq!(events.count(), 2);
        }
    }
}

#[test]
fn a_github_apps_client_id_is_not_called_an_oauth_apps() {
    let fake: FakeGitHub = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let login = sandbox.command(Program::Hurried, ["login"]);
    let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
    assert!(!told.stderr.contains("OAuth"), "{told:?}");
}
