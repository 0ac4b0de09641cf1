//! GitHub's own command and mise, as they are installed here.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub, TlsIdentity};

use super::{HOUR, in_shell};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

/// Where a program is: in the PATH, or in this project's folder of npm packages.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").expect("a path");
    let npm = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/node_modules");
    let own = PathBuf::from(npm).join(format!("@jdxcode/mise-linux-x64/bin/{program}"));
    path.split(':')
        .map(|folder| PathBuf::from(folder).join(program))
        .chain([own])
        .find(|file| file.is_file())
        .or_else(|| {
            skip!("this machine has no {program}");
            None
        })
}

/// P6: `gh` takes host and token from the variables, over https, and reaches the API.
#[test]
fn gh_api_takes_the_variables() {
    if installed("gh").is_none() {
        return;
    }
    let fake = FakeGitHub::builder()
        .tls(TlsIdentity::Valid)
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let ca = sandbox.home().join("ca.pem");
    fs::write(&ca, fake.ca_pem().expect("a certificate")).expect("a file");
    let trusting = format!("export SSL_CERT_FILE={}", ca.display());
    for line in [
        "eval \"$(ghtok get --format env)\"; gh api user --jq .login",
        "ghtok exec -- gh api user --jq .login",
    ] {
        let run = in_shell("sh", &format!("{trusting}; {line}"), &sandbox).expect("a shell");
        assert_eq!(
            (run.code, run.stdout.trim()),
            (Some(0), "octocat"),
            "{run:?}"
        );
        assert!(!run.stderr.contains(&token), "{run:?}");
    }
    assert_eq!(fake.count(Endpoint::User), 2);
}

/// mise with a configuration and a home of its own.
fn mise(sandbox: &Sandbox, credential_command: &str, arguments: &[&str]) -> Option<Run> {
    let program = installed("mise")?;
    let ghtok = sandbox.command(Program::Real, [""; 0]);
    let folder = path_of(Program::Real).parent()?.to_owned();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(
            ghtok
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("MISE_GITHUB_CREDENTIAL_COMMAND", credential_command)
        .env("MISE_HTTP_RETRIES", "0")
        .current_dir(sandbox.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(run_command(&mut command))
}

/// P6: as the recipe has it, mise is given the token of the host that it names, and none for another.
#[test]
fn mise_is_given_the_token_of_the_host_that_it_names() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let recipe = "env -u GHTOK_HOST ghtok get --host \"$MISE_CREDENTIAL_HOST\"";
    let host = fake.host();
    let Some(run) = mise(&sandbox, recipe, &["token", "github", "--raw", &host]) else {
        return;
    };
    assert_eq!(run.token(), token, "{run:?}");
    for foreign in ["github.com", "ghes.example", "evil.tld"] {
        let run = mise(&sandbox, recipe, &["token", "github", "--raw", foreign]).expect("mise");
        assert!(!format!("{run:?}").contains(&token), "{run:?}");
    }
}

/// What mise asks the API with, when it looks for releases.
#[test]
fn mise_sends_the_token_with_its_requests() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let api = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = api.local_addr().expect("an address").port();
    if installed("mise").is_none() {
        return;
    }
    let asked = std::thread::spawn(move || first_request(&api));
    let tool = format!("github:octocat/tool[api_url=http://127.0.0.1:{port}/api/v3]");
    let run = mise(&sandbox, "ghtok get", &["ls-remote", &tool]).expect("mise");
    let asked = asked.join().expect("a request").to_lowercase();
    assert!(
        asked.contains(&format!(
            "authorization: bearer {}\r\n",
            token.to_lowercase()
        )),
        "{run:?}"
    );
    assert!(!run.stderr.contains(&token), "{run:?}");
}

fn first_request(api: &TcpListener) -> String {
    use std::io::{Read, Write};
    let (mut socket, _) = api.accept().expect("a client");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a limit");
    let mut head = Vec::new();
    let mut some = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match socket.read(&mut some) {
            Ok(read @ 1..) => head.extend_from_slice(&some[..read]),
            Ok(0) | Err(_) => break,
        }
    }
    let _ = socket.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
    );
    String::from_utf8_lossy(&head).into_owned()
}
