//! Servers and proxies that repeat what they were sent, wherever an answer has room for text.

use std::fs;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::app::App;
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;

use super::Scene;
use crate::support::canned::{Asked, Canned};
use crate::support::deadline::run_command;
use crate::support::sandbox::{ANSWER, Program, Run, record_of};

/// A name that only a proxy could reach (RFC 6761 section 6.4).
const BEHIND: &str = "behind.invalid";

/// A password with characters that an address must escape.
const PASSWORD: &str = "hunter2/canary:7f3a";
const ESCAPED: &str = "hunter2%2Fcanary%3A7f3a";

/// A sign-in at another host than the fake's, which made the tokens.
fn scene_at(host: &str) -> Scene {
    let mut scene = Scene::start(FakeGitHub::start().expect("a fake"));
    let pair = scene.fake.mint(CLIENT_ID);
    scene.secrets.add(pair.access_token.clone());
    scene.secrets.add(pair.refresh_token.clone().expect("one"));
    let app = App {
        host: Host::parse(host).expect("a host"),
        ..scene.sandbox.app()
    };
    FileSlot::new(&scene.sandbox.state_folder(), &app.key())
        .write(&encode(&record_of(&pair, Duration::ZERO)))
        .expect("a record");
    scene
}

fn run(scene: &mut Scene, host: &str, arguments: &[&str], more: &[(&str, &str)]) -> Run {
    let input = scene.sandbox.home().join("input");
    let text = match arguments[0] {
        "git-credential" if host == BEHIND => format!("protocol=https\nhost={host}\n\n"),
        "git-credential" => format!("protocol=http\nhost={host}\n\n"),
        "mcp" => "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}}\n".into(),
        _ => String::new(),
    };
    fs::write(&input, text).expect("an input");
    let mut command = scene.sandbox.command(Program::Real, arguments);
    command
        .env("GHTOK_HOST", host)
        .env("GHTOK_LOG", "debug")
        .env("RUST_BACKTRACE", "full")
        .env("PATH", "/usr/bin:/bin")
        .envs(more.iter().copied())
        .stdin(fs::File::open(input).expect("an input"));
    let run = run_command(&mut command);
    scene.learn();
    run
}

const COMMANDS: [&[&str]; 9] = [
    &["get"],
    &["get", "--format", "json"],
    &["refresh", "--force"],
    &["refresh", "--all", "--json"],
    &["exec", "--", "true"],
    &["headers"],
    &["git-credential", "get"],
    &["mcp", "--no-prompt", "--", "sed", "-u", ANSWER],
    &["logout", "--revoke"],
];

/// Every secret of a request: its last parameter, and its bearer.
fn secrets_of(asked: &Asked) -> String {
    let header = |name: &str| {
        let found = asked.head.lines().find_map(|line| line.split_once(name));
        found.map_or(String::new(), |(_, value)| value.to_owned())
    };
    let parameter = asked.body.rsplit('=').next().unwrap_or_default();
    format!("{}{parameter}", header("Bearer ")).replace(['"', '{', '}', '\r', '\n'], "")
}

/// An answer with a secret in its reason, its headers, its address to go on to, and its body.
fn mirror(status: u16, kind: &'static str) -> Canned {
    Canned::raw(move |asked| {
        let said = secrets_of(asked);
        let body = match kind {
            "application/json" => serde_json::json!({
                "error": "server_error", "error_description": format!("no {said}"),
                "error_uri": format!("https://{said}.example/"), "message": said,
            })
            .to_string(),
            _ => format!(
                "<html><title>{said}</title><body>{}</body></html>",
                asked.body
            ),
        };
        format!(
            "HTTP/1.1 {status} No {said}\r\nContent-Type: {kind}\r\nX-Echo: {said}\r\n\
             Location: https://user:{said}@{said}.example/{said}?t={said}\r\nRetry-After: {said}\r\n\
             Set-Cookie: t={said}\r\nX-RateLimit-Remaining: {said}\r\nDate: {said}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .into()
    })
}

/// 7 answers in 2 kinds × 9 commands.
#[test]
fn a_server_that_echoes_tokens_in_every_part_of_its_answer_makes_nobody_repeat_them() {
    let mut count = 0;
    for status in [200, 302, 400, 401, 403, 429, 503] {
        for kind in ["application/json", "text/html"] {
            for arguments in COMMANDS {
                let server = mirror(status, kind);
                let mut scene = scene_at(&server.host());
                let told = run(&mut scene, &server.host(), arguments, &[]);
                scene.assert_tight(&format!("{status} {kind} {arguments:?}"), &[&told]);
                count += 1;
            }
        }
    }
    println!("{count} combinations");
    assert!(count >= 60);
}

/// A proxy whose error page, headers and reason repeat the name and the password that it was given.
fn echoing_proxy(status: u16) -> Canned {
    Canned::raw(move |asked| {
        let basic = asked
            .head
            .lines()
            .find_map(|line| line.split_once("Basic "));
        let basic = basic.map_or("", |(_, value)| value);
        format!(
            "HTTP/1.1 {status} Not octo:{PASSWORD} {basic}\r\nProxy-Authenticate: Basic \
             realm=\"{PASSWORD} {basic}\"\r\nLocation: http://octo:{ESCAPED}@x.example/{basic}\r\n\
             Content-Length: 200\r\n\r\n<html>octo:{PASSWORD} {basic}</html>"
        )
        .into()
    })
}

#[test]
fn a_proxy_that_echoes_its_password_makes_nobody_repeat_it() {
    let mut commands = COMMANDS.to_vec();
    commands.extend([&["login"][..], &["login", "--json"], &["status", "--json"]]);
    for status in [200, 302, 403, 407, 502] {
        for in_file in [false, true] {
            for arguments in &commands {
                let proxy = echoing_proxy(status);
                let mut scene = scene_at(BEHIND);
                scene.secrets.add(PASSWORD);
                scene.secrets.add(ESCAPED);
                scene.secrets.add(format!("octo:{PASSWORD}"));
                let address = format!("http://octo:{ESCAPED}@{}", proxy.host());
                // Where the person wrote it down it may be: outside the folder that is searched.
                let elsewhere = scene.sandbox.home().join("elsewhere");
                fs::create_dir(&elsewhere).expect("a folder");
                let folder = elsewhere.to_str().expect("UTF-8").to_owned();
                let by_file = [("GHTOK_CONFIG_DIR", folder.as_str())];
                let by_variable = [("HTTPS_PROXY", address.as_str())];
                let more = if in_file {
                    let line = format!("proxy = \"{address}\"\n");
                    fs::write(elsewhere.join("config.toml"), line).expect("a file");
                    by_file
                } else {
                    by_variable
                };
                let told = run(&mut scene, BEHIND, arguments, &more);
                let what = format!("{status} {arguments:?}, in the file: {in_file}");
                scene.assert_tight(&what, &[&told]);
            }
        }
    }
}
