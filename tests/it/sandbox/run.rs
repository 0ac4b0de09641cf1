//! `ghtok sandbox run`: what the command finds, and what is left of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use fake_github::FakeGitHub;
use rustix::process::Signal;

use super::{command, sha256, start, start_at};
use crate::scoped::fake;
use crate::support::bench::LIFE;
use crate::support::deadline::run_command;
use crate::support::git::{add_repository, gits};
use crate::support::processes::{Caller, eventually};
use crate::support::sandbox::{Run, Sandbox};

const REPO: [&str; 2] = ["--repo", "acme/one"];

/// `sandbox run … -- sh -c SCRIPT`, with the machine's programs.
fn shell(home: &Sandbox, flags: &[&str], script: &str) -> Command {
    let arguments = [&["sandbox", "run"], flags, &["--", "sh", "-c", script]].concat();
    let mut command = command(home, &arguments);
    command.env("PATH", std::env::var_os("PATH").expect("a PATH"));
    command
}

fn run(home: &Sandbox, flags: &[&str], script: &str) -> Run {
    run_command(&mut shell(home, flags, script))
}

#[test]
fn p11_the_command_has_a_token_of_its_own_which_ends_with_it() {
    for world in [
        fake(),
        fake().scoped_tokens_count(),
        fake().refresh_ends_scoped_tokens(),
    ] {
        let (fake, home) = start_at(world);
        let script = "echo $GH_ENTERPRISE_TOKEN; ghtok get; test -S $GHTOK_SOCKET && echo socket";
        let mut command = shell(&home, &REPO, script);
        let path = format!("{}:/usr/bin:/bin", bin().display());
        let ran = run_command(command.env("PATH", path)).expect_code(0);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let [token] = &fake.scoped_tokens()[..] else {
            panic!("one token");
        };
        assert_eq!(lines, [token.as_str(), token, "socket"], "{ran:?}");
        assert!(!fake.is_alive(token));
        let log = home.run(["sandbox", "log"]).expect_code(0).stdout;
        assert!(
            log.contains(&sha256(token)[..8]) && !log.contains(token),
            "{log}"
        );
        assert_nothing_is_left(&home);
        home.run(["get"]).token();
    }
}

/// The folder of the program that is tested.
fn bin() -> std::path::PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_ghtok"));
    program.parent().expect("a folder").to_owned()
}

#[track_caller]
fn assert_nothing_is_left(home: &Sandbox) {
    assert_eq!(home.run(["sandbox", "list"]).expect_code(0).stdout, "");
    let left = fs::read_dir(home.home().join("runtime/ghtok")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn p11_other_tokens_and_ways_to_them_are_removed_unless_kept() {
    let (_fake, home) = start();
    let script = "echo \"$GH_TOKEN|$GITHUB_ENTERPRISE_TOKEN|$SSH_AUTH_SOCK|$DBUS_SESSION_BUS_ADDRESS|$GIT_ASKPASS|$GHTOK_HOST\"";
    let with = |flags: &[&str]| {
        let mut command = shell(&home, flags, script);
        for name in [
            "GH_TOKEN",
            "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
            "GIT_ASKPASS",
        ] {
            command.env(name, "mine");
        }
        run_command(&mut command).expect_code(0).stdout
    };
    let scoped = with(&REPO);
    let own = scoped.split('|').nth(1).expect("a token").to_owned();
    assert!(own.starts_with("ghu_"), "{scoped}");
    assert_eq!(scoped, format!("|{own}||||\n"));
    let kept = with(&[&REPO[..], &["--keep-env"]].concat());
    assert!(
        kept.starts_with("mine|ghu_") && kept.ends_with("|mine|mine|mine|\n"),
        "{kept}"
    );
}

#[test]
fn exit_codes_are_the_commands_and_failures_are_125_to_127() {
    let (fake, home) = start();
    let full = ["--full-token"];
    assert_eq!(run(&home, &full, "exit 42").code, Some(42));
    assert_eq!(run(&home, &full, "kill -9 $$").code, Some(137));
    let direct = |arguments: &[&str]| {
        let arguments = [&["sandbox", "run"], arguments].concat();
        run_command(&mut command(&home, &arguments)).code
    };
    assert_eq!(
        direct(&["--full-token", "--", "/nonexistent/command"]),
        Some(127)
    );
    assert_eq!(direct(&["--full-token", "--", "/etc/passwd"]), Some(126));
    assert_eq!(direct(&["--", "true"]), Some(125));
    assert_eq!(direct(&["--no-such-flag", "--", "true"]), Some(125));
    assert_eq!(direct(&["--repo", "acme/nine", "--", "true"]), Some(125));
    assert_nothing_is_left(&home);
    assert!(fake.live_scoped_tokens().is_empty());
}

#[test]
fn p11_signals_reach_the_command_and_everything_is_revoked() {
    for (signal, code) in [(Signal::TERM, 7), (Signal::HUP, 7), (Signal::INT, 7)] {
        let (fake, home) = start();
        let script = "trap 'exit 7' TERM HUP INT; echo ready >&2; while :; do sleep 0.05; done";
        let mut caller = Caller::start(&home, &mut shell(&home, &REPO, script));
        caller.wait_to_say("ready");
        assert_eq!(fake.live_scoped_tokens().len(), 1);
        caller.signal(signal);
        assert_eq!(caller.end().code(), Some(code));
        assert!(fake.live_scoped_tokens().is_empty());
        assert_nothing_is_left(&home);
    }
}

#[test]
fn p11_what_a_killed_run_left_is_revoked_by_the_next_ghtok_that_is_online() {
    let (fake, home) = start();
    let script = "echo ready >&2; exec sleep 20";
    let mut caller = Caller::start(&home, &mut shell(&home, &REPO, script));
    caller.wait_to_say("ready");
    caller.signal(Signal::KILL);
    caller.end();
    assert_eq!(fake.live_scoped_tokens().len(), 1);
    home.run(["refresh", "--force"]).expect_code(0);
    eventually("the revocation", || {
        fake.live_scoped_tokens().is_empty().then_some(())
    });
    // The same name can be used again.
    run(&home, &REPO, "true").expect_code(0);
    assert_nothing_is_left(&home);
}

#[test]
fn p11_the_time_ends_the_token_and_not_the_command() {
    let (fake, home) = start();
    let script = "echo ready >&2; while [ -S \"$GHTOK_SOCKET\" ] && ! [ -e \"$HOME/go\" ]; do sleep 0.05; done; exit 5";
    let flags = [&REPO[..], &["--for", "4s"]].concat();
    let mut caller = Caller::start(&home, &mut shell(&home, &flags, script));
    caller.wait_to_say("ended: its time is over");
    eventually("the revocation", || {
        fake.live_scoped_tokens().is_empty().then_some(())
    });
    assert!(caller.is_running());
    fs::write(home.home().join("go"), "").expect("a file");
    assert_eq!(caller.end().code(), Some(5));
    assert_eq!(fake.scoped_tokens().len(), 1);
}

#[test]
fn gh_answers_with_the_sandboxs_token_and_runs_the_real_one() {
    let (fake, home) = start();
    let tools = home.home().join("tools");
    fs::create_dir(&tools).expect("a folder");
    let real = tools.join("gh");
    fs::write(&real, "#!/bin/sh\necho \"real $* $GH_ENTERPRISE_TOKEN\"\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&real, mode).expect("a mode");
    let host = home.app().host.to_string();
    let script = format!(
        "gh auth token; gh auth token -h {host} -u octocat --secure-storage; gh auth token --hostname github.com; \
         gh auth token -u somebody; gh auth status; gh repo list; \
         printf 'protocol=http\\nhost={host}\\npath=acme/one\\n\\n' | gh auth git-credential get"
    );
    let mut command = shell(&home, &REPO, &script);
    command.env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    let ran = run_command(&mut command);
    let token = &fake.scoped_tokens()[0];
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[..2], [token.as_str(), token], "{ran:?}");
    assert!(
        ran.stderr.contains("no oauth token found for github.com\n"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("account somebody\n"), "{ran:?}");
    assert!(
        ran.stdout
            .contains(&format!("Logged in to {host} account octocat")),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains(&format!("real repo list {token}\n")),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains(&format!("password={token}\n")),
        "{ran:?}"
    );
}

#[test]
fn p11_git_in_the_sandbox_reaches_its_repository_by_https_and_by_ssh_addresses() {
    let Some(git) = gits().into_iter().next() else {
        return;
    };
    let root = tempfile::tempdir().expect("a folder");
    for name in ["acme/one", "acme/two"] {
        add_repository(root.path(), name);
    }
    let (fake, home) = start_at(fake().git_root(root.path()));
    let name = home.app().host.to_string();
    let name = name.split(':').next().expect("a name");
    let script = format!(
        "set -e; cd \"$HOME\"; git clone -q {url}/acme/one.git a; git clone -q git@{name}:acme/one.git b; \
         git clone -q ssh://git@{name}/acme/one.git c; ! git clone -q {url}/acme/two.git d; \
         cd a; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git push -q origin HEAD",
        url = home.app().host.web_url()
    );
    let mut command = shell(&home, &REPO, &script);
    let folder = git
        .program
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    command
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("GIT_TERMINAL_PROMPT", "0");
    run_command(&mut command).expect_code(0);
    assert_git_used_only_scoped(&fake, &home);
}

/// The user access token was not sent to the git server.
fn assert_git_used_only_scoped(fake: &FakeGitHub, home: &Sandbox) {
    let own = home.record().tokens.access_token().expose().to_owned();
    let text = format!("{:?}", fake.requests(fake_github::Endpoint::Git));
    assert!(!text.contains(&own));
    assert!(fake.is_alive(&own));
    let _ = LIFE;
}
