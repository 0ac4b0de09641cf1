//! What a new user does first: registers an App and signs in, has git ask ghtok, and gives an agent a server that needs no
//! token in a file.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;

use fake_github::{FakeGitHub, Installation, Installed};
use serde_json::{Value, json};

use super::PATIENCE;
use super::registration_form::Form;
use super::stage::{Outcome, Stage, ensure, say, tell};

/// From no App to a token. The tour has no terminal, where `app new` asks and opens the form by itself; here
/// its two halves run, and the tour is the person at the browser in between.
pub fn register(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("1. From nothing to a token: ghtok app new");
    let printed = stage.run(stage.ghtok(), &["app", "new", "tour", "--print"])?;
    let address = stage.shown(&printed.stdout).trim().to_owned();
    let form = Form::open(&address);
    ensure(
        form.is_checked("device_flow") && form.value("contents") == "write" && !form.is_public(),
        "the form is filled in",
    )?;
    let permissions = ["contents", "issues", "pull_requests", "workflows"];
    tell(&format!(
        "It opens GitHub's form, {}, filled in: the name \"{}\", the device flow, and the permissions of a \
         contributor ({} …). The person presses \"Create GitHub App\" and copies the client ID.",
        form.path,
        form.value("name"),
        permissions
            .map(|name| format!("{name}: {}", form.value(name)))
            .join(", "),
    ));
    let client_id = form.submit();
    let login = stage.start(&["app", "new", "tour", "--client-id", &client_id])?;
    let code = fake.wait_for_code(PATIENCE)?;
    // The person opens the page, types the code and presses "Approve".
    fake.approve(&code);
    let end = login.wait_with_output()?;
    tell(&format!("\n{}", stage.shown(&end.stderr)));
    ensure(end.status.success(), "the sign-in succeeds")?;
    fake.install(
        &client_id,
        &Installation::On(vec![Installed::on("octocat")]),
    );
    let refresh = stage.run(stage.ghtok(), &["refresh", "--force"])?;
    ensure(refresh.status.success(), &stage.shown(&refresh.stderr))?;
    tell(
        "\nThe person installed it on their repositories, and ghtok refresh --force fetched a token that \
         reaches them. No client secret, no token typed or pasted. At a terminal app new asks before it stores \
         anything: \"You are signed in as octocat, right?\"",
    );
    Ok(())
}

/// The first push.
pub fn git(stage: &Stage, fake: &FakeGitHub, repositories: &Path) -> Outcome {
    say("2. git: ghtok setup git, then a push");
    let bare = repositories.join("octocat/hello.git");
    fs::create_dir_all(&bare)?;
    let bare = bare.display().to_string();
    let git = |arguments: &[&str]| -> Outcome {
        let end = stage.run("git", arguments)?;
        let said = stage.shown(&end.stderr);
        ensure(end.status.success(), &format!("git {arguments:?}: {said}"))
    };
    if stage.run("git", &["--version"]).is_err() {
        tell("(Left out: this machine has no git.)");
        return Ok(());
    }
    git(&["init", "--quiet", "--bare", &bare])?;
    git(&["-C", &bare, "config", "http.receivepack", "true"])?;
    for (key, value) in [
        ("user.name", "octocat"),
        ("user.email", "octocat@example.com"),
    ] {
        git(&["config", "--global", key, value])?;
    }
    let set_up = stage.run(stage.ghtok(), &["setup", "git", "--yes"])?;
    ensure(set_up.status.success(), &stage.shown(&set_up.stderr))?;
    let url = format!("{}/octocat/hello.git", fake.base_url());
    git(&["clone", "--quiet", &url, "hello"])?;
    git(&[
        "-C",
        "hello",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "Hello",
    ])?;
    git(&["-C", "hello", "push", "--quiet", "origin", "HEAD:main"])?;
    let status = stage.run(stage.ghtok(), &["setup", "status"])?;
    tell(&stage.shown(&status.stdout));
    tell("\nCloned, committed and pushed over https, and nobody was asked for a password.");
    Ok(())
}

/// A tool call of a client that knows no token.
pub fn mcp(stage: &Stage) -> Outcome {
    say("3. An MCP server without a token in a file: ghtok mcp -- SERVER");
    let server = std::env::current_exe()?.display().to_string();
    let command = ["mcp", "--", server.as_str(), "mcp-server"];
    let mut client = stage.command(stage.ghtok(), &command);
    let mut child = client.stdin(std::process::Stdio::piped()).spawn()?;
    let calls = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "tour", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_me"}}),
    ];
    let mut input = child.stdin.take().ok_or("a pipe")?;
    let output = io::BufReader::new(child.stdout.take().ok_or("a pipe")?);
    let mut lines = output.lines();
    let mut answer = Value::Null;
    for call in &calls {
        writeln!(input, "{call}")?;
        input.flush()?;
        if call.get("id").is_some() {
            let line = lines.next().ok_or("the server answers")??;
            answer = serde_json::from_str(&line)?;
        }
    }
    drop(input);
    child.wait()?;
    let text = answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_default();
    ensure(text.contains("has a token"), &answer.to_string())?;
    tell(&format!("client   tools/call get_me\nserver   {text}"));
    tell(
        "\nThe client's file names ghtok and the server, and no token. ghtok setup mcp prints the \
         entry for twelve clients.",
    );
    Ok(())
}

/// A server of one tool, which says whether it was given a token.
pub fn serve() -> Outcome {
    let has_token =
        std::env::var("GITHUB_PERSONAL_ACCESS_TOKEN").is_ok_and(|token| token.starts_with("ghu_"));
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let Some(id) = request.get("id") else {
            continue;
        };
        let said = if has_token {
            "this server has a token"
        } else {
            "no token"
        };
        let result = match request["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}}, "serverInfo": {"name": "tour", "version": "1"}}),
            _ => json!({"content": [{"type": "text", "text": said}]}),
        };
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{}",
            json!({"jsonrpc": "2.0", "id": id, "result": result})
        )?;
        out.flush()?;
    }
    Ok(())
}
