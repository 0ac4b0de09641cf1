//! The commands as a person or a program meets them, on a fake GitHub and the file store.

mod app_entries;
mod apps;
mod client_ids;
mod get;
mod help;
mod login;
mod login_accounts;
mod login_checks;
mod logout;
mod online;
mod other_sign_ins;
mod refresh;
mod saved_apps;
mod status;
mod streams;
mod two_logins;

use std::process::Command;
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use ghtok::testing::auth::record::Record;
use serde_json::Value;

use crate::support::deadline::run;
use crate::support::sandbox::{Program, Run, Sandbox};

const HOUR: Duration = Duration::from_secs(3600);

/// Two hours and a little, so that "2 h 00 min" stands for half a minute.
const TWO_HOURS: Duration = Duration::from_secs(2 * 3600 + 30);

fn start() -> (FakeGitHub, Sandbox) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

/// Changes the stored record.
fn mark(sandbox: &Sandbox, change: impl FnOnce(&mut Record)) {
    let mut record = sandbox.record();
    change(&mut record);
    sandbox.put(&record);
}

/// The one line of JSON that this is.
#[track_caller]
fn json(text: &str) -> Value {
    let line = text.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "one line: {text}");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The `code` of a JSON error, whose shape is the documented one.
#[track_caller]
fn error_code(run: &Run) -> String {
    let document = json(&run.stderr);
    assert_eq!(keys(&document), ["error", "schema_version"], "{run:?}");
    assert_eq!(document["schema_version"], 1);
    let error = &document["error"];
    assert_eq!(keys(error), ["code", "exit_code", "hint", "message"]);
    assert_eq!(
        error["exit_code"],
        run.code.expect("an exit code"),
        "{run:?}"
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    error["code"].as_str().expect("a code").to_owned()
}

/// The names in an object, sorted.
fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

/// A command that knows its App from the configuration file alone.
fn configured(sandbox: &Sandbox, program: Program, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(program, arguments);
    command
        .env_remove("GHTOK_CLIENT_ID")
        .env_remove("GHTOK_HOST");
    command
}

#[test]
fn a_cached_token_costs_no_request_at_all() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    let run = run(&sandbox, &["get"]);
    assert_eq!(run.token(), pair.access_token);
    assert_eq!(run.stderr, "");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_due_token_is_refreshed_silently() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, Duration::from_secs(60));
    let run = run(&sandbox, &["get"]);
    assert_ne!(run.token(), pair.access_token);
    assert!(fake.is_alive(run.token()));
    assert_eq!(run.stderr, "");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert_eq!(sandbox.record().generation, 2);
}
