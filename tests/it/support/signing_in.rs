//! A person at the device page, for tests that run `ghtok login`.

use std::process::Command;

use fake_github::{Builder, FakeGitHub};

use super::deadline::{LIMIT, ends};
use super::sandbox::{Program, Run, Sandbox};

/// A fake whose polling keeps pace with the hurried program.
pub fn hurried_fake() -> Builder {
    FakeGitHub::builder().time_scale(10)
}

/// A fake that may be asked every second, for the product at its own pace.
pub fn prompt_fake() -> Builder {
    FakeGitHub::builder().interval(1)
}

/// Runs `login` in the hurried program; the person approves.
#[track_caller]
pub fn sign_in(fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> Run {
    decide(fake, sandbox.command(Program::Hurried, arguments), |code| {
        fake.approve(code);
    })
}

/// Runs a `login`; once there is a code, the person does as told.
#[track_caller]
pub fn decide(fake: &FakeGitHub, mut login: Command, deed: impl FnOnce(&str)) -> Run {
    let child = login.spawn().expect("ghtok starts");
    match fake.wait_for_code(LIMIT) {
        Ok(code) => deed(&code),
        Err(error) => panic!("{error}: {:?}", ends(child, LIMIT)),
    }
    ends(child, LIMIT)
}
