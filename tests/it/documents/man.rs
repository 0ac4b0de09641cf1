//! The manual pages, read by the system's `man`.

use std::fs;
use std::process::Command;

use fake_github::FakeGitHub;

use crate::support::sandbox::Sandbox;

#[test]
fn every_manual_page_is_read_without_a_warning() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let folder = sandbox.home().join("man1");
    sandbox
        .run(["man", folder.to_str().expect("text")])
        .expect_code(0);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("one").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    assert!(names.contains(&"ghtok-setup-git.1".to_owned()), "{names:?}");
    assert!(!names.contains(&"ghtok-refresher.1".to_owned()), "hidden");
    let one = sandbox.run(["man"]).expect_code(0).stdout;
    assert_eq!(one, fs::read_to_string(folder.join("ghtok.1")).expect("it"));
    for name in names {
        let Ok(read) = Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l"])
            .arg(folder.join(&name))
            .envs([("MANWIDTH", "80"), ("LC_ALL", "C.UTF-8"), ("TERM", "dumb")])
            .output()
        else {
            skip!("there is no man");
            return;
        };
        let shown = String::from_utf8(read.stdout).expect("UTF-8");
        assert!(read.status.success(), "{name}");
        assert_eq!(String::from_utf8_lossy(&read.stderr), "", "{name}");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
            let found = shown.lines().any(|line| line.trim() == heading);
            assert!(found, "{name}: {heading}: {shown}");
        }
        let (_, examples) = shown.split_once("EXAMPLES").expect("the heading");
        assert!(examples.contains("ghtok"), "{name}: {shown}");
    }
}
