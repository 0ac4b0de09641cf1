//! Other helpers before and after ghtok.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::git::{Age, Desk, files_with, gits, helper, url, with_a_repository};
use crate::support::sandbox::Sandbox;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn p6_with_git_2_46_no_helper_before_or_after_puts_a_token_on_disk() {
    for git in gits().into_iter().filter(|git| git.age == Age::Ephemeral) {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        let sockets = sandbox.home().join("sockets");
        let cache = format!("cache --socket {}", sockets.join("one").display());
        let (helper, remote) = (helper(), url(&fake));
        for (turn, chain) in [
            ["store", &cache, &helper],
            [&helper, "store", &cache],
            ["store", &helper, &cache],
        ]
        .iter()
        .enumerate()
        {
            desk.configure(chain);
            desk.well(&["clone", "--quiet", &remote, &format!("clone{turn}")]);
            let found = files_with(sandbox.home(), &pair.access_token);
            assert_eq!(found, [sandbox.record_file()], "{chain:?}");
            let kept = fs::read_to_string(sandbox.home().join(".git-credentials"));
            assert_eq!(kept.unwrap_or_default(), "", "{chain:?}");
        }
        desk.run(&[
            "credential-cache",
            "--socket",
            &sockets.join("one").to_string_lossy(),
            "exit",
        ]);
    }
}
