//! `--undo`, `--write` a second time, and the list of clients.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A client's command that does to its file what the real ones do (as JSON, whatever the client).
const CLIENT: &str = r#"#!/bin/sh
set -eu
echo "$*" >>"$HOME/calls"
case "$2" in
  add)
    while [ "$1" != -- ]; do shift; done; shift
    python3 - "$HOME/.claude.json" "$@" <<'PYTHON'
import json, sys
file, program, *arguments = sys.argv[1:]
try: servers = json.load(open(file))
except FileNotFoundError: servers = {"theirs": 1, "mcpServers": {}}
assert "github" not in servers["mcpServers"], "already exists"
servers["mcpServers"]["github"] = {"command": program, "args": arguments}
json.dump(servers, open(file, "w"))
PYTHON
    ;;
  remove)
    [ -z "${STUCK-}" ] || exit 0
    python3 - "$HOME/.claude.json" <<'PYTHON'
import json, sys
servers = json.load(open(sys.argv[1]))
del servers["mcpServers"]["github"]
json.dump(servers, open(sys.argv[1], "w"))
PYTHON
    ;;
esac
"#;

/// A sandbox with Claude's command, and its PATH.
fn with_claude() -> (Sandbox, String) {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).expect("a folder");
    fs::write(bin.join("claude"), CLIENT).expect("a client");
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).expect("mode");
    let path = format!("{}:{}", bin.display(), path());
    (sandbox, path)
}

fn calls(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.home().join("calls")).unwrap_or_default();
    let word = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    text.lines().filter_map(word).collect()
}

#[test]
fn a_second_write_changes_nothing_and_another_server_replaces_the_first() {
    let (sandbox, path) = with_claude();
    let file = sandbox.home().join(".claude.json");
    setup(&sandbox, &path, &["claude-code", "--write"]).expect_code(0);
    let first = fs::read(&file).expect("a file");
    let again = setup(&sandbox, &path, &["claude-code", "--write"]).expect_code(0);
    assert!(
        again.stderr.contains("has this server already"),
        "{again:?}"
    );
    assert_eq!(calls(&sandbox), ["add"]);
    assert_eq!(fs::read(&file).expect("a file"), first);
    let binary = ["claude-code", "--write", "--server", "binary"];
    setup(&sandbox, &path, &binary).expect_code(0);
    assert_eq!(calls(&sandbox), ["add", "remove", "add"]);
    let text = fs::read_to_string(&file).expect("a file");
    assert!(
        text.contains("github-mcp-server") && !text.contains("docker"),
        "{text}"
    );
    setup(&sandbox, &path, &["claude-code", "--undo"]).expect_code(0);
    let left = fs::read_to_string(&file).expect("a file");
    assert_eq!(left, "{\"theirs\": 1, \"mcpServers\": {}}");
    let nothing = setup(&sandbox, &path, &["claude-code", "--undo"]).expect_code(0);
    assert!(
        nothing.stderr.contains("has no server that ghtok runs"),
        "{nothing:?}"
    );
    assert_eq!(calls(&sandbox).len(), 4);
}

#[test]
fn a_server_of_somebody_else_is_neither_replaced_nor_removed() {
    let (sandbox, path) = with_claude();
    let file = sandbox.home().join(".claude.json");
    let theirs = r#"{"mcpServers": {"github": {"command": "docker", "args": ["run", "x"]}}}"#;
    fs::write(&file, theirs).expect("a file");
    let refused = setup(&sandbox, &path, &["claude-code", "--write"]).expect_code(2);
    assert!(
        refused
            .stderr
            .contains("has another server with the name \"github\""),
        "{refused:?}"
    );
    setup(&sandbox, &path, &["claude-code", "--undo"]).expect_code(0);
    assert_eq!(fs::read_to_string(&file).expect("a file"), theirs);
    assert!(calls(&sandbox).is_empty());
}

#[test]
fn a_client_that_keeps_the_server_is_not_believed() {
    let (sandbox, path) = with_claude();
    setup(&sandbox, &path, &["claude-code", "--write"]).expect_code(0);
    let mut undo = sandbox.command(Program::Real, ["setup", "mcp", "claude-code", "--undo"]);
    undo.env("PATH", &path).env("STUCK", "1");
    let refused = run_command(&mut undo).expect_code(1);
    assert!(
        refused.stderr.contains("\"claude\" left it there"),
        "{refused:?}"
    );
}

/// What `setup mcp` prints for a client stands in its file afterwards, beside something else.
#[test]
fn what_a_person_pasted_is_undone_in_every_clients_file() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    for (client, file, list) in [
        ("claude-code", ".claude.json", "mcpServers"),
        (
            "claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            "mcpServers",
        ),
        ("vscode", ".config/Code/User/mcp.json", "servers"),
        ("cursor", ".cursor/mcp.json", "mcpServers"),
        ("gemini", ".gemini/settings.json", "mcpServers"),
        ("zed", ".config/zed/settings.json", "context_servers"),
        (
            "windsurf",
            ".codeium/windsurf/mcp_config.json",
            "mcpServers",
        ),
        ("opencode", ".config/opencode/opencode.json", "mcp"),
    ] {
        let file = sandbox.home().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let entry = setup(&sandbox, "/usr/bin:/bin", &[client])
            .expect_code(0)
            .stdout;
        let open = format!("{{\n  \"{list}\": {{\n");
        let theirs = "    // theirs\n    \"theirs\": {\"command\": \"x\"},\n";
        let rest = entry.strip_prefix(&open).expect("the list");
        fs::write(&file, format!("{open}{theirs}{rest}")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("mode");
        setup(&sandbox, "/usr/bin:/bin", &[client, "--undo"]).expect_code(0);
        let left = fs::read_to_string(&file).expect("a file");
        assert!(left.contains(theirs.trim_end_matches(",\n")), "{left}");
        assert!(
            !left.contains("ghtok") && !left.contains("github"),
            "{left}"
        );
        let mode = fs::metadata(&file).expect("it").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}

#[test]
fn what_is_not_json_is_undone_too_and_left_where_it_is_written_in_another_way() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    for (client, file, theirs, odd) in [
        (
            "codex",
            ".codex/config.toml",
            "model = \"x\" # mine\n\n",
            "mcp_servers = { github = { command = \"ghtok\", args = [\"mcp\"] } }\n",
        ),
        (
            "goose",
            ".config/goose/config.yaml",
            "GOOSE_MODEL: x # mine\n",
            "extensions:\n  github: &a\n    cmd: ghtok\n    args: [\"mcp\"]\n  github:\n    cmd: x\n",
        ),
    ] {
        let file = sandbox.home().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let entry = setup(&sandbox, "/usr/bin:/bin", &[client])
            .expect_code(0)
            .stdout;
        fs::write(&file, format!("{theirs}{entry}")).expect("a file");
        setup(&sandbox, "/usr/bin:/bin", &[client, "--undo"]).expect_code(0);
        let left = fs::read_to_string(&file).expect("a file");
        let rest = left.strip_prefix(theirs).expect("theirs");
        assert!(["", "extensions: {}\n"].contains(&rest), "{left}");
        fs::write(&file, odd).expect("a file");
        let refused = setup(&sandbox, "/usr/bin:/bin", &[client, "--undo"]).expect_code(1);
        assert!(
            refused
                .stderr
                .contains("cannot remove the server \"github\" from")
                && refused.stderr.contains("remove that entry yourself"),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&file).expect("a file"), odd);
    }
}

#[test]
fn what_is_a_projects_is_named_and_left() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let project = sandbox.home().join(".mcp.json");
    let entry = setup(&sandbox, "/usr/bin:/bin", &["claude-code"])
        .expect_code(0)
        .stdout;
    fs::write(&project, &entry).expect("a file");
    let left = setup(&sandbox, "/usr/bin:/bin", &["claude-code", "--undo"]).expect_code(0);
    assert!(left.stderr.contains("a file of this project"), "{left:?}");
    assert_eq!(fs::read_to_string(&project).expect("a file"), entry);
}

#[test]
fn without_a_client_all_are_listed() {
    let (sandbox, path) = with_claude();
    let listed = setup(&sandbox, &path, &[]).expect_code(0).stdout;
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, CLIENTS);
    assert!(
        listed.contains("claude-code    --write  ~/.claude.json\n"),
        "{listed}"
    );
    setup(&sandbox, &path, &["claude-code", "--write"]).expect_code(0);
    let listed = setup(&sandbox, &path, &[]).expect_code(0).stdout;
    assert!(
        listed.contains("~/.claude.json  (runs ghtok)\n"),
        "{listed}"
    );
    for flag in ["--undo", "--write"] {
        setup(&sandbox, &path, &[flag]).expect_code(2);
    }
}
