//! Clone, fetch, push, submodules, and many gits at once.

use std::fs;
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use tempfile::TempDir;

use crate::support::deadline::{LIMIT, ends};
use crate::support::git::{Desk, files_with, gits, url, with_a_repository};
use crate::support::sandbox::{Sandbox, as_configured};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn p6_clone_fetch_and_push_need_nobody_and_leave_no_token_behind() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        desk.well(&["clone", "--quiet", &url(&fake), "one"]);
        desk.commit_and_push("one");
        desk.well(&["clone", "--quiet", &url(&fake), "two"]);
        desk.well(&["-C", "two", "fetch", "--quiet"]);
        let log = desk.well(&["-C", "two", "log", "--format=%s"]);
        assert_eq!(log.stdout, "second\nfirst\n");
        let found = files_with(sandbox.home(), &pair.access_token);
        assert_eq!(found, [sandbox.record_file()], "{:?}", desk.git);
        assert_eq!(fake.count(Endpoint::Refresh), 0);
        assert!(fake.violations().is_empty(), "{:?}", fake.violations());
    }
}

#[test]
fn p6_a_submodule_of_a_foreign_host_is_told_nothing() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let elsewhere = TempDir::new().expect("a folder");
        let foreign = with_a_repository(elsewhere.path());
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        desk.well(&["clone", "--quiet", &url(&fake), "one"]);
        fs::write(
            sandbox.home().join("one/.gitmodules"),
            format!(
                "[submodule \"a\"]\n\tpath = a\n\turl = {}\n[submodule \"b\"]\n\tpath = b\n\turl = {}\n",
                url(&foreign),
                url(&fake)
            ),
        )
        .expect("a file");
        let head = desk.well(&["-C", "one", "rev-parse", "HEAD"]).stdout;
        for path in ["a", "b"] {
            let entry = format!("160000,{},{path}", head.trim());
            desk.well(&["-C", "one", "update-index", "--add", "--cacheinfo", &entry]);
        }
        let ours = desk.run(&["-C", "one", "submodule", "update", "--init", "b"]);
        assert_eq!(ours.code, Some(0), "{ours:?}");
        let run = desk.run(&["-C", "one", "submodule", "update", "--init", "a"]);
        assert_ne!(run.code, Some(0), "the foreign host wants a password");
        assert_told_nothing(&foreign);
        assert!(!run.stderr.contains("ghtok:"), "{run:?}");
    }
}

fn assert_told_nothing(foreign: &FakeGitHub) {
    assert!(foreign.count(Endpoint::Git) > 0);
    for request in foreign.ledger() {
        let secret = request.headers.iter().find(|(name, value)| {
            name.eq_ignore_ascii_case("authorization") || value.contains("ghu_")
        });
        assert_eq!(secret, None);
    }
}

#[test]
fn p2_twenty_gits_at_the_moment_the_token_comes_due_refresh_once() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, Duration::from_secs(60));
        let desk = Desk::new(&sandbox, git);
        let remote = url(&fake);
        let running: Vec<_> = (0..20)
            .map(|_| {
                desk.command(&["ls-remote", &remote])
                    .spawn()
                    .expect("git starts")
            })
            .collect();
        for child in running {
            let run = ends(child, LIMIT);
            assert_eq!(run.code, Some(0), "{run:?}");
        }
        assert_eq!(fake.count(Endpoint::Refresh), 1);
        assert_eq!(fake.count(Endpoint::User), 0);
    }
}

#[test]
fn each_repository_gets_the_token_of_its_owners_app() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let host = fake.host();
        sandbox.configure(&format!(
            "store = \"file\"\n[[app]]\nname = \"other\"\nclient_id = \"Iv1.other\"\nhost = \"{host}\"\n\
             [[app]]\nname = \"own\"\nclient_id = \"{}\"\nhost = \"{host}\"\nowners = [\"OctoCat\"]\n",
            fake_github::CLIENT_ID
        ));
        let desk = Desk::new(&sandbox, git);
        let run_with_path = |path: &str| {
            let mut command = desk.command(&[
                "-c",
                "credential.useHttpPath=true",
                "ls-remote",
                &format!("{}/{path}", fake.base_url()),
            ]);
            as_configured(&mut command);
            ends(command.spawn().expect("git starts"), LIMIT)
        };
        let own = run_with_path("octocat/hello.git");
        assert_eq!(own.code, Some(0), "{own:?}");
        let other = run_with_path("somebody/else.git");
        assert_ne!(other.code, Some(0));
        assert!(
            other
                .stderr
                .contains("ghtok: other: not signed in; sign in with:\n  ghtok login other"),
            "{other:?}"
        );
        assert!(fake.is_alive(&pair.access_token));
    }
}
