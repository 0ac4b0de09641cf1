//! Files of the state folder that other users may read, or that something is in the way of.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};

use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, Sandbox};

fn start() -> (FakeGitHub, Sandbox) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

#[test]
fn a_record_that_may_not_be_read_is_found_before_a_person_is_asked() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, Duration::from_secs(3600));
    fs::set_permissions(sandbox.record_file(), Permissions::from_mode(0o644)).expect("mode");
    let output = run(&sandbox, &["login", "--force"]).expect_code(1);
    assert!(
        output.stderr.contains("other users may read or write it"),
        "{output:?}"
    );
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
}

#[test]
fn p4_a_store_that_works_again_is_used_at_once() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, Duration::ZERO);
    let mut in_the_way = sandbox.record_file().into_os_string();
    in_the_way.push(".new");
    fs::create_dir(&in_the_way).expect("a folder in the way");
    run(&sandbox, &["get"]).expect_code(1);
    fs::remove_dir(&in_the_way).expect("out of the way");
    let token = run(&sandbox, &["get"]);
    assert!(fake.is_alive(token.token()));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn one_apps_unreadable_store_file_hides_no_other_app() {
    let (_fake, sandbox) = start();
    sandbox.configure(
        "[[app]]\nname = \"one\"\nclient_id = \"Iv1.one\"\n[[app]]\nname = \"two\"\nclient_id = \"Iv1.two\"\n",
    );
    sandbox.state_folder().create().expect("a state folder");
    let note = sandbox.state_dir().join("github.com%2FIv1.one.store");
    fs::write(&note, "file\n").expect("a note");
    fs::set_permissions(&note, Permissions::from_mode(0o644)).expect("mode");
    let mut status = sandbox.command(Program::Real, ["status"]);
    for name in ["GHTOK_STORE", "GHTOK_CLIENT_ID", "GHTOK_HOST"] {
        status.env_remove(name);
    }
    let output = run_command(&mut status).expect_code(0);
    assert!(
        output.stdout.contains("one\n") && output.stdout.contains("two\n"),
        "{output:?}"
    );
}

#[test]
fn a_folder_for_everybody_is_not_closed() {
    let (_fake, sandbox) = start();
    let shared = sandbox.home().join("shared");
    fs::create_dir(&shared).expect("a folder");
    fs::set_permissions(&shared, Permissions::from_mode(0o1777)).expect("mode");
    let mut logout = sandbox.command(Program::Real, ["logout"]);
    let output = run_command(logout.env("GHTOK_STATE_DIR", &shared)).expect_code(1);
    assert!(output.stderr.contains("is a shared folder"), "{output:?}");
    let mode = fs::metadata(&shared)
        .expect("still there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o1777);
}

#[test]
fn an_outcome_file_that_others_may_read_is_named_and_nothing_is_spent() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, Duration::ZERO);
    let outcome = sandbox.state_folder().outcome(&sandbox.app().key());
    fs::write(&outcome, "").expect("an outcome");
    fs::set_permissions(&outcome, Permissions::from_mode(0o644)).expect("mode");
    let output = run(&sandbox, &["get"]).expect_code(1);
    assert!(
        output.stderr.contains(".outcome: other users may read"),
        "{output:?}"
    );
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    fs::set_permissions(&outcome, Permissions::from_mode(0o600)).expect("mode");
    assert!(fake.is_alive(run(&sandbox, &["get"]).token()));
}
