//! Callers that are limited, or shut into a sandbox: what stops them is named, costs nothing, and stops
//! nobody else.

use std::process::Command;

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};

use super::{expect_requests, next_is_served};
use crate::support::namespace;
use crate::support::processes::{Caller, IN_TIME, Watch, shell};
use crate::support::records::{DUE, let_expire, sign_in};
use crate::support::sandbox::{Program, Sandbox, path_of};

/// ghtok's `arguments` under limits of the shell's `ulimit`.
fn limited(sandbox: &Sandbox, limits: &str, arguments: &str) -> Command {
    let ghtok = path_of(Program::Real);
    let script = format!("ulimit {limits}; exec {} {arguments}", ghtok.display());
    shell(sandbox, &script)
}

/// A write beyond the limit would end the refresher by a signal, after the request too.
#[test]
fn p3_a_limit_of_file_size_is_named_and_nothing_is_spent() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let_expire(&sandbox);
    let run = Caller::start(&sandbox, &mut limited(&sandbox, "-f 2", "get")).finish();
    let run = run.expect_code(5);
    assert!(run.stderr.contains("file too large"), "{run:?}");
    assert!(run.stderr.contains("raise the limit"), "{run:?}");
    expect_requests(&fake, &watch, 0, 0);
    next_is_served(&sandbox, &fake);
    expect_requests(&fake, &watch, 1, 1);
}

/// The system's name service says of a name that it could not look up that there is none.
#[test]
fn a_limit_of_open_files_is_not_told_as_a_host_that_cannot_be_found() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let login = "login --no-save --host no-such-host.invalid";
    let told: Vec<String> = (4..=8)
        .map(|files| limited(&sandbox, &format!("-n {files}"), login))
        .map(|mut command| Caller::start(&sandbox, &mut command).finish())
        .map(|run| run.expect_code(5).stderr)
        .collect();
    let limit = "cannot look up a host (too many open files)";
    assert!(told.iter().any(|text| text.contains(limit)), "{told:#?}");
}

/// Its failures are its own: a caller beside it is served at once.
#[test]
fn p4_a_caller_without_open_files_stops_nobody_else() {
    for files in 4..=8 {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let watch = Watch::over(&sandbox);
        sign_in(&sandbox, &fake, DUE);
        let_expire(&sandbox);
        let limits = format!("-n {files}");
        let run = Caller::start(&sandbox, &mut limited(&sandbox, &limits, "get")).finish();
        if run.code != Some(0) {
            let run = run.expect_code(5);
            assert!(run.stderr.contains("too many open files"), "{run:?}");
            expect_requests(&fake, &watch, 0, 0);
        }
        next_is_served(&sandbox, &fake);
        expect_requests(&fake, &watch, 1, 1);
    }
}

/// It cannot refresh itself, but gets what a process outside its sandbox brings.
#[test]
fn p2_a_caller_whose_state_folder_is_read_only_waits_for_a_refresh_outside() {
    if namespace::alone("exit 0").is_none() {
        return;
    }
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let_expire(&sandbox);
    let outside = Caller::ghtok(&sandbox, Program::Real, &["get"]);
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    let state = sandbox.state_dir();
    let script = format!(
        "exec unshare --mount sh -c 'mount --bind {state} {state} && \
         mount -o remount,ro,bind {state} && exec {ghtok} get'",
        state = state.display(),
        ghtok = path_of(Program::Real).display(),
    );
    let inside = Caller::start(&sandbox, &mut shell(&sandbox, &script));
    inside.wait_to_say("waiting for a refresh");
    fake.release(Endpoint::Refresh);
    let inside = inside.finish();
    assert!(fake.is_alive(inside.token()), "{inside:?}");
    assert_eq!(inside.token(), outside.finish().token());
    expect_requests(&fake, &watch, 1, 1);
}
