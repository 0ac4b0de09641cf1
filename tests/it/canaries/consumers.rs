//! The commands that hand a token on, into the same troubles: the program that is started has the
//! token in its environment, git and header helpers on standard output, and nobody else has it.

use std::collections::HashSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_github::{Cut, Endpoint, Failure, FakeGitHub, Fault};

use super::{Scene, without_the_token};
use crate::support::deadline::{LIMIT, ends};
use crate::support::processes::{eventually, proc_of};
use crate::support::sandbox::{ANSWER, Program, Run};

const DUE: Duration = Duration::from_secs(60);
const OVER: Duration = Duration::ZERO;

/// A command, what it is sent, and how much life the token has when it comes.
type Consumer = (&'static [&'static str], &'static str, Duration);

const DESCRIPTION: &str = "protocol=http\nhost=HOST\n\n";
const CALL: &str =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\"}}\n";

const CONSUMERS: [Consumer; 8] = [
    (&["headers"], "", DUE),
    (&["headers"], "", OVER),
    (&["get", "--format", "env"], "", OVER),
    (&["exec", "--", "true"], "", DUE),
    (&["exec", "-e", "MINE", "--", "true"], "", OVER),
    (&["git-credential", "get"], DESCRIPTION, OVER),
    (&["mcp", "--", "sed", "-u", ANSWER], CALL, DUE),
    (
        &["mcp", "--no-prompt", "--", "sed", "-u", ANSWER],
        CALL,
        OVER,
    ),
];

fn faults() -> Vec<Option<Fault>> {
    let mut faults = vec![None];
    faults.extend(
        [
            Failure::Status(502),
            Failure::Html,
            Failure::Reset,
            Failure::OAuthError("bad_refresh_token".into()),
            Failure::OAuthError("brand_new_error".into()),
        ]
        .map(|failure| Some(Fault::before(failure))),
    );
    faults.extend([Failure::Cut(Cut::Half), Failure::FormBody].map(|f| Some(Fault::after(f))));
    faults
}

/// Runs it as talkative as it can be, with this on its standard input.
fn run(scene: &mut Scene, arguments: &[&str], input: &str) -> Run {
    let file = scene.sandbox.home().join("input");
    fs::write(&file, input.replace("HOST", &scene.fake.host())).expect("an input");
    let mut command = talkative(scene, arguments);
    command.stdin(fs::File::open(file).expect("an input"));
    let run = ends(command.spawn().expect("ghtok starts"), LIMIT);
    scene.learn();
    run
}

fn talkative(scene: &Scene, arguments: &[&str]) -> Command {
    let mut command = scene.sandbox.command(Program::Real, arguments);
    command
        .env("GHTOK_LOG", "debug")
        .env("RUST_BACKTRACE", "full")
        .env("PATH", "/usr/bin:/bin");
    command
}

/// 8 commands × 8 faults, each followed by a `status`.
#[test]
fn no_fault_makes_a_command_leak_that_hands_a_token_on() {
    let mut seen = HashSet::new();
    for fault in faults() {
        for (arguments, input, left) in CONSUMERS {
            let mut scene = Scene::seeded(left);
            if let Some(fault) = fault.clone() {
                scene.fake.fail_next(Endpoint::Refresh, fault);
            }
            let mut told = run(&mut scene, arguments, input);
            let hands_on = if arguments.contains(&"env") { 2 } else { 1 };
            if told.code == Some(0) && !told.stdout.is_empty() && arguments[0] != "mcp" {
                for _ in 0..hands_on {
                    told = without_the_token(told, &scene);
                }
            }
            let status = run(&mut scene, &["-vv", "status"], "");
            let what = format!("{arguments:?} with {left:?} left and {fault:?}");
            scene.assert_tight(&what, &[&told, &status]);
            seen.insert(what);
        }
    }
    println!("{} combinations", seen.len());
    assert!(seen.len() >= 60, "{}", seen.len());
}

/// Nobody has the token in arguments or environment but the program that it is for.
#[test]
fn only_the_program_that_was_started_has_the_token() {
    for arguments in [
        &["exec", "--", "sh", "-c", "echo; read -r line"][..],
        &["mcp", "--", "sh", "-c", "echo '{}'; read -r line"],
    ] {
        let scene = Scene::seeded(Duration::from_secs(7200));
        let mut command = talkative(&scene, arguments);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("ghtok starts");
        let families = eventually("the program", || {
            let family = family(child.id());
            family.iter().any(|pid| is_a_shell(*pid)).then_some(family)
        });
        let finder = scene.secrets.finder();
        let mut has_it = 0;
        for pid in families {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let hits = finder.find("environment", &environment);
            assert!(
                hits.is_empty() || is_a_shell(pid),
                "{arguments:?}: {hits:?}"
            );
            has_it += usize::from(!hits.is_empty());
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            assert_eq!(finder.find("arguments", &words), Vec::<String>::new());
        }
        assert_eq!(has_it, 1, "{arguments:?}");
        end(&mut child);
    }
}

fn end(child: &mut Child) {
    drop(child.stdin.take());
    eventually("its end", || child.try_wait().expect("our child"));
}

/// A process and all that descend from it.
fn family(pid: u32) -> Vec<u32> {
    // Each thread has children of its own.
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let children: Vec<String> = threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .collect();
    let mut all = vec![pid];
    for child in children.iter().flat_map(|text| text.split_whitespace()) {
        all.extend(family(child.parse().expect("a number")));
    }
    all
}

fn is_a_shell(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let words = pid.map(|pid| fs::read(proc_of(pid).join("cmdline")).unwrap_or_default());
    words.is_some_and(|words| words.starts_with(b"sh\0"))
}

/// `setup mcp` tells of tokens that it finds in a client's file, and repeats none; what else it, git's
/// setup and git's `erase` say has none either.
#[test]
fn what_is_set_up_repeats_no_token_that_it_finds() {
    let classic = format!("ghp_{}", "Q7w".repeat(12));
    let fine = format!("github_pat_{}_{}", "1A".repeat(11), "zX9".repeat(19));
    let mut scene = Scene::start(FakeGitHub::start().expect("a fake"));
    let pair = scene.sandbox.seed(&scene.fake, Duration::from_secs(7200));
    for secret in [&classic, &fine, &pair.access_token] {
        scene.secrets.add(secret.as_str());
    }
    let home = scene.sandbox.home().to_owned();
    fs::create_dir_all(home.join(".cursor")).expect("a folder");
    for file in [".claude.json", ".cursor/mcp.json"] {
        let text = format!(
            "{{\"mcpServers\":{{\"github\":{{\"command\":\"docker\",\"args\":[\"--token\",\"{fine}\"],\n\
             \"env\":{{\"GITHUB_PERSONAL_ACCESS_TOKEN\":\"{classic}\",\"X\":\"{}\"}}}}}}}}\n",
            pair.access_token
        );
        fs::write(home.join(file), text).expect("a file");
    }
    let credentials = format!("http://octo:{classic}@{}\n", scene.fake.host());
    fs::write(home.join(".git-credentials"), credentials).expect("a file");
    let mut runs = Vec::new();
    for client in ["claude-code", "cursor", "vscode", "codex", "zed", "gemini"] {
        runs.push(run(&mut scene, &["setup", "mcp", client], ""));
    }
    let found = runs
        .iter()
        .filter(|run| run.stderr.contains("personal access token"));
    assert!(found.count() >= 2, "the tokens were found: {runs:?}");
    runs.push(run(&mut scene, &["setup", "git", "--print"], ""));
    let refused =
        format!("{DESCRIPTION}password={}\n\n", pair.access_token).replace("\n\np", "\np");
    runs.push(run(&mut scene, &["git-credential", "erase"], &refused));
    runs.push(run(&mut scene, &["git-credential", "store"], &refused));
    let all: Vec<&Run> = runs.iter().collect();
    scene.assert_tight("setup", &all);
}
