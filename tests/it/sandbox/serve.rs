//! What a socket gives, to whom, and where it is.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use fake_github::Endpoint;
use ghtok::testing::auth::scoped_tokens::ScopedStore;
use rustix::process::Signal;

use super::{Served, answer, ask, command, get, post, sha256, start};
use crate::scoped::fake;
use crate::support::bench::LIFE;
use crate::support::deadline::run_command;
use crate::support::processes::{Caller, eventually};
use crate::support::sandbox::{Program, Sandbox};

const REPO: [&str; 4] = ["--repo", "acme/one", "--permission", "contents=read"];

/// What git asks about a repository on the fake's host.
fn question(home: &Sandbox, path: &str) -> String {
    let host = home.app().host;
    post(
        "/v1/git",
        &format!("protocol=http\nhost={host}\npath={path}\n\n"),
    )
}

#[test]
fn p11_a_sandbox_gets_its_scoped_token_and_nothing_else() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &REPO);
    let token = served.token();
    assert_eq!(fake.live_scoped_tokens(), [token.as_str()]);
    assert_eq!(served.token(), token);
    let host = home.app().host.to_string();
    let named = served.ask(&get(&format!("/v1/token?host={host}")));
    assert_eq!(named.json()["token"], token.as_str());
    let other = served.ask(&get("/v1/token?host=github.com"));
    assert_eq!(other.status, 403, "{other:?}");
    assert_eq!(other.json()["error"]["exit_code"], 2);
    let within = served.ask(&question(&home, "ACME/one.git"));
    assert!(
        within.body.contains(&format!("password={token}\n")),
        "{within:?}"
    );
    for outside in ["acme/two.git", "acme", "octocat/one", ""] {
        let answer = served.ask(&question(&home, outside));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, ""),
            "{outside}"
        );
    }
    let status = served.ask(&get("/v1/status")).json();
    assert_eq!(status["repositories"], serde_json::json!(["acme/one"]));
    assert_eq!(status["permissions"], serde_json::json!(["contents=read"]));
    assert_eq!(status["full_token"], false);
    assert_eq!(status["name"], "box");
    let record = home.record();
    let user_token = record.tokens.access_token().expose();
    assert_ne!(user_token, token);
    // Every token is in the log, and no token's text.
    let log = home.run(["sandbox", "log", "box"]).expect_code(0).stdout;
    assert!(log.contains(&sha256(&token)[..8]), "{log}");
    assert!(!log.contains(&token) && !log.contains(user_token), "{log}");
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    assert!(fake.violations().is_empty());
}

#[test]
fn p11_a_rejected_token_is_replaced_at_most_once_a_minute() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &REPO);
    let first = served.token();
    // A token of somebody else, the user's own, and a good one change nothing.
    let own = home.record().tokens.access_token().expose().to_owned();
    for token in ["ghu_guessed", &own] {
        fake.revoke(token);
        served.reject(token);
    }
    assert_eq!(served.token(), first);
    assert_eq!(fake.count(Endpoint::User), 0);
    assert_eq!(home.record().rejected, None);
    // The sign-in's own token was revoked above; the host heals itself.
    let mut reject = home.command(Program::Real, ["reject"]);
    crate::support::git::feed(&mut reject, own.as_bytes()).expect_code(0);
    home.run(["get"]).token();
    let first = served.token();
    fake.revoke(&first);
    served.reject(&first);
    let second = served.token();
    assert!(second != first && fake.is_alive(&second));
    fake.revoke(&second);
    served.reject(&second);
    assert_eq!(served.token(), second, "a minute has not passed");
    assert_eq!(fake.scoped_tokens().len(), 2);
}

#[test]
fn p11_with_the_full_token_the_sandbox_cannot_change_the_sign_in() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &["--full-token"]);
    let token = served.token();
    let record = home.record();
    assert_eq!(record.tokens.access_token().expose(), token);
    served.reject(&token);
    assert_eq!(home.record(), record);
    assert_eq!(served.ask(&get("/v1/token?min_ttl=28799")).status, 200);
    assert_eq!(home.record(), record);
    let git = served.ask(&question(&home, "any/thing"));
    assert!(git.body.contains(&token), "{git:?}");
    let status = served.ask(&get("/v1/status")).json();
    assert_eq!(status["full_token"], true);
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    let revoked = home.run(["sandbox", "revoke", "box"]).expect_code(0);
    assert!(
        revoked.stderr.contains("\n  ghtok refresh --force"),
        "{}",
        revoked.stderr
    );
    assert_eq!(served.process.finish().code, Some(0));
}

#[test]
fn what_may_be_had_must_be_said_and_must_be_there() {
    let fake = fake().start().expect("a fake");
    let home = Sandbox::new(&fake);
    home.seed(&fake, LIFE);
    let says = |arguments: &[&str], code: i32, words: &str| {
        let arguments = [&["sandbox", "serve"], arguments].concat();
        let run = run_command(&mut command(&home, &arguments)).expect_code(code);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    };
    says(&["box"], 2, "--full-token");
    says(
        &["box", "--full-token", "--repo", "acme/one"],
        2,
        "cannot be used with",
    );
    says(
        &["box", "--repo", "acme/one"],
        1,
        "\n  ghtok app secret set",
    );
    says(&["../box", "--full-token"], 2, "is not a name");
    let long = format!("/tmp/{}", "x".repeat(120));
    says(
        &["box", "--full-token", "--socket", &long],
        2,
        "longer than",
    );
    // Nothing is left of them.
    assert_eq!(home.run(["sandbox", "list"]).expect_code(0).stdout, "");
    assert!(!home.home().join("runtime/ghtok/box.sock").exists());
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let (_fake, home) = start();
    let mut killed = Served::new(&home, "box", &["--full-token"]);
    let mode = |path: &Path| {
        fs::symlink_metadata(path)
            .expect("a file")
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode(&killed.socket), 0o600);
    assert_eq!(mode(killed.socket.parent().expect("a folder")), 0o700);
    let twice = run_command(&mut command(
        &home,
        &["sandbox", "serve", "box", "--full-token"],
    ));
    let twice = twice.expect_code(2).stderr;
    assert!(twice.contains("\n  ghtok sandbox revoke box"), "{twice}");
    killed.process.signal(Signal::KILL);
    killed.process.end();
    assert!(killed.socket.exists());
    let again = Served::new(&home, "box", &["--full-token"]);
    again.token();
    // Without a folder of the session, it is in the state folder.
    let mut other = home.command(Program::Real, ["sandbox", "serve", "other", "--full-token"]);
    other.env("XDG_RUNTIME_DIR", home.home().join("not-there"));
    let other = Caller::start(&home, &mut other);
    other.wait_to_say("serving");
    let place = home.state_dir().join("run/other.sock");
    assert_eq!(
        ask(&place, get("/v1/token").as_bytes()).map(|it| it.status),
        Some(200)
    );
    let path = home.home().join("other.sock");
    let _live = UnixListener::bind(&path).expect("a socket");
    let file = home.home().join("file");
    fs::write(&file, "mine").expect("a file");
    for taken in [&path, &file] {
        let taken = taken.to_str().expect("text");
        let arguments = ["sandbox", "serve", "b", "--full-token", "--socket", taken];
        let refused = run_command(&mut command(&home, &arguments));
        let refused = refused.expect_code(2).stderr;
        assert!(refused.contains("--socket PATH"), "{refused}");
    }
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    assert!(
        fs::symlink_metadata(&path)
            .expect("a socket")
            .file_type()
            .is_socket()
    );
}

#[test]
fn p11_another_user_is_refused_and_the_flag_is_named() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can connect as another user");
    }
    let (fake, home) = start();
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    open(home.home(), 0o755);
    let path = home.home().join("s.sock");
    let socket = path.to_str().expect("text");
    let flags = ["--full-token", "--socket", socket];
    let served = Served::new(&home, "box", &flags);
    // The file's mode alone is not what keeps them out.
    open(&path, 0o666);
    let refused = as_user(65_534, &path).expect("an answer");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("--allow-uid 65534"), "{refused:?}");
    let said = home.run(["sandbox", "revoke", "box"]).expect_code(0);
    drop(said);
    let stderr = served.process.finish().stderr;
    assert_eq!(stderr.matches("--allow-uid 65534").count(), 1, "{stderr}");
    let flags = [&flags[..], &["--allow-uid", "65534"]].concat();
    let served = Served::new(&home, "box", &flags);
    let allowed = as_user(65_534, &path).expect("an answer");
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(as_user(65_533, &path).expect("an answer").status, 403);
    served.process.wait_to_say("export GHTOK_SOCKET_OWNER=0");
    assert_eq!(fake.count(Endpoint::Refresh), 0);
}

/// Asks for a token from a thread of another user (setresuid(2), "C library/kernel differences").
fn as_user(user: libc::uid_t, socket: &Path) -> Option<super::Answer> {
    let socket = socket.to_owned();
    let thread = std::thread::spawn(move || {
        #[expect(unsafe_code, reason = "the library's call changes all threads")]
        // SAFETY: the call takes numbers, and changes this thread alone, which ends here.
        let changed = unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
        assert_eq!(changed, 0);
        ask(&socket, get("/v1/token").as_bytes())
    });
    thread.join().expect("an end")
}

#[test]
fn list_shows_what_runs_and_what_was_killed() {
    let (fake, home) = start();
    let mut served = Served::new(&home, "box", &["--repo", "acme/one", "--for", "8h"]);
    served.token();
    let list = home.run(["sandbox", "list"]).expect_code(0).stdout;
    assert!(list.starts_with("box: running\n"), "{list}");
    assert!(list.contains("\n  token    acme/one\n"), "{list}");
    let json = home
        .run(["sandbox", "list", "--json"])
        .expect_code(0)
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let shown = &json["sandboxes"][0];
    assert_eq!(
        (&shown["name"], &shown["running"]),
        (&"box".into(), &true.into())
    );
    assert_eq!(shown["socket"], served.socket.to_str().expect("text"));
    served.process.signal(Signal::KILL);
    served.process.end();
    let list = home.run(["sandbox", "list"]).expect_code(0).stdout;
    assert!(list.starts_with("box: killed;"), "{list}");
    home.run(["refresh", "--force"]).expect_code(0);
    eventually("the revocation", || {
        fake.live_scoped_tokens().is_empty().then_some(())
    });
    eventually("the list", || {
        let list = home.scoped().load().expect("a list");
        list.entries.is_empty().then_some(())
    });
    assert_eq!(home.run(["sandbox", "list"]).expect_code(0).stdout, "");
    assert!(!home.state_dir().join("sandboxes/box.json").exists());
}

#[test]
fn many_at_once_are_all_served_by_a_few_reads() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &["--full-token"]);
    let expected = served.token();
    std::thread::scope(|scope| {
        let ask = || {
            let answer = served.ask(&get("/v1/token"));
            assert_eq!(answer.json()["token"], expected.as_str());
        };
        for _ in 0..200 {
            scope.spawn(ask);
        }
    });
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    // A token that is due is refreshed once, for all who ask.
    home.seed(&fake, Duration::from_secs(30));
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_ne!(served.token(), expected));
        }
    });
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    let mut idle = std::os::unix::net::UnixStream::connect(&served.socket).expect("a connection");
    idle.shutdown(std::net::Shutdown::Write).expect("a half");
    assert!(answer(&mut idle).is_none());
}
