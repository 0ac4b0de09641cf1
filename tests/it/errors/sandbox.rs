//! What fails in a sandbox.

use std::path::PathBuf;

use ghtok::testing::error::{Error, HostError, SandboxProblem};

use super::page::Page;

pub fn all(page: &mut Page) {
    let socket = || PathBuf::from("/run/user/1000/ghtok/agent.sock");
    page.section("In a sandbox");
    for problem in [
        SandboxProblem::HostOnly {
            command: "ghtok schedule install".into(),
        },
        SandboxProblem::Untrusted {
            socket: socket(),
            reason: "it belongs to another user (user ID 1000)".into(),
            fix: "if that user's ghtok serves this sandbox:\n  export GHTOK_SOCKET_OWNER=1000"
                .into(),
        },
        SandboxProblem::Unreachable {
            socket: socket(),
            cause: "connection refused".into(),
        },
        SandboxProblem::NoAnswer {
            socket: socket(),
            cause: "none within 48 s".into(),
        },
        SandboxProblem::Ended {
            name: "build".into(),
            why: "its time is over",
        },
        SandboxProblem::Refused(HostError {
            code: "signed_out".into(),
            message: "work: not signed in".into(),
            hint: Some("sign in with:\n  ghtok login work".into()),
            exit_code: 4,
        }),
        SandboxProblem::Refused(HostError {
            code: "sandbox_refused".into(),
            message: "the host refused the request (HTTP 500)".into(),
            hint: None,
            exit_code: 1,
        }),
    ] {
        page.add(Error::Sandbox(problem));
    }
}
