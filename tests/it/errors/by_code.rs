//! Errors that have one text each: usage, signing in, and the rest.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::app::{App, ClientId};
use ghtok::testing::commands::setup::mcp::{McpSetup, ServerKind};
use ghtok::testing::commands::{Unseparated, exec};
use ghtok::testing::error::{Discarded, Error, SignInReason};
use ghtok::testing::formats::mcp_client::{Client, ClientFolders};
use ghtok::testing::host::Host;
use ghtok::testing::host::Inherited;
use ghtok::testing::host::token_env::{self, EnvPlan, OtherTokens, Recipient, TokenVariable};
use ghtok::testing::token::MinTtl;

use super::page::{APP, LOGIN, Page};
use crate::support::bench::{Bench, LIFE};
use crate::support::sandbox::Sandbox;

/// A moment, as the clock shows moments to people.
const MOMENT: &str = "2026-11-22 14:00 +01:00";

pub fn usage(page: &mut Page) {
    page.section("Commands that are not meant so")
        .add(min_ttl(LIFE, Duration::from_secs(30_000)))
        .add(min_ttl(Duration::from_secs(90), Duration::from_secs(90)))
        .add(unseparated("gh repo list", "-e GH_TOKEN", &[]))
        .add(unseparated("work gh repo list", "", &["work"]))
        .add(misplaced("GH_HOST", "github.com"))
        .add(misplaced("GH_REPO", "github.com"))
        .add(misplaced("GITHUB_API_URL", "github.com"))
        .add(misplaced("GH_TOKEN", "ghes.example"))
        .add(misplaced("GH_ENTERPRISE_TOKEN", "github.com"))
        .add(two_hosts())
        .add(mcp_variable("GH_TOKEN", "ghes.example"))
        .add(mcp_variable("GITHUB_HOST", "github.com"))
        .add(exec::no_command())
        .add(nobody_agrees())
        .add(nobody_answers())
        .add(setup(
            Client::ALL[0],
            ServerKind::Remote,
            false,
            "ghes.example",
        ))
        .add(setup(Client::Zed, ServerKind::Docker, true, "github.com"))
        .add(setup(
            Client::ClaudeCode,
            ServerKind::Docker,
            true,
            "github.com",
        ));
}

pub fn sign_in(page: &mut Page) {
    page.section("A person has to sign in");
    for why in [
        SignInReason::SignedOut,
        SignInReason::Expired,
        SignInReason::NoRefreshToken,
        SignInReason::Vanished {
            place: "the keychain (Secret Service)".into(),
        },
        SignInReason::RefreshRejected {
            when: MOMENT.into(),
        },
        SignInReason::Lost {
            when: MOMENT.into(),
        },
        SignInReason::AccessRejected,
        SignInReason::OtherAccount {
            expected: "octocat".into(),
            actual: "hubot".into(),
        },
    ] {
        page.add(Error::SignInNeeded {
            app: APP.into(),
            why,
            login: LOGIN.into(),
        });
    }
    let (app, login) = (APP.to_owned(), LOGIN.to_owned());
    page.section("A sign-in that came to nothing")
        .add(Error::Denied {
            app: app.clone(),
            login: login.clone(),
        })
        .add(Error::CodeExpired {
            app: app.clone(),
            login: login.clone(),
        })
        .add(Error::OtherAccount {
            app: app.clone(),
            expected: "octocat".into(),
            actual: "hubot".into(),
            login: login.clone(),
            tokens: Discarded::Revoked,
        })
        .add(Error::AccountSwitch {
            app: app.clone(),
            stored: "octocat".into(),
            actual: "hubot".into(),
            login: login.clone(),
            tokens: Discarded::NotRevoked(
                "ghes.example answered HTTP 404; revoke the App at https://ghes.example/settings/apps/authorizations".into(),
            ),
        })
        .add(Error::AccountUnknown {
            app,
            stored: "octocat".into(),
            login,
            tokens: Discarded::Revoked,
        })
        .add(Error::Cancelled {
            left: "nothing was changed".into(),
            next: "start again with:\n  ghtok app new".into(),
        })
        .add(Error::Cancelled {
            left: format!("nothing was stored, and {}", Discarded::Revoked),
            next: format!("switch to your account in the browser, then:\n  {LOGIN}"),
        })
        .add(Error::Interrupted {
            left: "nothing was changed",
            signal: 2,
        })
        .add(Error::Interrupted {
            left: "you are signed in",
            signal: 15,
        });
}

pub fn other(page: &mut Page) {
    let app = || APP.to_owned();
    page.section("Waiting for another ghtok")
        .add(Error::GaveUpWaiting {
            app: app(),
            waited: Duration::from_secs(45),
        })
        .add(Error::RefresherDied { app: app() });
    page.section("Other programs")
        .add(Error::CommandNotFound {
            command: "gh".into(),
        })
        .add(Error::CommandNotRun {
            command: "./release.sh".into(),
            cause: "permission denied".into(),
        });
    let file = || "/home/me/.gitconfig".into();
    for (doing, cause) in [
        ("read", "permission denied"),
        ("change", "it is read-only"),
        (
            "change",
            "/home/me/.gitconfig.lock exists: another program is changing the file, or left this one when it was killed (then delete it)",
        ),
        ("change", "another program changed it at the same time"),
        ("change", "too many symbolic links"),
        ("read", "bad config line 3"),
        (
            "have git read",
            "fatal: bad config line 1 in file /home/me/more (exit code 128)",
        ),
        ("have git read", "git's output is too long"),
        (
            "use",
            "git does not read it, because GIT_CONFIG_GLOBAL is empty or /dev/null",
        ),
        ("use", "git does not list ghtok's helper afterwards"),
    ] {
        page.add(Error::GitConfig {
            doing,
            path: file(),
            cause: cause.into(),
        });
    }
    let own = "/home/me/.config/git/ghtok.gitconfig";
    for (doing, path, cause) in [
        ("replace", own, "ghtok did not write it"),
        ("write", own, "no space left on device"),
        ("remove", own, "permission denied"),
        ("ask", "git", "git is not in the PATH"),
    ] {
        page.add(Error::GitConfig {
            doing,
            path: path.into(),
            cause: cause.into(),
        });
    }
    for cause in ["see its message above", "permission denied"] {
        page.add(Error::ClientFailed {
            failed: "\"claude\" failed to add the server".into(),
            cause: cause.into(),
            fix: "add it yourself with the lines from:\n  ghtok setup mcp claude-code".into(),
        });
    }
    page.add(Error::ClientFailed {
        failed: "cannot remove the server \"github\" from /home/me/.codex/config.toml".into(),
        cause: "it is written in a way that ghtok does not change".into(),
        fix: "remove that entry yourself".into(),
    });
    page.section("Standard output")
        .add(Error::Output(io::Error::from_raw_os_error(28)))
        .add(Error::OutputClosed);
}

fn min_ttl(life: Duration, asked: Duration) -> Error {
    let bench = Bench::new();
    bench.seed(LIFE);
    let mut record = bench.record();
    if let ghtok::testing::token::TokenSet::Expiring { access, .. } = &mut record.tokens {
        access.lifetime = life;
    }
    bench.put(&record);
    bench
        .get_with(MinTtl::Explicit(asked))
        .expect_err("too long")
}

pub fn app(host: &str) -> App {
    App {
        name: Some(APP.into()),
        client_id: ClientId::parse(CLIENT_ID).expect("an ID"),
        host: Host::parse(host).expect("a host"),
        account: None,
        owners: vec![],
    }
}

/// `exec -e VARIABLE` with a token of these hosts.
fn plan_of(grants: &[(&str, &App)]) -> Result<EnvPlan, Error> {
    let grants: Vec<TokenVariable<'_>> = grants
        .iter()
        .map(|(variable, app)| TokenVariable {
            variable,
            host: &app.host,
        })
        .collect();
    let inherited = Inherited::default();
    token_env::plan(Recipient::Command, &grants, OtherTokens::Remove, &inherited)
}

fn unseparated(words: &str, flags: &str, apps: &[&str]) -> Error {
    let parts = |line: &str| line.split_whitespace().map(OsString::from).collect();
    Unseparated {
        verb: "exec",
        flags: parts(flags),
        words: parts(words),
    }
    .error(apps)
}

fn misplaced(variable: &str, host: &str) -> Error {
    plan_of(&[(variable, &app(host))]).expect_err("a misplaced token")
}

fn two_hosts() -> Error {
    let (cloud, resident) = (app("github.com"), app("octo.ghe.com"));
    plan_of(&[("GH_TOKEN", &cloud), ("GITHUB_TOKEN", &resident)]).expect_err("two hosts")
}

fn mcp_variable(name: &str, host: &str) -> Error {
    let host = Host::parse(host).expect("a host");
    let grant = TokenVariable {
        variable: name,
        host: &host,
    };
    token_env::plan(
        Recipient::McpServer,
        &[grant],
        OtherTokens::Remove,
        &Inherited::default(),
    )
    .expect_err("a variable of others")
}

fn setup(client: Client, server: ServerKind, write: bool, host: &str) -> Error {
    let folder = || "/home/me".into();
    let setup = McpSetup {
        client,
        program: "/usr/bin/ghtok".into(),
        flags: Vec::new(),
        host: &Host::parse(host).expect("a host"),
        folders: ClientFolders {
            home: folder(),
            programs: folder(),
            config: folder(),
            project: folder(),
        },
        folder_variables: Vec::new(),
        path: Vec::new(),
    };
    setup
        .run(server, write)
        .expect_err("a setup that cannot be")
}

/// Asked for without a terminal; the real command is tried in `setup_git`.
fn nobody_answers() -> Error {
    let fake = FakeGitHub::start().expect("a fake");
    let told = Sandbox::new(&fake).run(["app", "new"]);
    let text = told.stderr.trim_end().replace("ghtok: ", "");
    let (error, hint) = text.split_once("\nhint: ").expect("a hint");
    Error::Usage {
        message: error.trim_start_matches("error: ").to_owned(),
        hint: hint.to_owned(),
    }
}

fn nobody_agrees() -> Error {
    Error::Usage {
        message: "setup git: cannot ask for confirmation (no terminal)".into(),
        hint: "confirm with:\n  ghtok setup git --yes\nor see the lines with:\n  ghtok setup git --print"
            .into(),
    }
}
