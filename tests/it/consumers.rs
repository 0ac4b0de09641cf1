//! Each form of `ghtok get` in the hands of who reads it. What this machine lacks is named.

mod gh_and_mise;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use tempfile::TempDir;

use crate::support::deadline::run_command;
use crate::support::git::{Desk, gits, url, with_a_repository};
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

const HOUR: Duration = Duration::from_secs(3600);

/// Runs a line in a shell that has ghtok in its PATH; `None` if there is no such shell.
fn in_shell(shell: &str, line: &str, sandbox: &Sandbox) -> Option<Run> {
    let path = std::env::var("PATH").expect("a path");
    if !path
        .split(':')
        .any(|folder| Path::new(folder).join(shell).exists())
    {
        skip!("this machine has no {shell}");
        return None;
    }
    let ghtok = sandbox.command(Program::Real, [""; 0]);
    let folder = path_of(Program::Real)
        .parent()
        .expect("a folder")
        .to_owned();
    let mut command = Command::new(shell);
    command.args(["-c", line]).env_clear();
    command.envs(
        ghtok
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("GITHUB_HOST", "https://evil.tld")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(run_command(&mut command))
}

#[test]
fn shells_take_the_variables() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let shown = "printenv GH_ENTERPRISE_TOKEN; printenv GH_HOST; printenv GITHUB_HOST || echo none";
    let expected = format!("{token}\n{}\nnone\n", fake.host());
    let posix = format!("set -eu; eval \"$(ghtok get --format env)\"; {shown}");
    for shell in ["sh", "bash", "dash", "zsh"] {
        if let Some(run) = in_shell(shell, &posix, &sandbox) {
            assert_eq!(
                (run.stdout.as_str(), run.stderr.as_str()),
                (
                    expected.as_str(),
                    "ghtok: get: replaced or removed in this shell: GITHUB_HOST\n"
                ),
                "{shell}"
            );
        }
    }
    let fish = format!("ghtok get --format fish | source; {shown}");
    if let Some(run) = in_shell("fish", &fish, &sandbox) {
        assert_eq!(run.stdout, expected, "{run:?}");
    }
}

#[test]
fn a_shell_gets_nothing_to_run_when_there_is_no_token() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    for shell in ["sh", "bash", "zsh"] {
        let line = "eval \"$(ghtok get --format env)\"; echo \"${GH_ENTERPRISE_TOKEN-unset}\"";
        if let Some(run) = in_shell(shell, line, &sandbox) {
            assert_eq!(run.stdout, "unset\n", "{run:?}");
        }
    }
}

#[test]
fn curl_takes_the_header_from_its_standard_input() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let line = format!(
        "command -v curl >/dev/null || {{ echo 200; exit; }}; \
         ghtok get --format header | curl -s -o out -w '%{{http_code}}\\n' -H @- {}/api/v3/user",
        fake.base_url()
    );
    let line = format!("cd {} && {line}", sandbox.home().display());
    let run = in_shell("sh", &line, &sandbox).expect("sh is everywhere");
    assert_eq!(run.token(), "200", "{run:?}");
    let out = fs::read_to_string(sandbox.home().join("out")).unwrap_or_default();
    assert!(out.is_empty() == (fake.count(Endpoint::User) == 0));
}

#[test]
fn git_and_curl_read_the_netrc_lines() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        desk.configure(&[""]);
        let remote = url(&fake);
        assert_ne!(
            desk.run(&["ls-remote", &remote]).code,
            Some(0),
            "no helper, no token"
        );
        let write = "umask 077; ghtok get --format netrc >\"$HOME/.netrc\"";
        in_shell("sh", write, &sandbox)
            .expect("sh is everywhere")
            .expect_code(0);
        desk.well(&["ls-remote", &remote]);
        let line = format!(
            "command -v curl >/dev/null || {{ echo 200; exit; }}; curl -s -o /dev/null -w '%{{http_code}}\\n' --netrc {remote}/info/refs?service=git-upload-pack"
        );
        let run = in_shell("sh", &line, &sandbox).expect("sh is everywhere");
        assert_eq!(run.token(), "200", "{run:?}");
    }
}
