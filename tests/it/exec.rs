//! `ghtok exec`: a command with a token in its environment, in ghtok's own place.

mod git;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};

use crate::support::deadline::{LIMIT, ends, ends_by_signal, run, run_command};
use crate::support::git::{feed, files_with};
use crate::support::sandbox::{Program, Run, Sandbox, as_configured};

const HOUR: Duration = Duration::from_secs(3600);

fn signed_in() -> (FakeGitHub, Sandbox, String) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    (fake, sandbox, token)
}

/// `ghtok exec ARGUMENTS` with these variables inherited.
fn exec(sandbox: &Sandbox, arguments: &[&str], inherited: &[(&str, &str)]) -> Command {
    let arguments = [&["exec"], arguments].concat();
    let mut command = sandbox.command(Program::Real, arguments);
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(inherited.iter().copied());
    command
}

fn runs(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    run_command(&mut exec(sandbox, arguments, &[]))
}

/// The variables of a command that `exec` runs with these arguments.
fn variables(sandbox: &Sandbox, arguments: &[&str], inherited: &[(&str, &str)]) -> Vec<String> {
    let arguments = [arguments, &["--", "env"]].concat();
    let run = run_command(&mut exec(sandbox, &arguments, inherited)).expect_code(0);
    let mut lines: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    lines.retain(|line| {
        line.starts_with("GH_") || line.starts_with("GITHUB_") || line.contains("ghu_")
    });
    lines.sort();
    lines
}

#[test]
fn p6_the_token_is_in_the_commands_environment_and_nowhere_else() {
    let (fake, sandbox, token) = signed_in();
    let host = fake.host();
    assert_eq!(
        variables(&sandbox, &[], &[]),
        [
            format!("GH_ENTERPRISE_TOKEN={token}"),
            format!("GH_HOST={host}"),
            format!("GITHUB_ENTERPRISE_TOKEN={token}"),
        ]
    );
    let seen = runs(
        &sandbox,
        &["--", "sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline"],
    )
    .expect_code(0);
    assert!(
        seen.stdout.starts_with("sh -c") && !seen.stdout.contains("ghu_"),
        "{seen:?}"
    );
    assert_eq!(files_with(sandbox.home(), &token), [sandbox.record_file()]);
    assert_eq!(fake.connections(), 0);
}

#[test]
fn named_variables_are_the_only_ones() {
    let (_fake, sandbox, token) = signed_in();
    assert_eq!(
        variables(&sandbox, &["-e", "MY_TOKEN", "-eOTHER"], &[]),
        [format!("MY_TOKEN={token}"), format!("OTHER={token}")]
    );
}

#[test]
fn p6_inherited_tokens_of_the_same_class_go_and_those_of_another_stay() {
    let (_fake, sandbox, token) = signed_in();
    let inherited = [
        ("GITHUB_ENTERPRISE_TOKEN", "old"),
        ("GH_ENTERPRISE_TOKEN", "old"),
        ("GH_TOKEN", "of-github.com"),
    ];
    assert_eq!(
        variables(&sandbox, &["-e", "X"], &inherited),
        ["GH_TOKEN=of-github.com".to_owned(), format!("X={token}")]
    );
    let kept = variables(&sandbox, &["-e", "X", "--keep-env"], &inherited);
    assert_eq!(kept.len(), 4, "{kept:?}");
    let quiet = run_command(&mut exec(&sandbox, &["-e", "X", "--", "true"], &inherited));
    assert_eq!(quiet.expect_code(0).stderr, "", "nobody reads it");
    let told = run_command(&mut exec(
        &sandbox,
        &["-v", "-e", "X", "--", "true"],
        &inherited,
    ));
    assert_eq!(
        told.expect_code(0).stderr.lines().last().expect("a note"),
        "ghtok: exec: replaced or removed for this command: GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN"
    );
}

#[test]
fn p6_an_inherited_host_that_would_get_the_token_is_removed_and_named() {
    let (fake, sandbox, _) = signed_in();
    let host = format!("GH_HOST={}", fake.host());
    let inherited = [("GITHUB_HOST", "https://evil.tld"), ("GH_HOST", "evil.tld")];
    for flags in [&["--keep-env"][..], &[]] {
        let seen = variables(&sandbox, flags, &inherited);
        assert!(
            seen.contains(&host) && !seen.iter().any(|line| line.contains("evil")),
            "{seen:?}"
        );
        assert!(variables(&sandbox, &[flags, &["-e", "X"]].concat(), &inherited).len() == 1);
    }
    let told = run_command(&mut exec(&sandbox, &["-v", "--", "true"], &inherited));
    assert!(
        told.stderr.ends_with(": GH_HOST, GITHUB_HOST\n"),
        "{told:?}"
    );
    // Without a terminal too: the command works on another host than it was told.
    let told = run_command(&mut exec(&sandbox, &["--", "true"], &inherited)).expect_code(0);
    assert_eq!(
        told.stderr,
        "ghtok: exec: replaced or removed for this command: GH_HOST, GITHUB_HOST\n"
    );
}

#[test]
fn p6_inherited_addresses_and_repositories_of_another_host_are_removed_and_named() {
    let (fake, sandbox, token) = signed_in();
    let host = fake.host();
    let port = host.split(':').nth(1).expect("a port");
    let other_port = format!("127.0.0.1:1{}", &port[1..]);
    let foreign = [
        ("GH_HOST", other_port.as_str()),
        ("GH_REPO", "github.com/octo/cat"),
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
    ];
    assert_eq!(
        variables(&sandbox, &["-e", "X"], &foreign),
        [format!("X={token}")]
    );
    let told = run_command(&mut exec(&sandbox, &["-e", "X", "--", "true"], &foreign));
    assert!(
        told.stderr.ends_with(
            ": GH_HOST, GH_REPO, GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_GRAPHQL_URL\n"
        ),
        "{told:?}"
    );
    let repository = format!("{host}/octo/cat");
    let api = format!("http://{host}/api/v3");
    let own = [
        ("GH_HOST", host.as_str()),
        ("GH_REPO", repository.as_str()),
        ("GITHUB_API_URL", api.as_str()),
    ];
    assert_eq!(variables(&sandbox, &["-e", "X"], &own).len(), 4);
    let quiet = run_command(&mut exec(&sandbox, &["-e", "X", "--", "true"], &own));
    assert_eq!(quiet.expect_code(0).stderr, "");
}

#[test]
fn p6_a_token_never_goes_where_tools_read_a_host() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, Duration::from_secs(3600));
    for name in ["GH_HOST", "GITHUB_HOST"] {
        let output = run(&sandbox, &["exec", "-e", name, "--", "env"]);
        assert_ne!(output.code, Some(0), "{output:?}");
        assert!(!output.stdout.contains(&pair.access_token));
    }
}

#[test]
fn p6_a_token_is_not_put_where_tools_of_another_host_look() {
    let (fake, sandbox, _) = signed_in();
    let refused = runs(&sandbox, &["-e", "GH_TOKEN", "--", "env"]).expect_code(125);
    assert_eq!(refused.stdout, "");
    assert_eq!(
        refused.stderr,
        format!(
            "ghtok: error: exec: GH_TOKEN is used for github.com and ghe.com; a {host} token must not go there\n\
             ghtok: hint: use a variable for {host} tokens, for example: -e GH_ENTERPRISE_TOKEN\n",
            host = fake.host()
        )
    );
}

#[test]
fn the_exit_code_is_the_commands_own_and_ours_are_apart() {
    let (fake, sandbox, token) = signed_in();
    for code in [0, 1, 2, 42, 255] {
        runs(&sandbox, &["--", "sh", "-c", &format!("exit {code}")]).expect_code(code);
    }
    let missing = runs(&sandbox, &["--", "no-such-command"]).expect_code(127);
    assert_eq!(
        missing.stderr,
        "ghtok: error: command not found: \"no-such-command\"\nghtok: hint: check its name and PATH\n"
    );
    let folder = sandbox.home().to_string_lossy().into_owned();
    let barred = runs(&sandbox, &["--", &folder]).expect_code(126);
    assert!(barred.stderr.contains(": cannot run \"") && !barred.stderr.contains(&token));
    for usage in [
        &["--nonsense", "--", "true"][..],
        &[],
        &["--"],
        &["--", ""],
        &["-e", "1X", "--", "true"],
    ] {
        let run = runs(&sandbox, usage);
        assert!(matches!(run.code, Some(125 | 127)), "{usage:?} {run:?}");
        assert!(!run.stderr.contains("ghu_"));
    }
    runs(&sandbox, &["--help"]).expect_code(0);
    let stranger = Sandbox::new(&fake);
    let out = runs(&stranger, &["--", "true"]).expect_code(125);
    assert!(
        out.stderr.contains("hint: sign in with:\n  ghtok login"),
        "{out:?}"
    );
}

#[test]
fn without_dashes_the_corrected_line_is_printed() {
    let (_fake, sandbox, _) = signed_in();
    sandbox.configure("[[app]]\nname = \"work\"\nclient_id = \"Iv1.x\"\n");
    for (given, corrected) in [
        (&["gh", "repo", "list"][..], "ghtok exec -- gh repo list"),
        (
            &["work", "gh", "--version"],
            "ghtok exec work -- gh --version",
        ),
        (&["work"], "ghtok exec -- work"),
        (
            &["--min-ttl", "1h", "-e", "X:work", "sh", "-c", "echo $X"],
            "ghtok exec --min-ttl 1h -e X:work -- sh -c 'echo $X'",
        ),
    ] {
        let run = runs(&sandbox, given).expect_code(125);
        assert_eq!(
            run.stderr,
            format!(
                "ghtok: error: exec: put -- before the command\nghtok: hint: run:\n  {corrected}\n"
            )
        );
    }
}

#[test]
fn the_command_is_the_same_process_with_the_same_signals() {
    let (_fake, sandbox, _) = signed_in();
    let child = exec(&sandbox, &["--", "sh", "-c", "echo $$"], &[])
        .spawn()
        .expect("it starts");
    let own = child.id().to_string();
    assert_eq!(ends(child, LIMIT).token(), own);
    for (name, number) in [("TERM", 15), ("INT", 2), ("PIPE", 13), ("KILL", 9)] {
        let child = exec(
            &sandbox,
            &["--", "sh", "-c", &format!("kill -{name} $$")],
            &[],
        )
        .spawn();
        let (signal, _) = ends_by_signal(child.expect("it starts"), LIMIT);
        assert_eq!(signal, Some(number), "{name}");
    }
}

#[test]
fn standard_input_is_the_commands() {
    let (_fake, sandbox, _) = signed_in();
    let run = feed(&mut exec(&sandbox, &["--", "cat"], &[]), b"through\n");
    assert_eq!(run.token(), "through");
    let mut closed = Command::new("sh");
    closed.args(["-c", "exec \"$@\" <&-", "sh"]);
    let inner = exec(&sandbox, &["--", "cat"], &[]);
    closed
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear();
    closed.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    closed.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = run_command(&mut closed);
    assert_eq!(run.stdout, "", "{run:?}");
}

#[test]
fn a_terminal_stays_one() {
    let (_fake, sandbox, _) = signed_in();
    if Command::new("script").arg("--version").output().is_err() {
        skip!("this machine has no script(1)");
        return;
    }
    let inner = exec(
        &sandbox,
        &[
            "--",
            "sh",
            "-c",
            "test -t 0 && test -t 1 && test -t 2 && echo all",
        ],
        &[],
    );
    let program = sandbox.home().join("ghtok");
    symlink(inner.get_program(), &program).expect("a link");
    let mut outer = Command::new("script");
    let line = format!(
        "{} exec -- sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all'",
        program.display()
    );
    outer
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env_clear();
    outer.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    outer
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = run_command(&mut outer);
    assert!(run.stdout.contains("all"), "{run:?}");
}

#[test]
fn after_a_refresh_the_command_has_no_child_that_it_did_not_start() {
    let (fake, sandbox, _) = signed_in();
    let old = sandbox.seed(&fake, Duration::from_secs(60)).access_token;
    // A shell would reap a stranger unseen.
    let run = runs(&sandbox, &["--", "cat", "/proc/thread-self/children"]).expect_code(0);
    assert_eq!(run.stdout, "", "{run:?}");
    assert!(!fake.is_alive(&old));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn each_variable_may_have_its_own_app() {
    let (fake, sandbox, token) = signed_in();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"own\"\nclient_id = \"{}\"\nhost = \"{}\"\n\
         [[app]]\nname = \"com\"\nclient_id = \"Iv1.x\"\n",
        fake_github::CLIENT_ID,
        fake.host()
    ));
    let mut command = exec(
        &sandbox,
        &["-e", "A:own", "-e", "B:own", "--", "sh", "-c", "echo $A $B"],
        &[],
    );
    as_configured(&mut command);
    assert_eq!(
        run_command(&mut command).token(),
        format!("{token} {token}")
    );
    let unknown = runs(&sandbox, &["-e", "A:nobody", "--", "true"]).expect_code(125);
    assert!(
        unknown.stderr.contains("no App named \"nobody\""),
        "{unknown:?}"
    );
}

#[test]
fn headers_are_an_object() {
    let (_fake, sandbox, token) = signed_in();
    let printed = run(&sandbox, &["headers"]);
    assert_eq!(
        printed.token(),
        format!("{{\"Authorization\":\"Bearer {token}\"}}")
    );
    let stranger = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    assert_eq!(run(&stranger, &["headers"]).expect_code(4).stdout, "");
}

#[test]
fn a_script_without_a_first_line_runs_as_shells_run_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_fake, sandbox, _) = signed_in();
    let script = sandbox.home().join("plain");
    fs::write(&script, "echo plain\n").expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("mode");
    let run = runs(&sandbox, &["--", &script.to_string_lossy()]);
    assert_eq!(run.token(), "plain");
}
