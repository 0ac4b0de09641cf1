//! Several Apps in the configuration: which one a call means, and all of them at once.

use std::time::Duration;

use fake_github::{App, CLIENT_ID, Endpoint, FakeGitHub, Pair};
use ghtok::testing::app::ClientId;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;
use serde_json::{Value, json};

use super::{HOUR, configured, error_code};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, record_of};

const OTHER_ID: &str = "Iv23liOTHERCLIENT002";
const THIRD_ID: &str = "Iv23liTHIRDCLIENT003";

/// `work` is signed in, `home` is signed in, `idle` is not.
struct Apps {
    fake: FakeGitHub,
    sandbox: Sandbox,
    work: Pair,
    home: Pair,
}

impl Apps {
    fn start(more: &str) -> Self {
        Self::with_life(more, HOUR, HOUR)
    }

    fn with_life(more: &str, work: Duration, home: Duration) -> Self {
        let fake = FakeGitHub::builder()
            .app(App::new(CLIENT_ID))
            .app(App::new(OTHER_ID))
            .app(App::new(THIRD_ID))
            .start()
            .expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let host = fake.host();
        let section = |name, id| {
            format!("[[app]]\nname = \"{name}\"\nclient_id = \"{id}\"\nhost = \"{host}\"\n")
        };
        sandbox.configure(&format!(
            "store = \"file\"\n{more}\n{}{}{}",
            section("work", CLIENT_ID),
            section("home", OTHER_ID),
            section("idle", THIRD_ID),
        ));
        Self {
            work: put(&fake, &sandbox, CLIENT_ID, work),
            home: put(&fake, &sandbox, OTHER_ID, home),
            fake,
            sandbox,
        }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut configured(&self.sandbox, Program::Real, arguments))
    }

    fn run_with(&self, variable: &str, value: &str, arguments: &[&str]) -> Run {
        let mut command = configured(&self.sandbox, Program::Real, arguments);
        run_command(command.env(variable, value))
    }
}

fn put(fake: &FakeGitHub, sandbox: &Sandbox, client_id: &str, left: Duration) -> Pair {
    let pair = fake.mint(client_id);
    let app = ghtok::testing::app::App {
        client_id: ClientId::parse(client_id).expect("an ID"),
        ..sandbox.app()
    };
    FileSlot::new(&sandbox.state_folder(), &app.key())
        .write(&encode(&record_of(&pair, left)))
        .expect("a record");
    pair
}

#[test]
fn an_app_is_named_by_argument_flag_variable_or_default() {
    let apps = Apps::start("default_app = \"home\"");
    let (work, home) = (&apps.work.access_token, &apps.home.access_token);
    assert_eq!(apps.run(&["get"]).token(), home);
    assert_eq!(apps.run(&["get", "work"]).token(), work);
    assert_eq!(apps.run(&["get", "--app", "work"]).token(), work);
    assert_eq!(apps.run(&["get", "--client-id", CLIENT_ID]).token(), work);
    assert_eq!(apps.run_with("GHTOK_APP", "work", &["get"]).token(), work);
    // What is said at the call outweighs the variable.
    assert_eq!(
        apps.run_with("GHTOK_APP", "work", &["get", "home"]).token(),
        home
    );
    assert_eq!(apps.fake.connections(), 0);
}

#[test]
fn an_app_that_is_not_clear_or_not_there_is_a_usage_error() {
    let apps = Apps::start("");
    let told = apps.run(&["get", "--format", "json"]).expect_code(2);
    assert_eq!(error_code(&told), "app_ambiguous");
    assert!(told.stderr.contains("work, home, idle"), "{told:?}");
    for arguments in [
        &["get", "wrok", "--format", "json"][..],
        &["status", "wrok", "--json"],
    ] {
        let told = apps.run(arguments).expect_code(2);
        assert_eq!(error_code(&told), "app_unknown");
    }
    let told = apps.run(&["get", "idle"]).expect_code(4);
    assert!(
        told.stderr.contains("sign in with:\n  ghtok login idle"),
        "{told:?}"
    );
}

#[test]
fn without_any_app_the_error_says_how_to_begin() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    for arguments in [
        &["get"][..],
        &["refresh"],
        &["status", "--check"],
        &["logout"],
        &["login"],
    ] {
        let told = run_command(&mut configured(&sandbox, Program::Real, arguments));
        assert_eq!(told.code, Some(2), "{arguments:?}: {told:?}");
        assert!(told.stderr.contains("ghtok login --client-id"), "{told:?}");
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn status_shows_all_apps_unless_one_is_named() {
    let apps = Apps::start("default_app = \"home\"");
    let names = |told: &Run| -> Vec<String> {
        let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let apps = document["apps"].as_array().expect("a list");
        apps.iter()
            .map(|app| app["app"].as_str().expect("a name").to_owned())
            .collect()
    };
    let all = apps.run(&["status", "--json"]).expect_code(0);
    assert_eq!(names(&all), ["work", "home", "idle"]);
    let one = apps.run(&["status", "work", "--json"]).expect_code(0);
    assert_eq!(names(&one), ["work"]);
    // The most serious of all: `idle` needs a sign-in.
    apps.run(&["status", "--check"]).expect_code(4);
    apps.run(&["status", "work", "--check"]).expect_code(0);
    let text = apps.run(&["status"]).expect_code(0).stdout;
    let blocks: Vec<&str> = text
        .split("\n\n")
        .filter_map(|it| it.lines().next())
        .collect();
    assert_eq!(
        blocks[..3],
        ["work: signed in", "home: signed in", "idle: signed out"]
    );
}

#[test]
fn refresh_all_goes_on_after_a_failure_and_ends_with_the_most_serious_code() {
    let over = Duration::ZERO;
    let apps = Apps::with_life("", over, over);
    apps.fake.revoke_authorization(CLIENT_ID);
    let told = apps.run(&["refresh", "--all", "--json"]).expect_code(4);
    let lines: Vec<Value> = told
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 1, "{told:?}");
    assert_eq!(
        (&lines[0]["app"], &lines[0]["refreshed"]),
        (&json!("home"), &json!(true))
    );
    let codes: Vec<Value> = told
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["error"]["code"].clone())
        .collect();
    assert_eq!(codes, ["refresh_refused", "signed_out"]);
}

#[test]
fn of_a_damaged_record_and_a_server_out_of_reach_the_damage_is_more_serious() {
    let apps = Apps::with_life("", Duration::ZERO, Duration::ZERO);
    apps.sandbox.put_bytes(b"{");
    let idle = put(&apps.fake, &apps.sandbox, THIRD_ID, HOUR);
    apps.fake.go_offline().expect("offline");
    let told = apps.run(&["refresh", "--all"]).expect_code(1);
    assert!(told.stdout.starts_with("idle: not due"), "{told:?}");
    assert!(told.stderr.contains("work: the stored sign-in"), "{told:?}");
    assert!(told.stderr.contains("home: could not refresh"), "{told:?}");
    assert_eq!(apps.run(&["get", "idle"]).token(), idle.access_token);
}

#[test]
fn logout_all_forgets_every_app_and_logout_only_one() {
    let apps = Apps::start("");
    apps.run(&["logout", "work"]).expect_code(0);
    apps.run(&["get", "work"]).expect_code(4);
    assert_eq!(apps.run(&["get", "home"]).token(), apps.home.access_token);
    apps.run(&["logout", "--all", "--revoke"]).expect_code(0);
    apps.run(&["get", "home"]).expect_code(4);
    assert!(!apps.fake.is_alive(&apps.home.access_token));
    assert_eq!(apps.fake.count(Endpoint::Revoke), 1);
}

/// The configuration's `account` is a part of the record's key, and is checked when served too.
#[test]
fn another_account_than_the_configured_one_is_not_served() {
    let apps = Apps::start("");
    let host = apps.fake.host();
    apps.sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\n\
         host = \"{host}\"\naccount = \"hubot\"\n"
    ));
    let told = apps.run(&["get", "--format", "json"]).expect_code(4);
    assert_eq!(error_code(&told), "signed_out");
    let app = ghtok::testing::app::App {
        account: Some(ghtok::testing::app::AccountName::parse("hubot").expect("a login")),
        ..apps.sandbox.app()
    };
    FileSlot::new(&apps.sandbox.state_folder(), &app.key())
        .write(&encode(&record_of(&apps.work, HOUR)))
        .expect("a record");
    let told = apps.run(&["get", "--format", "json"]).expect_code(4);
    assert_eq!(error_code(&told), "other_account");
    assert!(
        told.stderr.contains("octocat") && told.stderr.contains("hubot"),
        "{told:?}"
    );
}
