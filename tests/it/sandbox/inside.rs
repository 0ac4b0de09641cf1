//! ghtok inside of a sandbox that a real `sandbox serve` serves: commands, git, an MCP server, renewals.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use fake_github::{Endpoint, FakeGitHub};
use ghtok::testing::auth::scoped_tokens::ScopedStore;
use ghtok::testing::token::TokenSet;
use tempfile::TempDir;

use super::{Served, start_at};
use crate::scoped::fake;
use crate::support::deadline::{LIMIT, ends, run_command};
use crate::support::git::{add_repository, feed};
use crate::support::sandbox::{Program, Run, Sandbox, now, path_of};

/// The host with its served sandbox, and the sandbox, in whose home there is nothing.
struct Inside {
    fake: FakeGitHub,
    host: Sandbox,
    served: Served,
    home: TempDir,
    _repositories: TempDir,
}

impl Inside {
    fn with(flags: &[&str]) -> Self {
        let repositories = tempfile::tempdir().expect("a folder");
        for name in ["acme/one", "acme/two"] {
            add_repository(repositories.path(), name);
        }
        let fake = fake().scoped_tokens_count().git_root(repositories.path());
        let (fake, host) = start_at(fake);
        let served = Served::new(&host, "box", flags);
        Self {
            fake,
            host,
            served,
            home: tempfile::tempdir().expect("a home"),
            _repositories: repositories,
        }
    }

    /// A program in the sandbox, with the socket and nothing else of the host.
    fn program(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TZ", "UTC")
            .env("GHTOK_SOCKET", &self.served.socket)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn ghtok(&self, arguments: &[&str]) -> Command {
        self.program(path_of(Program::Real), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.ghtok(arguments))
    }

    fn get(&self) -> String {
        self.run(&["get"]).token().to_owned()
    }

    /// Runs a script with git in it that asks ghtok.
    fn exec(&self, script: &str) -> Run {
        self.run(&["exec", "--", "sh", "-ec", script])
    }

    /// Lets all but a minute of the sandbox's token's life pass.
    fn let_it_come_due(&self) {
        let store = self.host.scoped();
        let mut locked = store.try_lock().expect("a lock").expect("free");
        let mut list = locked.load().expect("a list");
        for entry in &mut list.entries {
            if let Some(TokenSet::Expiring { access, .. }) = &mut entry.tokens {
                access.expires_at = now().after(std::time::Duration::from_secs(60));
            }
        }
        locked.save(&list).expect("stored");
    }

    /// Nothing but what the scripts made is in the sandbox's home.
    #[track_caller]
    fn assert_home_has_only(&self, names: &[&str]) {
        let mut found: Vec<String> = fs::read_dir(self.home.path())
            .expect("a home")
            .map(|entry| entry.expect("one").file_name().into_string().expect("text"))
            .collect();
        found.sort();
        assert_eq!(found, names);
    }
}

#[test]
fn p11_every_command_of_a_sandbox_works_and_only_for_its_repository() {
    let inside = Inside::with(&["--repo", "acme/one", "--permission", "contents=write"]);
    let token = inside.get();
    assert_eq!(inside.fake.live_scoped_tokens(), [token.as_str()]);
    let headers = inside.run(&["headers"]).expect_code(0);
    assert!(headers.stdout.contains(&format!("Bearer {token}")));
    let shown = inside.exec("echo \"$GH_ENTERPRISE_TOKEN\"");
    assert_eq!(shown.token(), token);
    let base = inside.fake.base_url();
    let git = format!(
        "git clone --quiet {base}/acme/one.git one; cd one
         git config user.name t; git config user.email t@example.com
         git commit --quiet --allow-empty -m second; git push --quiet
         git ls-remote --quiet origin | head -1 | cut -f1; git rev-parse HEAD"
    );
    let pushed = inside.exec(&git).expect_code(0);
    let lines: Vec<&str> = pushed.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0] == lines[1], "{pushed:?}");
    let other = inside.exec(&format!("git clone --quiet {base}/acme/two.git two"));
    assert_ne!(other.code, Some(0), "{other:?}");
    inside.assert_home_has_only(&["one"]);
    assert_eq!(inside.fake.count(Endpoint::Refresh), 0);
    assert!(inside.fake.violations().is_empty());
}

#[test]
fn p7_p11_a_token_that_was_revoked_is_replaced_after_a_report_from_the_sandbox() {
    let inside = Inside::with(&["--repo", "acme/one"]);
    let first = inside.get();
    inside.fake.revoke(&first);
    assert_eq!(inside.get(), first, "nobody has noticed");
    feed(&mut inside.ghtok(&["reject"]), first.as_bytes()).expect_code(0);
    let second = inside.get();
    assert!(second != first && inside.fake.is_alive(&second));
}

#[test]
fn p11_renewals_come_through_to_commands_and_to_an_mcp_server() {
    let inside = Inside::with(&["--repo", "acme/one"]);
    let mut seen = vec![inside.get()];
    for _ in 0..4 {
        inside.let_it_come_due();
        let renewed = inside.get();
        assert!(inside.fake.is_alive(&renewed));
        assert!(!seen.contains(&renewed));
        let git = format!(
            "git ls-remote {}/acme/one.git > /dev/null",
            inside.fake.base_url()
        );
        inside.exec(&git).expect_code(0);
        seen.push(renewed);
    }
    let show = "echo \"$GITHUB_PERSONAL_ACCESS_TOKEN\" > seen; exec sed -u -e 's/\"method\".*/\"result\":{}}/'";
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let mut mcp = inside.ghtok(&["mcp", "--", "sh", "-c", show]);
    let answered = feed(&mut mcp, format!("{initialize}\n").as_bytes());
    assert!(answered.stdout.contains("\"result\":{}"), "{answered:?}");
    let given = fs::read_to_string(inside.home.path().join("seen")).expect("a token");
    assert_eq!(Some(given.trim_end()), seen.last().map(String::as_str));
    // The old ones were revoked as they were replaced.
    assert_eq!(inside.fake.live_scoped_tokens().len(), 1);
    assert_eq!(inside.fake.count(Endpoint::Refresh), 0);
}

#[test]
fn p11_two_hundred_at_once_through_one_socket_are_all_served() {
    let inside = Inside::with(&["--repo", "acme/one"]);
    inside.let_it_come_due();
    let children: Vec<_> = (0..200)
        .map(|_| inside.ghtok(&["get"]).spawn().expect("ghtok"))
        .collect();
    let tokens: Vec<String> = children
        .into_iter()
        .map(|child| ends(child, LIMIT * 2).token().to_owned())
        .collect();
    assert!(tokens.iter().all(|token| inside.fake.is_alive(token)));
    assert!(
        inside.fake.scoped_tokens().len() <= 2,
        "one renewal at most"
    );
}

#[test]
fn p11_after_its_end_a_sandbox_says_so() {
    let inside = Inside::with(&["--repo", "acme/one"]);
    let token = inside.get();
    inside.host.run(["sandbox", "revoke", "box"]).expect_code(0);
    let ended = inside.run(&["get"]);
    assert!(
        ended.code != Some(0) && ended.stdout.is_empty(),
        "{ended:?}"
    );
    assert!(!inside.fake.is_alive(&token));
}
