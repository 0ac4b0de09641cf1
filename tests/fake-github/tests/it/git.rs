//! Real git against the fake's remote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

use fake_github::{Endpoint, FakeGitHub, ViolationKind};

use crate::client::signed_in;

/// A folder of its own that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("fake-github-{name}-{}", process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left-overs in the temporary folder harm no one.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "credential.helper=",
        ])
        .args([
            "-c",
            "http.postBuffer=131072",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", folder.join("no-such-gitconfig"))
        .env_remove("GIT_ASKPASS")
        .env_remove("SSH_ASKPASS")
        .output()
        .expect("git runs")
}

#[track_caller]
pub(crate) fn git_well(folder: &Path, arguments: &[&str]) {
    let output = git(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The CGI program is a part of git that some packages leave out.
pub(crate) fn has_http_backend() -> bool {
    let run = Command::new("git")
        .arg("http-backend")
        .env_remove("REQUEST_METHOD")
        .output();
    let there = run.is_ok_and(|run| String::from_utf8_lossy(&run.stdout).contains("Status: 500"));
    if !there {
        let must_run = std::env::var_os("GHTOK_TEST_ALL").is_some_and(|value| !value.is_empty());
        assert!(!must_run, "skipped: git http-backend is missing");
        println!("skipped: git http-backend is missing");
    }
    there
}

const BRANCHES: usize = 30;

fn remote(fake: &FakeGitHub, password: &str) -> String {
    format!(
        "http://x-access-token:{password}@{}/octocat/hello.git",
        fake.host()
    )
}

#[test]
fn a_live_token_clones_and_pushes() {
    if !has_http_backend() {
        return;
    }
    let folder = Folder::new("live");
    let root = folder.0.join("root");
    fs::create_dir_all(root.join("octocat")).expect("a folder");
    git_well(
        &folder.0,
        &["init", "--quiet", "--bare", "root/octocat/hello.git"],
    );
    let fake = FakeGitHub::builder()
        .git_root(&root)
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);

    git_well(
        &folder.0,
        &["clone", "--quiet", &remote(&fake, &access), "one"],
    );
    // Larger than the post buffer, so that git sends it in chunks.
    let noise: String = (0..40_000)
        .map(|n: u32| n.wrapping_mul(2_654_435_761).to_string())
        .collect();
    fs::write(folder.0.join("one/noise"), noise).expect("a file");
    let one = folder.0.join("one");
    git_well(&one, &["add", "noise"]);
    git_well(&one, &["commit", "--quiet", "-m", "noise"]);
    // Many branches make a long list of wishes, which git compresses.
    for _ in 0..BRANCHES {
        git_well(&one, &["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    }
    let refs: Vec<String> = (0..BRANCHES)
        .map(|n| format!("HEAD~{n}:refs/heads/b{n}"))
        .collect();
    let mut push = vec!["push", "--quiet", "origin", "HEAD:refs/heads/main"];
    push.extend(refs.iter().map(String::as_str));
    git_well(&one, &push);
    git_well(
        &folder.0,
        &[
            "clone",
            "--quiet",
            "-b",
            "main",
            &remote(&fake, &access),
            "two",
        ],
    );
    let [one, two] = ["one", "two"].map(|copy| fs::read(folder.0.join(copy).join("noise")));
    assert_eq!(one.expect("written"), two.expect("cloned"));

    let seen = |service: &str, name, value| {
        let requests = fake.requests(Endpoint::Git).into_iter();
        let mut here = requests.filter(|request| request.path.ends_with(service));
        here.any(|request| request.header(name) == Some(value))
    };
    assert!(seen("receive-pack", "transfer-encoding", "chunked"));
    assert!(seen("upload-pack", "content-encoding", "gzip"));
    assert!(fake.violations().is_empty());
}

#[test]
fn dead_tokens_and_refresh_tokens_are_refused() {
    if !has_http_backend() {
        return;
    }
    let folder = Folder::new("dead");
    fs::create_dir_all(folder.0.join("octocat")).expect("a folder");
    git_well(
        &folder.0,
        &["init", "--quiet", "--bare", "octocat/hello.git"],
    );
    let fake = FakeGitHub::builder()
        .git_root(&folder.0)
        .start()
        .expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    fake.revoke(&access);
    for password in [&access, &refresh_token] {
        let output = git(
            &folder.0,
            &["clone", "--quiet", &remote(&fake, password), "copy"],
        );
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && text.contains("Authentication failed"),
            "{text}"
        );
    }
    assert!(
        fake.requests(Endpoint::Git)
            .iter()
            .all(|request| request.status == Some(401))
    );
    let misdirected = ViolationKind::RefreshTokenMisdirected;
    assert!(
        fake.violations()
            .iter()
            .all(|found| found.kind == misdirected)
    );
    assert!(!fake.violations().is_empty());
}

#[test]
fn what_is_out_of_reach_is_not_found_and_what_is_public_is_read() {
    if !has_http_backend() {
        return;
    }
    let folder = Folder::new("reach");
    for name in ["octocat/hello", "acme/private", "acme/public"] {
        let bare = format!("{name}.git");
        fs::create_dir_all(folder.0.join(&bare)).expect("a folder");
        git_well(&folder.0, &["init", "--quiet", "--bare", &bare]);
    }
    let fake = FakeGitHub::builder()
        .git_root(&folder.0)
        .public_repository("acme/public")
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    let status = |path: &str, service: &str, password: Option<&str>| {
        let header = password.map(|password| {
            format!(
                "Authorization: Basic {}\r\n",
                base64(&format!("x:{password}"))
            )
        });
        let request = format!(
            "GET /{path}.git/info/refs?service={service} HTTP/1.1\r\n{}\r\n",
            header.unwrap_or_default()
        );
        crate::client::send(&fake, &request).status
    };
    let (read, push, own) = ("git-upload-pack", "git-receive-pack", Some(access.as_str()));
    for (path, service, password, expected) in [
        ("octocat/hello", read, own, 200),
        ("octocat/hello", push, own, 200),
        ("octocat/hello", read, None, 401),
        ("acme/private", read, own, 404),
        ("acme/private", push, own, 404),
        ("acme/private", read, None, 401),
        ("acme/public", read, None, 200),
        ("acme/public", read, own, 200),
        ("acme/public", push, own, 403),
        ("acme/public", push, None, 401),
        ("acme/public", read, Some("ghu_dead"), 401),
    ] {
        let found = status(path, service, password);
        assert_eq!(found, expected, "{path} {service} {}", password.is_some());
    }
}

#[test]
fn nothing_outside_the_root_is_served() {
    if !has_http_backend() {
        return;
    }
    let folder = Folder::new("outside");
    fs::create_dir_all(folder.0.join("root")).expect("a folder");
    git_well(&folder.0, &["init", "--quiet", "--bare", "secret.git"]);
    let fake = FakeGitHub::builder()
        .git_root(folder.0.join("root"))
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    let basic = base64(&format!("x:{access}"));
    for path in [
        "/../secret.git/info/refs",
        "/o/none.git/info/refs",
        "/o/r.git/config",
    ] {
        let reply = crate::client::send(
            &fake,
            &format!(
                "GET {path}?service=git-upload-pack HTTP/1.1\r\nAuthorization: Basic {basic}\r\n\r\n"
            ),
        );
        assert_eq!(reply.status, 404, "{path}");
    }
}

pub(crate) fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = text.as_bytes().chunks(3).flat_map(|three| {
        let [a, b, c] = [0, 1, 2].map(|at| usize::from(three.get(at).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        [18, 12, 6, 0]
            .map(|shift| char::from(LETTERS[bits >> shift & 63]))
            .into_iter()
            .take(three.len() + 1)
    });
    letters.collect()
}
