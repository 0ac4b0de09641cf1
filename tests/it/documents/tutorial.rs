//! `docs/tutorial.md` as a new user follows it, from no App to the first push and the first MCP call.

use std::fs;
use std::path::Path;
use std::thread;

use fake_github::{FakeGitHub, Installation};
use tempfile::TempDir;

use super::session::Session;
use super::{commands, document};
use crate::support::git::add_repository;
use crate::support::processes::eventually;
use crate::support::signing_in::hurried_fake;

/// Claude Code, as far as the tutorial needs it: adds a server, removes it, and has it call one tool.
const CLAUDE: &str = r#"exec python3 - "$HOME/.claude.json" "$@" <<'PYTHON'
import json, subprocess, sys
file, verb, *rest = sys.argv[1:]
def write(servers): json.dump({"mcpServers": servers}, open(file, "w"))
if verb == "mcp" and rest[0] == "add":
    program, *arguments = rest[rest.index("--") + 1:]
    write({"github": {"command": program, "args": arguments}})
elif verb == "mcp":
    write({})
else:
    server = json.load(open(file))["mcpServers"]["github"]
    child = subprocess.Popen([server["command"], *server["args"]], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    def call(id, method, params):
        request = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        print(json.dumps(request), file=child.stdin, flush=True)
        return json.loads(child.stdout.readline())["result"]
    call(1, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "claude", "version": "1"}})
    print(call(2, "tools/call", {"name": "get_me"})["content"][0]["text"])
    child.stdin.close(); child.wait()
PYTHON"#;

/// GitHub's server, with one tool that asks GitHub.
const SERVER: &str = r#"exec python3 -c '
import json, os, sys, urllib.request
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request: continue
    if request["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "github", "version": "1"}}
    else:
        token = os.environ["GITHUB_PERSONAL_ACCESS_TOKEN"]
        asked = urllib.request.Request(os.environ["GITHUB_HOST"] + "/api/v3/user",
            headers={"Authorization": "Bearer " + token})
        login = json.load(urllib.request.urlopen(asked))["login"]
        result = {"content": [{"type": "text", "text": "You are " + login}]}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
'"#;

/// The person follows the link that installs the App.
fn install_app(fake: &FakeGitHub, home: &Path) {
    eventually("a registered App", || {
        home.join(".asked").exists().then_some(())
    });
    let config = fs::read_to_string(home.join(".config/ghtok/config.toml")).expect("a file");
    let (_, rest) = config.split_once("client_id = \"").expect("an App");
    let client_id = rest.split('"').next().expect("its ID");
    fake.install(client_id, &Installation::OnTheUser);
    fs::write(home.join(".installed"), "").expect("a file");
}

#[test]
fn every_command_of_the_tutorial_works_from_no_app_to_the_first_mcp_call() {
    let root = TempDir::new().expect("a folder");
    add_repository(root.path(), "octocat/hello");
    let fake = hurried_fake()
        .git_root(root.path())
        .start()
        .expect("a fake");
    let session = Session::new(&fake);
    session.stand_in("gh", "test -n \"$GH_ENTERPRISE_TOKEN\"; echo gh: $*");
    session.stand_in("claude", CLAUDE);
    session.stand_in("github-mcp-server", SERVER);
    let mut lines = vec![
        "git config --global user.name me; git config --global user.email me@example.com".into(),
        "cp ~/.gitconfig ~/before".to_owned(),
    ];
    let host = format!("{}/", fake.base_url());
    let mut installed = 0;
    for line in commands(&document("docs/tutorial.md")) {
        if line == "cargo install --locked --path ." {
            session.install();
            installed += 1;
        } else {
            lines.push(line.replace("https://github.com/", &host));
        }
        if line == "ghtok app new" {
            lines.push("touch ~/.asked; until test -e ~/.installed; do sleep 0.1; done".into());
        }
    }
    assert_eq!(installed, 1);
    lines.push("cmp ~/before ~/.gitconfig; ! grep -q ghtok ~/.claude.json".into());
    let run = thread::scope(|scope| {
        scope.spawn(|| install_app(&fake, &session.home()));
        session.types(&lines)
    });
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    for (said, why) in [
        ("Signed in to ", "app new"),
        ("done; undo with:", "setup git"),
        ("main -> main", "git push"),
        ("gh: repo list", "exec"),
        ("You are octocat", "the MCP call"),
        ("claude-code: \"github\" in ~/.claude.json", "setup status"),
        ("revoked the tokens", "logout --revoke"),
    ] {
        assert!(run.stdout.contains(said), "{why}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("ghu_"), "{}", run.stdout);
    let log = std::process::Command::new("git")
        .args(["log", "--format=%s", "main"])
        .current_dir(root.path().join("octocat/hello.git"))
        .output()
        .expect("git runs");
    assert_eq!(String::from_utf8_lossy(&log.stdout), "Say hello\nfirst\n");
    let client = fs::read_to_string(session.home().join(".claude.json")).expect("a file");
    assert_eq!(client, "{\"mcpServers\": {}}");
}
