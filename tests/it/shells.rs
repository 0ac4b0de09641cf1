//! What `get --format env|fish|powershell` prints, evaluated by real shells: variables of another host
//! go, and a failure is one in the shell too.

mod completions;

use std::process::Command;
use std::time::Duration;

use fake_github::FakeGitHub;

use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

const HOUR: Duration = Duration::from_secs(3600);

/// The name of a shell, its program and flags, and how it evaluates `get`.
const SHELLS: [(&str, &[&str], &str, &str); 4] = [
    (
        "sh",
        &["sh"],
        "env",
        r#"eval "$(ghtok get --format env ARGS)""#,
    ),
    (
        "bash",
        &["bash", "--norc"],
        "env",
        r#"eval "$(ghtok get --format env ARGS)""#,
    ),
    (
        "zsh",
        &["zsh", "-f"],
        "env",
        r#"eval "$(ghtok get --format env ARGS)""#,
    ),
    (
        "fish",
        &["fish", "--no-config"],
        "fish",
        "ghtok get --format fish ARGS | source",
    ),
];

struct Home {
    fake: FakeGitHub,
    sandbox: Sandbox,
    bin: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let bin = tempfile::tempdir().expect("a folder");
        let link = bin.path().join("ghtok");
        std::os::unix::fs::symlink(path_of(Program::Real), link).expect("a link");
        Self { fake, sandbox, bin }
    }

    /// Runs a script in a shell; `None`, with a line that says so, where there is no such shell.
    fn run(&self, shell: &[&str], script: &str, variables: &[(&str, &str)]) -> Option<Run> {
        let usual = self.sandbox.command(Program::Real, ["get"]);
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", script]).env_clear();
        for (name, value) in usual.get_envs() {
            command.env(name, value.expect("set"));
        }
        let path = format!("{}:/usr/bin:/bin", self.bin.path().display());
        command
            .env("PATH", path)
            .envs(variables.iter().copied())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        if Command::new(shell[0]).arg("-c").arg(":").status().is_err() {
            skip!("there is no {}", shell[0]);
            return None;
        }
        Some(run_command(&mut command))
    }
}

#[test]
fn a_get_that_fails_is_a_failure_of_the_shell_and_leaves_no_old_token() {
    let home = Home::new();
    let stale = [
        ("GH_TOKEN", "stale"),
        ("GH_ENTERPRISE_TOKEN", "stale"),
        ("GITHUB_TOKEN", "stale"),
        ("GH_HOST", "ghes.example"),
    ];
    for (name, shell, _, evaluate) in SHELLS {
        for (arguments, code) in [
            ("", 4),
            ("--min-ttl soon", 2),
            ("--nonsense", 2),
            ("a b", 2),
        ] {
            let evaluate = evaluate.replace("ARGS", arguments);
            let status = if name == "fish" { "$status" } else { "$?" };
            let script = format!(
                "{evaluate}; echo \"status {status}\"; printenv GH_TOKEN GH_ENTERPRISE_TOKEN GITHUB_TOKEN; printenv GH_HOST"
            );
            let Some(run) = home.run(shell, &script, &stale) else {
                continue;
            };
            assert_eq!(
                run.stdout,
                format!("status {code}\nghes.example\n"),
                "{name} {arguments:?}: {run:?}"
            );
            assert!(run.stderr.contains("error: "), "{name}: {run:?}");
        }
        let strict = match name {
            "fish" => continue,
            "bash" | "zsh" => "set -euo pipefail",
            _ => "set -eu",
        };
        let script = format!("{strict}; {}; echo went on", evaluate.replace("ARGS", ""));
        let Some(run) = home.run(shell, &script, &stale) else {
            continue;
        };
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(4), ""),
            "{name}: {run:?}"
        );
    }
}

#[test]
fn p6_variables_of_another_host_are_unset_and_named() {
    let home = Home::new();
    let token = home.sandbox.seed(&home.fake, HOUR).access_token;
    let host = home.fake.host();
    let foreign = [
        ("GH_HOST", "ghes.example"),
        ("GITHUB_HOST", "https://ghes.example"),
        ("GH_REPO", "ghes.example/octo/cat"),
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GH_TOKEN", "another-hosts"),
    ];
    for (name, shell, _, evaluate) in SHELLS {
        let evaluate = evaluate.replace("ARGS", "");
        let script = format!(
            "{evaluate}; printenv GH_ENTERPRISE_TOKEN; printenv GH_HOST; printenv GH_TOKEN; \
             printenv GITHUB_HOST GH_REPO GITHUB_API_URL; true"
        );
        let Some(run) = home.run(shell, &script, &foreign) else {
            continue;
        };
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        assert_eq!(
            run.stdout,
            format!("{token}\n{host}\nanother-hosts\n"),
            "{name}: {run:?}"
        );
        assert_eq!(
            run.stderr,
            "ghtok: get: replaced or removed in this shell: GH_HOST, GITHUB_HOST, GH_REPO, GITHUB_API_URL\n",
            "{name}"
        );
    }
}

#[test]
fn other_formats_and_help_print_no_statements() {
    let home = Home::new();
    for arguments in [
        &["get"][..],
        &["get", "--format", "json"],
        &["get", "--format=header"],
        &["get", "--format", "env", "--format", "token"],
        &["get", "--format", "nonsense"],
        &["refresh", "--format", "env"],
    ] {
        let failed = run(&home.sandbox, arguments);
        assert_ne!(failed.code, Some(0), "{failed:?}");
        assert_eq!(failed.stdout, "", "{arguments:?}");
    }
    let help = run(&home.sandbox, &["get", "--format", "env", "--help"]).expect_code(0);
    assert!(!help.stdout.contains("unset "), "{help:?}");
}

#[test]
fn powershell_is_told_of_a_failure_in_its_own_words() {
    let home = Home::new();
    let failed = run(&home.sandbox, &["get", "--format=powershell"]).expect_code(4);
    let lines: Vec<&str> = failed.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "Remove-Item Env:GH_TOKEN -ErrorAction SilentlyContinue"
    );
    assert_eq!(
        &lines[5..],
        [
            "$global:LASTEXITCODE = 4",
            "Write-Error 'ghtok: there is no token (exit code 4)'"
        ]
    );
}
