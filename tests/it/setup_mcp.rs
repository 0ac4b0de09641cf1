//! `setup mcp`: what is printed for each client, and what the clients that are installed here make of it.

mod undo;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fake_github::{Endpoint, FakeGitHub};
use serde_json::Value;

use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

const CLIENTS: [&str; 12] = [
    "claude-code",
    "claude-desktop",
    "vscode",
    "cursor",
    "codex",
    "gemini",
    "zed",
    "goose",
    "windsurf",
    "cline",
    "opencode",
    "jetbrains",
];

/// The folders of programs: this machine's, and this project's own from npm.
fn path() -> String {
    let own = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/consumers/node_modules/.bin"
    );
    format!("{}:{own}", std::env::var("PATH").expect("a path"))
}

fn is_installed(program: &str) -> bool {
    let there = path()
        .split(':')
        .any(|folder| Path::new(folder).join(program).exists());
    if !there {
        println!("not run: this machine has no {program}");
    }
    there
}

fn setup(sandbox: &Sandbox, path: &str, arguments: &[&str]) -> Run {
    let arguments = ["setup", "mcp"].iter().chain(arguments);
    let mut command = sandbox.command(Program::Real, arguments);
    command
        .env("PATH", path)
        .current_dir(sandbox.home())
        .stdin(Stdio::null());
    run_command(&mut command)
}

/// P5: nothing is asked of GitHub, and no file is made.
#[test]
fn every_client_has_an_entry_that_names_ghtok_and_the_server() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let ghtok = path_of(Program::Real).display().to_string();
    for client in CLIENTS {
        for (server, words) in [
            ("docker", "ghcr.io/github/github-mcp-server"),
            ("binary", "github-mcp-server"),
        ] {
            let run = setup(&sandbox, "/usr/bin:/bin", &[client, "--server", server]);
            let run = run.expect_code(0);
            for expected in [&ghtok, "\"mcp\"", "\"--\"", words] {
                assert!(run.stdout.contains(expected), "{run:?}");
            }
            // A GHES host: the container needs to be told which.
            assert_eq!(run.stdout.contains("\"GITHUB_HOST\""), server == "docker");
        }
    }
    assert_eq!(fs::read_dir(sandbox.home()).expect("a home").count(), 0);
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
}

#[test]
fn every_client_reaches_a_remote_server_through_ghtok() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let at = |host: &'static str, client: &'static str| {
        let arguments = [client, "--server", "remote", "--host", host];
        setup(&sandbox, "/usr/bin:/bin", &arguments)
    };
    for (host, url) in [
        ("github.com", "\"https://api.githubcopilot.com/mcp/\""),
        ("octo.ghe.com", "\"https://copilot-api.octo.ghe.com/mcp\""),
    ] {
        for client in CLIENTS {
            let run = at(host, client).expect_code(0);
            for expected in ["\"mcp\"", "\"--url\"", url] {
                assert!(run.stdout.contains(expected), "{run:?}");
            }
            assert!(!run.stdout.contains("headersHelper"), "{run:?}");
        }
    }
    let run = at("ghes.example", "claude-code").expect_code(2);
    assert!(
        run.stderr.contains("no remote MCP server for ghes.example"),
        "{run:?}"
    );
}

#[test]
fn a_token_in_a_clients_file_is_named_and_not_shown() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let token = "ghp_0123456789abcdefABCDEF0123456789abcd";
    let lines =
        format!("{{\"mcpServers\": {{\"github\": {{\n\"env\": {{\"X\": \"{token}\"}}}}}}}}\n");
    for file in [".cursor/mcp.json", ".claude.json", ".mcp.json"] {
        let file = sandbox.home().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, &lines).expect("a file");
    }
    for (client, places) in [
        ("cursor", &[".cursor/mcp.json:2"][..]),
        ("claude-code", &[".claude.json:2", ".mcp.json:2"]),
        ("zed", &[]),
    ] {
        let run = setup(&sandbox, "/usr/bin:/bin", &[client]).expect_code(0);
        assert_eq!(
            run.stderr.matches("in plain text").count() >= 1,
            !places.is_empty()
        );
        for place in places {
            let line = run.stderr.lines().find(|line| line.contains(place));
            let line = line.expect(place);
            assert!(line.contains("a personal access token"), "{line}");
        }
        assert!(!format!("{run:?}").contains(token), "{run:?}");
    }
}

#[test]
fn what_no_client_can_write_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let run = setup(&sandbox, "/usr/bin:/bin", &["cursor", "--write"]).expect_code(2);
    assert!(run.stderr.contains("setup mcp cursor\n"), "{run:?}");
    let run = setup(&sandbox, "/nowhere", &["codex", "--write"]).expect_code(2);
    assert!(
        run.stderr.contains("cannot find \"codex\" in the PATH"),
        "{run:?}"
    );
}

/// The words of the entry that a client wrote, and where.
fn written(client: &str, home: &Path) -> Vec<String> {
    let (file, list): (PathBuf, &[&str]) = match client {
        "claude-code" => (home.join(".claude.json"), &["mcpServers", "github"]),
        "gemini" => (
            home.join(".gemini/settings.json"),
            &["mcpServers", "github"],
        ),
        "opencode" => (
            home.join(".config/opencode/opencode.jsonc"),
            &["mcp", "github"],
        ),
        _ => {
            let text = fs::read_to_string(home.join(".codex/config.toml")).expect("a file");
            let line = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                serde_json::from_str::<Value>(line.expect(name)).expect("a value")
            };
            return words(&[&line("command = "), &line("args = ")]);
        }
    };
    let text = fs::read_to_string(&file).expect("the client's file");
    let mut entry: &Value = &serde_json::from_str(&text).expect("JSON");
    for name in list {
        entry = &entry[name];
    }
    words(&[&entry["command"], &entry["args"]])
}

fn words(values: &[&Value]) -> Vec<String> {
    let mut words = Vec::new();
    for value in values {
        match value {
            Value::Array(list) => {
                words.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Value::String(text) => words.push(text.clone()),
            _ => {}
        }
    }
    words
}

#[test]
#[ignore = "needs claude, codex, gemini or opencode"]
fn the_clients_own_commands_write_just_that() {
    for (client, program) in [
        ("claude-code", "claude"),
        ("codex", "codex"),
        ("gemini", "gemini"),
        ("opencode", "opencode"),
    ] {
        if !is_installed(program) {
            continue;
        }
        let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
        let run = setup(&sandbox, &path(), &[client, "--write"]).expect_code(0);
        assert!(run.stdout.is_empty(), "{run:?}");
        let app = sandbox.app();
        let mut expected = vec![
            path_of(Program::Real).display().to_string(),
            "mcp".to_owned(),
            format!("--client-id={}", app.client_id),
            format!("--host={}", app.host.web_url()),
            "--store=file".to_owned(),
        ];
        let server = "-- docker run -i --rm -e GITHUB_PERSONAL_ACCESS_TOKEN -e GITHUB_HOST ghcr.io/github/github-mcp-server";
        expected.extend(server.split(' ').map(str::to_owned));
        assert_eq!(written(client, sandbox.home()), expected, "{run:?}");
    }
}

#[test]
fn a_client_that_refuses_is_an_error_with_a_way_out() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let folder = tempfile::tempdir().expect("a folder");
    let codex = folder.path().join("codex");
    fs::write(&codex, "#!/bin/sh\necho no room here; exit 3\n").expect("a client");
    fs::set_permissions(&codex, fs::Permissions::from_mode(0o755)).expect("mode");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let run = setup(&sandbox, &path, &["codex", "--write"]).expect_code(1);
    assert!(
        run.stdout.is_empty() && run.stderr.contains("no room here"),
        "{run:?}"
    );
    assert!(run.stderr.contains("ghtok setup mcp codex"), "{run:?}");
}
