//! `ghtok app list` and `app remove`, and `app new` without a terminal.

use std::fs;

use fake_github::{App, CLIENT_ID, Endpoint, FakeGitHub};
use serde_json::json;

use super::{HOUR, configured, json as document};
use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, Run, Sandbox, path_of};
use crate::support::signing_in::{decide, hurried_fake};

const OTHER_ID: &str = "Iv23liOTHERCLIENT002";

/// `main`, the default App, and `work`.
fn two_apps() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake()
        .app(App::new(CLIENT_ID))
        .app(App::new(OTHER_ID))
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let host = fake.host();
    sandbox.configure(&format!(
        "default_app = \"main\"\nstore = \"file\"\n\n[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n\n\
         [[app]]\nname = \"work\"\nclient_id = \"{OTHER_ID}\"\nhost = \"{host}\"\nowners = [\"acme\"]\n"
    ));
    (fake, sandbox)
}

fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    run_command(&mut configured(sandbox, Program::Real, arguments))
}

fn config(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.config_dir().join("config.toml")).expect("a file")
}

#[test]
fn the_apps_are_listed_for_people_and_for_programs() {
    let (fake, sandbox) = two_apps();
    let host = fake.host();
    assert_eq!(
        ask(&sandbox, &["app", "list"]).expect_code(0).stdout,
        format!("main  {CLIENT_ID}  {host}  (default)\nwork  {OTHER_ID}  {host}  (for acme)\n")
    );
    let listed = ask(&sandbox, &["app", "list", "--json"]).expect_code(0);
    assert_eq!(
        document(&listed.stdout),
        json!({"schema_version": 1, "apps": [
            {"name": "main", "client_id": CLIENT_ID, "host": host, "account": null, "owners": [], "default": true},
            {"name": "work", "client_id": OTHER_ID, "host": host, "account": null, "owners": ["acme"], "default": false},
        ]})
    );
    assert_eq!(fake.connections(), 0);
    let empty = Sandbox::new(&fake);
    let told = ask(&empty, &["app", "list"]).expect_code(0);
    assert!(told.stderr.contains("ghtok app new"), "{told:?}");
}

#[test]
fn p12_a_removed_app_leaves_its_sign_in_and_the_command_that_removes_it() {
    let (fake, sandbox) = two_apps();
    sandbox.seed(&fake, HOUR);
    let told = ask(&sandbox, &["app", "remove", "main"]).expect_code(0);
    assert!(
        told.stderr
            .contains("; \"work\" is the only App now, and so the default"),
        "{told:?}"
    );
    let text = config(&sandbox);
    assert!(
        !text.contains("main") && !text.contains("default_app"),
        "{text}"
    );
    assert!(
        text.contains("name = \"work\"") && text.starts_with("store = "),
        "{text}"
    );
    assert!(sandbox.record_file().exists());
    let (_, command) = told
        .stderr
        .split_once("remove it with:\n  ")
        .expect("a command");
    let program = path_of(Program::Real);
    let mut shell = configured(&sandbox, Program::Real, &[]);
    let folder = program.parent().expect("a folder").display().to_string();
    let mut typed = std::process::Command::new("/bin/sh");
    typed
        .args(["-c", command.trim()])
        .env_clear()
        .envs(
            shell
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    shell.env_clear();
    run_command(&mut typed).expect_code(0);
    assert!(!sandbox.record_file().exists());
}

#[test]
fn the_sign_in_goes_too_where_that_is_asked_for() {
    let (fake, sandbox) = two_apps();
    sandbox.seed(&fake, HOUR);
    let told = ask(&sandbox, &["app", "remove", "main", "--logout"]).expect_code(0);
    assert!(told.stderr.contains("main: signed out"), "{told:?}");
    assert!(!told.stderr.contains("still stored"), "{told:?}");
    assert!(!sandbox.record_file().exists());
    // Nothing is stored of this one.
    let told = ask(&sandbox, &["app", "remove", "work"]).expect_code(0);
    assert!(!told.stderr.contains("stored"), "{told:?}");
    assert_eq!(config(&sandbox), "store = \"file\"\n");
    let told = ask(&sandbox, &["app", "remove", "work"]).expect_code(2);
    assert!(told.stderr.contains("no App named \"work\""), "{told:?}");
}

#[test]
fn p5_without_a_terminal_nobody_is_asked_and_flags_answer() {
    let (fake, sandbox) = two_apps();
    let told = ask(&sandbox, &["app", "new"]).expect_code(2);
    assert!(
        told.stderr.contains("cannot ask questions (no terminal)"),
        "{told:?}"
    );
    assert_eq!(fake.connections(), 0);
    let host = fake.host();
    for (arguments, start, end) in [
        (
            &["app", "new", "play", "--print"][..],
            format!(
                "http://{host}/settings/apps/new?name=play&url=http%3A%2F%2F{}&public=false&webhook_active=false&device_flow_enabled=true&contents=write",
                host.replace(':', "%3A")
            ),
            "statuses=read\n",
        ),
        (
            &[
                "app",
                "new",
                "--print",
                "--org",
                "acme",
                "--public",
                "--permission",
                "contents=read",
            ],
            format!("http://{host}/organizations/acme/settings/apps/new?name=ghtok-acme&url="),
            "public=true&webhook_active=false&device_flow_enabled=true&contents=read\n",
        ),
        (
            &[
                "app",
                "new",
                "--print",
                "--host",
                "octo.ghe.com",
                "--preset",
                "read-only",
                "--permission",
                "issues=write",
            ],
            "https://octo.ghe.com/settings/apps/new?url=https%3A%2F%2Focto.ghe.com&public=false&"
                .into(),
            "contents=read&pull_requests=read&actions=read&checks=read&statuses=read&issues=write\n",
        ),
    ] {
        let mut command = configured(&sandbox, Program::Real, arguments);
        let told = run_command(command.env("GHTOK_HOST", &host)).expect_code(0);
        assert!(told.stdout.starts_with(&start), "{}", told.stdout);
        assert!(told.stdout.ends_with(end), "{}", told.stdout);
        assert_eq!(told.stderr, "");
    }
    for arguments in [
        &["app", "new", "main", "--print"][..],
        &["app", "new", "a b", "--print"],
        &["app", "new", "--client-id", "123456"],
        &["app", "new", "--client-id", "ghu_0123456789abcdefghij"],
        &["app", "new", "--org", "a/b"],
        &["app", "new", "--permission", "contents"],
    ] {
        let told = ask(&sandbox, arguments).expect_code(2);
        assert!(!told.stderr.contains("ghu_"), "{told:?}");
    }
    assert_eq!(fake.connections(), 0);
}

/// A script that knows the client ID signs in as with `login`.
#[test]
fn an_app_is_added_without_a_terminal_by_its_client_id() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let arguments = ["app", "new", "play", "--client-id", CLIENT_ID];
    let mut command = sandbox.command(Program::Hurried, arguments);
    command.env_remove("GHTOK_CLIENT_ID");
    decide(&fake, command, |code| fake.approve(code)).expect_code(0);
    assert!(config(&sandbox).contains("name = \"play\""));
    assert_eq!(fake.count(Endpoint::Revoke), 0);
    run(&sandbox, &["get", "play"]).expect_code(0);
}
