//! Settings of the network that cannot be meant: only a command that makes a connection judges them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::app::App;
use ghtok::testing::auth::outcome::Outcome;
use ghtok::testing::auth::ports::TokenStore;
use ghtok::testing::host::Host;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;
use ghtok::testing::store::{RecordStore, Slot};

use super::{COMMANDS, Home, LOGOUT, run};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, record_of};

/// Addresses that are none, and one that is (RFC 6761: nobody listens at port 9 of loopback).
const PROXIES: [&[u8]; 7] = [
    b"socks://127.0.0.1:7890/",
    b"socks9://me:hunter2@proxy",
    b"http://",
    b"http://proxy:99999",
    b"http://me:hunter2%@proxy",
    b"\xff\xfe",
    b" ",
];
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A name that leads to no machine (RFC 6761 section 6.4).
const BEHIND: &str = "behind.invalid";

#[test]
fn a_command_that_connects_nowhere_does_not_judge_the_proxy() {
    for value in PROXIES {
        let home = Home::new();
        for arguments in COMMANDS.into_iter().chain([LOGOUT]) {
            let mut command = home.command(arguments);
            for name in VARIABLES {
                command.env(name, OsStr::from_bytes(value));
            }
            let run = run(command, arguments);
            assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
            assert!(!run.stderr.contains("PROXY"), "{arguments:?}: {run:?}");
        }
    }
}

#[test]
fn a_command_that_connects_nowhere_does_not_judge_keys_of_the_file() {
    for line in [
        "proxy = \"socks9://me:hunter2@proxy\"\n",
        "proxy = \"http://\"\n",
        "ca_file = \"\"\n",
        "ca_file = \"/no/such/file\"\n",
        "ca_file = \"/dev/null\"\n",
        "no_proxy = \"::::, /99, [\"\n",
    ] {
        let home = Home::new();
        home.sandbox
            .configure(&format!("{line}{}", home.app_section()));
        for arguments in COMMANDS.into_iter().chain([LOGOUT]) {
            let run = home.run(arguments);
            assert_eq!(run.code, Some(0), "{line}: {arguments:?}: {run:?}");
        }
    }
}

/// A sign-in at a host that only a proxy reaches.
struct Behind {
    fake: FakeGitHub,
    sandbox: Sandbox,
    app: App,
}

impl Behind {
    fn with_life(left: Duration) -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let app = App {
            host: Host::parse(BEHIND).expect("a host"),
            ..sandbox.app()
        };
        let folder = sandbox.state_folder();
        folder.create().expect("a folder");
        let record = record_of(&fake.mint(CLIENT_ID), left);
        let slot = FileSlot::new(&folder, &app.key());
        slot.write(&encode(&record)).expect("a record");
        Self { fake, sandbox, app }
    }

    fn outcome(&self) -> Option<Outcome> {
        let (folder, key) = (self.sandbox.state_folder(), self.app.key());
        RecordStore::new(Box::new(FileSlot::new(&folder, &key)), folder, key).outcome()
    }

    fn run(&self, arguments: &[&str], name: &str, value: &str) -> Run {
        let mut command = self.sandbox.command(Program::Real, arguments);
        command.env("GHTOK_HOST", BEHIND).env(name, value);
        run_command(&mut command)
    }
}

#[test]
fn a_command_that_connects_names_the_setting_without_its_password() {
    for (arguments, left) in [
        (&["get"][..], Duration::ZERO),
        (&["refresh", "--force"], Duration::from_secs(3000)),
        (&["login", "--force"], Duration::ZERO),
        (&["logout", "--revoke"], Duration::from_secs(3000)),
    ] {
        for name in VARIABLES {
            let behind = Behind::with_life(left);
            let run = behind.run(arguments, name, "socks9://me:hunter2@proxy");
            assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
            let says = format!("ghtok: error: {name}: the address has an unknown scheme");
            assert!(run.stderr.contains(&says), "{arguments:?}: {run:?}");
            assert!(!run.stderr.contains("hunter2"), "{arguments:?}: {run:?}");
            assert_eq!(behind.outcome(), None, "shared with others: {arguments:?}");
            assert!(behind.fake.ledger().is_empty());
        }
    }
}

#[test]
fn p4_a_token_that_lives_is_served_all_the_same() {
    let behind = Behind::with_life(Duration::from_secs(200));
    let run = behind.run(&["get"], "ALL_PROXY", "socks9://me:hunter2@proxy");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("ALL_PROXY: the address"), "{run:?}");
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
}

#[test]
fn a_host_that_no_proxy_names_is_reached_past_a_bad_proxy() {
    for list in [BEHIND, ".invalid", "*", "x, behind.invalid:443"] {
        let behind = Behind::with_life(Duration::ZERO);
        let mut command = behind.sandbox.command(Program::Real, ["get"]);
        command
            .env("GHTOK_HOST", BEHIND)
            .env("ALL_PROXY", "socks9://proxy")
            .env("NO_PROXY", list);
        let run = run_command(&mut command);
        assert_eq!(run.code, Some(5), "{list}: {run:?}");
        assert!(run.stderr.contains("behind.invalid"), "{list}: {run:?}");
    }
}
